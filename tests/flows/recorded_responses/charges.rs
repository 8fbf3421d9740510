//! Subscriptions, charges and refunds: the partner's calls, the calls to billing, and the webhooks.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use http::Method;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";
const NO_PAI: &str = "00000000-0000-4000-8000-000000000000";

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a subscriber");
    recorder.system.sign_up(&recorder.system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    recorder.record("signs up");
    let pai = recorder.system.pai_of("ann@example.com").await;
    record_charges(recorder, &pai).await;
    charge_refusals(recorder, &pai).await;
    record_refunds(recorder).await;
    refund_refusals(recorder).await;
    record_unclear_charges(recorder, &pai).await;
    unclear_refunds(recorder, &pai).await;
    record_subscriptions(recorder, &pai).await;
    record_ledger_pages(recorder).await;
    shared_refusals(recorder, &pai).await;
}

async fn record_charges(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("charges");
    recorder.known_partner("a charge", "/transaction", &charge_body(pai, "c-1", 1599)).await;
    recorder.known_partner("its replay", "/transaction", &charge_body(pai, "c-1", 1599)).await;
    recorder.known_partner("with other contents", "/transaction", &charge_body(pai, "c-1", 1600)).await;
    let mut taxed = charge_body(pai, "c-2", 1599);
    taxed["tax"] = json!({"value": 99, "currency": "USD"});
    recorder.known_partner("with tax", "/transaction", &taxed).await;
    let call = ScriptedCall::post(
        CallerKind::Partner("netflix"),
        "/ott/v1/transaction",
        &charge_body(pai, "c-3", 1599),
    );
    recorder.call_twice("two at once", &call).await;
    recorder.partner("its state", Method::GET, "/transaction/c-1", &Value::Null).await;
    recorder.partner("an unknown one's state", Method::GET, "/transaction/none", &Value::Null).await;
    recorder.partner("no identifier", Method::GET, "/transaction/a%20b", &Value::Null).await;
}

async fn charge_refusals(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("what is no charge");
    let period = |from: &str, to: &str| json!({"from": from, "to": to});
    let amount = |value: Value, currency: &str| json!({"value": value, "currency": currency});
    for (member, value) in [
        ("amount", amount(json!(0), "USD")),
        ("amount", amount(json!(-1), "USD")),
        ("amount", amount(json!(100_000_001), "USD")),
        ("amount", amount(json!(15.99), "USD")),
        ("amount", amount(json!(1599), "XXX")),
        ("amount", amount(json!(1599), "EUR")),
        ("servicePeriod", period("2026-12-31", "2026-12-01")),
        ("servicePeriod", period("2026-12-01", "2030-12-01")),
        ("servicePeriod", period("2026-02-01", "2026-02-30")),
        ("extTransactionID", json!("")),
        ("extTransactionID", json!("b 1")),
        ("extTransactionID", json!("onbill-coupon-1")),
        ("tax", amount(json!(1600), "USD")),
        ("tax", amount(json!(10), "EUR")),
        ("description", json!("")),
        ("description", json!("a\nb")),
        ("pai", json!("not a pai")),
        ("pai", json!(NO_PAI)),
    ] {
        let mut body = charge_body(pai, "b-1", 1599);
        body[member] = value;
        let label = format!("a wrong {member}");
        recorder.partner(&label, Method::POST, "/transaction", &body).await;
        let passed_on = ScriptedCall::post(CallerKind::EdgeForPartner, "/ott/v1/transaction", &body);
        recorder.call(&format!("{label}, at the origin"), passed_on).await;
    }
    let foreign = ScriptedCall::post(
        CallerKind::Partner("tunes"),
        "/ott/v1/transaction",
        &charge_body(pai, "b-1", 1599),
    );
    recorder.call("another partner's PAI", foreign).await;
}

pub(super) fn refund_request(id: &str, value: impl Into<Option<i64>>) -> Value {
    let mut body = json!({"extRefundID": id, "reason": "A week without service"});
    if let Some(value) = value.into() {
        body["amount"] = json!({"value": value, "currency": "USD"});
    }
    body
}

async fn record_refunds(recorder: &mut ResponseRecorder) {
    recorder.begin_section("refunds");
    recorder.known_partner("a part", "/transaction/c-1/refund", &refund_request("r-1", 600)).await;
    recorder.known_partner("its replay", "/transaction/c-1/refund", &refund_request("r-1", 600)).await;
    recorder
        .known_partner("with other contents", "/transaction/c-1/refund", &refund_request("r-1", 601))
        .await;
    recorder
        .known_partner("more than is left", "/transaction/c-1/refund", &refund_request("r-2", 1000))
        .await;
    recorder.known_partner("the rest", "/transaction/c-1/refund", &refund_request("r-3", None)).await;
    recorder.known_partner("nothing is left", "/transaction/c-1/refund", &refund_request("r-4", None)).await;
    recorder.known_partner("all of a charge", "/transaction/c-2/refund", &refund_request("r-5", None)).await;
    let body = refund_request("r-6", 100);
    let call = ScriptedCall::post(CallerKind::Partner("netflix"), "/ott/v1/transaction/c-3/refund", &body);
    recorder.call_twice("two at once", &call).await;
    for (label, path) in [
        ("its state", "/transaction/c-1/refund/r-1"),
        ("of another charge", "/transaction/c-2/refund/r-1"),
        ("an unknown refund", "/transaction/c-1/refund/none"),
        ("no identifier", "/transaction/c-1/refund/a%20b"),
    ] {
        recorder.partner(label, Method::GET, path, &Value::Null).await;
    }
}

async fn refund_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("what is no refund");
    for (member, value) in [
        ("amount", json!({"value": 0, "currency": "USD"})),
        ("amount", json!({"value": 7.99, "currency": "USD"})),
        ("amount", json!({"value": 100, "currency": "EUR"})),
        ("extRefundID", json!("r".repeat(300))),
        ("reason", json!(" ")),
        ("reason", json!("a\nb")),
    ] {
        let mut body = refund_request("r-9", 100);
        body[member] = value;
        recorder.partner(&format!("a wrong {member}"), Method::POST, "/transaction/c-1/refund", &body).await;
        let passed_on =
            ScriptedCall::post(CallerKind::EdgeForPartner, "/ott/v1/transaction/c-1/refund", &body);
        recorder.call(&format!("a wrong {member}, at the origin"), passed_on).await;
    }
    recorder
        .partner("no such charge", Method::POST, "/transaction/none/refund", &refund_request("r-9", 1))
        .await;
    let passed_on = ScriptedCall::post(
        CallerKind::EdgeForPartner,
        "/ott/v1/transaction/none/refund",
        &refund_request("r-9", 1),
    );
    recorder.call("no such charge, at the origin", passed_on).await;
}

/// Charges whose outcome is not known at once: PENDING, then a webhook.
async fn record_unclear_charges(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("a charge that billing applies without an answer");
    for (id, mishap) in
        [("u-1", NetworkFault::AnswerLost), ("u-2", NetworkFault::Lost), ("u-13", NetworkFault::FailsAfter)]
    {
        recorder.system.network.inject_fault(BILLING, mishap);
        recorder.known_partner("the charge", "/transaction", &charge_body(pai, id, 1599)).await;
        recorder.known_partner("its replay", "/transaction", &charge_body(pai, id, 1599)).await;
        let body = refund_request("ur-1", 100);
        recorder.known_partner("a refund of it", &format!("/transaction/{id}/refund"), &body).await;
        recorder.system.network.clear_faults();
        recorder.system.advance_seconds(400);
        recorder.deliver("billing is asked, then the webhook").await;
        let path = format!("/transaction/{id}");
        recorder.partner("its state", Method::GET, &path, &Value::Null).await;
    }
    recorder.begin_section("a charge that is declined later");
    recorder.system.network.inject_fault(BILLING, NetworkFault::Lost);
    recorder.known_partner("the charge", "/transaction", &charge_body(pai, "u-4", 1599)).await;
    recorder.system.network.clear_faults();
    let suspended = ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended");
    recorder.system.acme.import_accounts(&suspended).await;
    recorder.system.advance_seconds(400);
    recorder.deliver("the account is suspended by then").await;
    recorder.system.acme.import_accounts(ACME_ACCOUNTS).await;
}

async fn unclear_refunds(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("refunds that are clear later");
    recorder.known_partner("a charge", "/transaction", &charge_body(pai, "v-21", 1599)).await;
    for (id, mishap) in [("v-1", NetworkFault::AnswerLost), ("v-2", NetworkFault::Lost)] {
        recorder.system.network.inject_fault(REFUNDS, mishap);
        recorder.known_partner("the refund", "/transaction/v-21/refund", &refund_request(id, 100)).await;
        recorder.system.network.clear_faults();
        recorder.system.advance_seconds(400);
        recorder.deliver("billing is asked again, then the webhook").await;
        let path = format!("/transaction/v-21/refund/{id}");
        recorder.partner("its state", Method::GET, &path, &Value::Null).await;
    }
    recorder.begin_section("a webhook that the partner does not take at once");
    recorder.system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    recorder.known_partner("a charge", "/transaction", &charge_body(pai, "v-23", 1599)).await;
    recorder.system.network.clear_faults();
    recorder.system.network.inject_fault("127.0.0.1:8791/transaction-state", NetworkFault::FailsAfter);
    recorder.system.advance_seconds(400);
    recorder.deliver("it fails").await;
    recorder.system.network.clear_faults();
    recorder.system.advance_seconds(400);
    recorder.deliver("it is sent again").await;
}

async fn record_subscriptions(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("subscriptions");
    let validated = json!({"msisdn": "+12025550107", "operator": "acme"});
    let other = recorder.partner("a PAI", Method::POST, "/account/validate", &validated).await.text("pai");
    let body = json!({"pai": other, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let with = |member: &str, value: Value| {
        let mut body = body.clone();
        body[member] = value;
        body
    };
    let path = "/partnerSubscription";
    let id = recorder.partner("a new one", Method::POST, path, &body).await.text("partnerSubscriptionID");
    recorder.partner("its replay", Method::POST, path, &body).await;
    recorder.partner("with other contents", Method::POST, path, &with("plan", json!("premium"))).await;
    let second = with("extSubscriptionID", json!("s-2"));
    recorder.partner("a second one", Method::POST, path, &second).await;
    recorder.partner("of no PAI", Method::POST, path, &with("pai", json!(NO_PAI))).await;
    recorder.partner("of another origin", Method::POST, path, &with("origin", json!("GIFT"))).await;
    recorder.partner("without a plan", Method::POST, path, &with("plan", json!(""))).await;
    let of_ann = with("pai", json!(pai));
    recorder.partner("an id of another subscriber", Method::POST, path, &of_ann).await;
    let change = |status: &str| json!({"status": status, "reason": "As they wish"});
    let own = format!("{path}/{id}");
    let rise = json!({"changeID": "ch-1", "price": {"value": 1799, "currency": "USD"}, "effectiveFrom": "2027-03-01"});
    recorder.partner("a higher price", Method::PUT, &own, &rise).await;
    recorder.partner("its replay", Method::PUT, &own, &rise).await;
    let mut other = rise.clone();
    other["price"]["value"] = json!(1899);
    recorder.partner("another change under its id", Method::PUT, &own, &other).await;
    other["changeID"] = json!("ch-2");
    other["effectiveFrom"] = json!("2027-02-28");
    recorder.partner("one that would hold before it", Method::PUT, &own, &other).await;
    other["effectiveFrom"] = json!("2027-03-01");
    recorder.partner("one that takes its place", Method::PUT, &own, &other).await;
    for status in ["SUSPENDED", "ACTIVE", "PAUSED", "CANCELLED", "CANCELLED", "ACTIVE"] {
        recorder.partner(&format!("changed to {status}"), Method::PUT, &own, &change(status)).await;
    }
    let unknown = format!("{path}/none");
    recorder.partner("an unknown one", Method::PUT, &unknown, &change("ACTIVE")).await;
    let malformed = format!("{path}/a%20b");
    recorder.partner("no identifier", Method::PUT, &malformed, &change("ACTIVE")).await;
    let passed_on = ScriptedCall::new(
        CallerKind::EdgeForPartner,
        Method::PUT,
        "/ott/v1/partnerSubscription/none",
        &change("ACTIVE"),
    );
    recorder.call("an unknown one, at the origin", passed_on).await;
}

async fn record_ledger_pages(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the ledger");
    for query in [
        "from=2026-11-01&to=2026-11-30",
        "from=2026-11-01&to=2026-11-30&status=DECLINED&partner=netflix",
        "from=2026-12-01&to=2026-12-01",
        "from=2026-12-01&to=2026-11-01",
        "from=2026-11-01",
        "from=2026-11-01&to=2026-11-30&status=NONE",
        "from=2026-11-01&to=2026-11-30&partner=tunes",
        "from=2026-11-01&to=2026-11-30&cursor=none",
    ] {
        recorder.operator_asks(query, &format!("/transactions?{query}")).await;
    }
    for query in ["from=2026-11-01&to=2026-12-31", "from=2026-11-01", "from=2026-12-01&to=2026-11-01"] {
        recorder.operator_asks(&format!("mandates, {query}"), &format!("/mandates?{query}")).await;
    }
    let pai = recorder.system.pai_of("ann@example.com").await;
    for n in 0..26 {
        recorder
            .system
            .call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, &format!("p-{}", 100 + n), 100))
            .await;
    }
    recorder.skip();
    let query = "from=2026-11-01&to=2026-11-30";
    let page = recorder.operator_asks("a page", &format!("/transactions?{query}")).await;
    let next = format!("/transactions?{query}&cursor={}", page.text("next"));
    recorder.operator_asks("the next page", &next).await;
}

async fn shared_refusals(recorder: &mut ResponseRecorder, pai: &str) {
    let caller = CallerKind::Partner("netflix");
    let new = json!({"pai": pai, "extSubscriptionID": "s-9", "origin": "NEW_ACCOUNT", "plan": "standard"});
    for call in [
        ScriptedCall::post(caller, "/ott/v1/transaction", &charge_body(pai, "x-31", 1599)),
        ScriptedCall::get(caller, "/ott/v1/transaction/x-31"),
        ScriptedCall::post(caller, "/ott/v1/transaction/x-31/refund", &refund_request("x-1", 100)),
        ScriptedCall::get(caller, "/ott/v1/transaction/x-31/refund/x-1"),
        ScriptedCall::post(caller, "/ott/v1/partnerSubscription", &new),
        ScriptedCall::new(
            caller,
            Method::PUT,
            "/ott/v1/partnerSubscription/x-1",
            &json!({"status": "ACTIVE"}),
        ),
        ScriptedCall::post(caller, "/ott/v1/notification", &json!({"pai": pai, "message": "Hello"})),
        ScriptedCall::post(caller, "/ott/v1/token/validate", &json!({"token": "t", "extReference": "x-1"})),
    ] {
        refusals::record(recorder, &call).await;
    }
}
