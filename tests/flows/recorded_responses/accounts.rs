//! What happens to accounts: the operator's events and erasures, the partner's webhooks and
//! notifications, and the customer's own page.

use super::recorder::{RecordedReply, ResponseRecorder};
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use super::widget;
use http::Method;
use onbill_test_harness::NetworkFault;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

pub(super) async fn record_events(recorder: &mut ResponseRecorder) {
    recorder.begin_section("account events");
    for (n, what) in
        ["activated", "suspended", "resumed", "sim-swapped", "ceased", "ported-out", "ownership-changed"]
            .into_iter()
            .enumerate()
    {
        let number = ["+12025550101", "+12025550107", "+12025550109", "+12025550110"][n.saturating_sub(3)];
        if n == 0 || n > 3 {
            sign_up(recorder, number).await;
        }
        recorder.system.advance_seconds(60);
        let body = event_request(recorder, &format!("e-{what}"), what, number);
        recorder.operator(what, "/account-events", &body).await;
        recorder.deliver("webhook and mapping").await;
        recorder.operator("its replay", "/account-events", &body).await;
        charge_number(recorder, number, &format!("c-{what}-{}", n + 2)).await;
    }
    number_changed(recorder).await;
    event_refusals(recorder).await;
    webhook_trouble(recorder).await;
    record_erasures(recorder).await;
    let body = event_request(recorder, "x-1", "suspended", "+12025550114");
    let systems = CallerKind::Operator("acme");
    refusals::record(recorder, &ScriptedCall::post(systems, "/operator/v1/account-events", &body)).await;
    let body = json!({"erasureID": "x-1", "msisdn": "+12025550114"});
    refusals::record(recorder, &ScriptedCall::post(systems, "/operator/v1/erasures", &body)).await;
    let ledger = ScriptedCall::get(systems, "/operator/v1/transactions?from=2026-11-01&to=2026-11-30");
    refusals::record(recorder, &ledger).await;
}

fn email_of(number: &str) -> String {
    format!("{}@example.com", &number[1..])
}

async fn sign_up(recorder: &mut ResponseRecorder, number: &str) {
    recorder.system.advance_seconds(1);
    recorder.system.sign_up(&recorder.system.acme, number, AccountChoice::New(&email_of(number))).await;
    recorder.skip();
}

async fn charge_number(recorder: &mut ResponseRecorder, number: &str, id: &str) {
    let pai = recorder.system.find_pai_of(&email_of(number)).await;
    let Some(pai) = pai else { return recorder.record("the partner has closed the link") };
    recorder.known_partner("a charge afterwards", "/transaction", &charge_body(&pai, id, 1599)).await;
}

fn event_request(recorder: &ResponseRecorder, id: &str, what: &str, number: &str) -> Value {
    json!({"eventID": id, "type": what, "msisdn": number, "occurredAt": recorder.system.now().to_string()})
}

async fn number_changed(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a number that changes");
    sign_up(recorder, "+12025550112").await;
    let mut body = event_request(recorder, "e-number", "number-changed", "+12025550112");
    body["newMSISDN"] = json!("+12025550113");
    recorder.operator("the event", "/account-events", &body).await;
    recorder.deliver("no webhook").await;
    charge_number(recorder, "+12025550112", "c-number").await;
    body["eventID"] = json!("e-number-2");
    recorder.operator("of a number without a subscriber", "/account-events", &body).await;
}

async fn event_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("what is no event");
    let old = recorder.system.now().plus_seconds(-86_400).to_string();
    let ahead = recorder.system.now().plus_seconds(86_400).to_string();
    let body = event_request(recorder, "e-bad", "suspended", "+12025550113");
    for (member, value) in [
        ("occurredAt", json!(ahead)),
        ("occurredAt", json!("yesterday")),
        ("type", json!("none")),
        ("type", json!("number-changed")),
        ("newMSISDN", json!("+12025550114")),
        ("msisdn", json!("12025550113")),
        ("eventID", json!("a b")),
        ("occurredAt", json!(old)),
        ("eventID", json!("e-suspended")),
    ] {
        let mut body = body.clone();
        body[member] = value.clone();
        recorder.operator(&format!("{member} is wrong or old"), "/account-events", &body).await;
    }
    let unknown = event_request(recorder, "e-unknown", "suspended", "+12025550199");
    recorder.operator("an unknown number", "/account-events", &unknown).await;
}

async fn webhook_trouble(recorder: &mut ResponseRecorder) {
    recorder.begin_section("webhooks that are not taken at once");
    let number = "+12025550115";
    sign_up(recorder, number).await;
    recorder.system.network.inject_fault("127.0.0.1:8791/account-state", NetworkFault::FailsAfter);
    recorder.system.network.inject_fault("127.0.0.1:8787/origin", NetworkFault::FailsAfter);
    let body = event_request(recorder, "e-w1", "suspended", number);
    recorder.operator("suspended", "/account-events", &body).await;
    recorder.deliver("both fail").await;
    recorder.system.network.clear_faults();
    recorder.system.advance_seconds(1);
    let body = event_request(recorder, "e-w2", "resumed", number);
    recorder.operator("resumed", "/account-events", &body).await;
    recorder.system.advance_seconds(400);
    recorder.deliver("one call each, with the newest state").await;
}

async fn record_erasures(recorder: &mut ResponseRecorder) {
    recorder.begin_section("erasures");
    let number = "+12025550115";
    sign_up(recorder, "+12025550114").await;
    let body = json!({"erasureID": "x-1", "msisdn": number});
    recorder.operator("an erasure", "/erasures", &body).await;
    recorder.operator("its replay", "/erasures", &body).await;
    recorder.deliver("webhook and mapping").await;
    let unknown = json!({"erasureID": "x-2", "msisdn": "+1 (202) 555-0177"});
    recorder.operator("an unknown number", "/erasures", &unknown).await;
    let used = json!({"erasureID": "x-1", "msisdn": "+12025550114"});
    recorder.operator("an erasureID of another's erasure", "/erasures", &used).await;
    for (member, value) in [("erasureID", json!("a b")), ("msisdn", json!("none"))] {
        let mut body = json!({"erasureID": "x-3", "msisdn": number});
        body[member] = value;
        recorder.operator(&format!("a wrong {member}"), "/erasures", &body).await;
    }
}

pub(super) async fn record_notifications(recorder: &mut ResponseRecorder) {
    recorder.begin_section("notifications");
    sign_up(recorder, GOOD).await;
    let pai = recorder.system.pai_of(&email_of(GOOD)).await;
    let body = json!({"pai": pai, "message": "Payment failed.", "extNotificationID": "m-1"});
    recorder.partner("a message", Method::POST, "/notification", &body).await;
    recorder.partner("its replay", Method::POST, "/notification", &body).await;
    let mut other = body.clone();
    other["message"] = json!("Something else.");
    recorder.partner("its id with another message", Method::POST, "/notification", &other).await;
    for (member, value) in [
        ("message", json!("")),
        ("message", json!("a\nb")),
        ("message", json!("x".repeat(151))),
        ("extNotificationID", json!("a b")),
        ("pai", json!("00000000-0000-4000-8000-000000000000")),
    ] {
        let mut body = json!({"pai": pai, "message": "Hello", "extNotificationID": "m-2"});
        body[member] = value;
        let label = format!("a wrong {member}");
        recorder.partner(&label, Method::POST, "/notification", &body).await;
        let passed_on = ScriptedCall::post(CallerKind::EdgeForPartner, "/ott/v1/notification", &body);
        recorder.call(&format!("{label}, at the origin"), passed_on).await;
    }
    for _ in 0..5 {
        let body = json!({"pai": pai, "message": "One more."});
        recorder.partner("as many as there are in a day", Method::POST, "/notification", &body).await;
    }
    recorder.deliver("their SMS").await;
}

async fn own_page(recorder: &mut ResponseRecorder, label: &str, number: &str) -> RecordedReply {
    let mut body = widget::validate_request_with_session(recorder, number, number);
    body["view"] = json!("account");
    body.as_object_mut().expect("is one").remove("offer");
    recorder.widget(label, "/account/validate", &body).await
}

pub(super) async fn record_own_page(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the own page");
    own_page(recorder, "nothing is linked", GOOD).await;
    sign_up(recorder, GOOD).await;
    let pai = recorder.system.pai_of(&email_of(GOOD)).await;
    for n in 0..14 {
        recorder.system.advance_seconds(60);
        let id = format!("c-{n}");
        recorder.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, &id, 1599)).await;
    }
    let refund = json!({"extRefundID": "r-1", "amount": {"value": 600, "currency": "USD"}, "reason": "x"});
    recorder.system.call_ott(Method::POST, "/ott/v1/transaction/c-13/refund", refund).await;
    recorder.skip();
    let page = own_page(recorder, "what is linked and charged", GOOD).await;
    let (flow, cursor) = (page.body["flow"].clone(), page.body["cursor"].clone());
    let body = json!({"operator": "acme", "flow": flow, "cursor": cursor});
    recorder.widget("what was charged before", "/account", &body).await;
    let body = json!({"operator": "acme", "flow": flow});
    recorder.widget("the page again", "/account", &body).await;
    let body = json!({"operator": "acme", "flow": flow, "cursor": "none"});
    recorder.widget("no cursor", "/account", &body).await;
    let body = json!({"operator": "acme", "flow": "none"});
    recorder.widget("no such flow", "/account", &body).await;
    own_page_by_pin(recorder).await;
    record_unlinking(recorder, &flow, &page.body["subscriptions"][0]["subscription"], &pai).await;
    own_page_refusals(recorder, &flow).await;
}

async fn own_page_by_pin(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the own page by PIN");
    for number in [GOOD, "+12025550105"] {
        let body = json!({"operator": "acme", "view": "account", "msisdn": number, "locale": "de"});
        let step = widget::record_proof(recorder, &body).await;
        let buy = json!({"operator": "acme", "flow": step.body["flow"]});
        recorder.widget("it does not buy", "/signup", &buy).await;
    }
    for number in ["+12025550106", "+12025550199"] {
        own_page(recorder, "no account", number).await;
    }
}

async fn record_unlinking(recorder: &mut ResponseRecorder, flow: &Value, subscription: &Value, pai: &str) {
    recorder.begin_section("unlinking");
    let unlink =
        |subscription: &Value| json!({"operator": "acme", "flow": flow, "subscription": subscription});
    recorder.widget("an unknown link", "/account/unlink", &unlink(&json!("none"))).await;
    recorder.widget("a link", "/account/unlink", &unlink(subscription)).await;
    recorder.widget("again", "/account/unlink", &unlink(subscription)).await;
    recorder.deliver("webhook and mapping").await;
    recorder.partner("a charge", Method::POST, "/transaction", &charge_body(pai, "c-99", 1599)).await;
    let message = json!({"pai": pai, "message": "Hello"});
    recorder.partner("a message", Method::POST, "/notification", &message).await;
    recorder.widget("the page", "/account", &json!({"operator": "acme", "flow": flow})).await;
}

async fn own_page_refusals(recorder: &mut ResponseRecorder, flow: &Value) {
    recorder.begin_section("the own page is another's");
    let accounts = onbill_test_harness::ACME_ACCOUNTS;
    let body = json!({"operator": "acme", "flow": flow});
    recorder.system.acme.import_accounts(&accounts.replace("2021-03-14", "2026-11-18")).await;
    recorder.widget("another subscriber has the number", "/account", &body).await;
    recorder
        .system
        .acme
        .import_accounts(&accounts.replace("+12025550101,active", "+12025550101,ceased"))
        .await;
    recorder.widget("the account has ended", "/account", &body).await;
    recorder.system.acme.import_accounts(accounts).await;
    recorder.system.advance_seconds(86_400);
    recorder.widget("the flow has expired", "/account", &body).await;
}
