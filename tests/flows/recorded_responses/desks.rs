//! What the operator's desks call: customer care, billing and on-call.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use onbill_test_harness::NetworkFault;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const EMAIL: &str = "12025550101@example.com";

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a subscriber and their charge");
    recorder.system.sign_up(&recorder.system.acme, GOOD, AccountChoice::New(EMAIL)).await;
    recorder.skip();
    let pai = recorder.system.pai_of(EMAIL).await;
    recorder.known_partner("a charge", "/transaction", &charge_body(&pai, "c-1", 1599)).await;
    let search = json!({"msisdn": GOOD, "actor": "care-17", "role": "care", "ref": "T-1"});
    let page = recorder.operator("the search", "/subscribers/search", &search).await;
    let unknown = json!({"msisdn": "+12025550188", "actor": "care-17", "role": "care"});
    recorder.operator("a number without a subscriber", "/subscribers/search", &unknown).await;
    let charge = page.body["charges"][0]["transactionID"].clone();
    record_refunds(recorder, &charge).await;
    record_disputes(recorder, &charge).await;
    record_sms(recorder).await;
    record_queue(recorder, &pai).await;
    recorder.operator_asks("the alarms", "/alarms").await;
    record_summary(recorder).await;
    record_close(recorder, &pai).await;
    recorder.operator("the search afterwards", "/subscribers/search", &search).await;
    record_refusals(recorder, &pai, &search, &charge).await;
}

fn refund(charge: &Value, reference: &str, amount_minor: i64) -> Value {
    json!({
        "transactionID": charge, "amount": {"value": amount_minor, "currency": "USD"}, "ref": reference,
        "reason": "A child has ordered it", "borneBy": "operator", "actor": "billing-2", "role": "billing",
    })
}

async fn record_refunds(recorder: &mut ResponseRecorder, charge: &Value) {
    recorder.begin_section("refunds of the operator");
    for (label, body) in [
        ("a refund", refund(charge, "T-2", 600)),
        ("its replay", refund(charge, "T-2", 600)),
        ("its ref with another amount", refund(charge, "T-2", 500)),
        ("more than is left", refund(charge, "T-3", 1000)),
        ("of no charge", refund(&json!("x-1"), "T-4", 100)),
        ("by a role that may not", by_role(refund(charge, "T-4", 100), "care")),
        ("by a supervisor without a ceiling", by_role(refund(charge, "T-4", 100), "supervisor")),
    ] {
        recorder.operator(label, "/refunds", &body).await;
    }
    recorder.deliver("the partner is told").await;
}

fn by_role(mut body: Value, role: &str) -> Value {
    body["role"] = json!(role);
    body
}

fn dispute(charge: &Value, reference: &str, state: &str, reason: Option<&str>) -> Value {
    let mut body = json!({
        "transactionID": charge, "state": state, "ref": reference, "actor": "fraud-3", "role": "fraud",
    });
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    body
}

async fn record_disputes(recorder: &mut ResponseRecorder, charge: &Value) {
    recorder.begin_section("disputes");
    for (label, body) in [
        ("fraud", dispute(charge, "D-1", "open", Some("fraud"))),
        ("its replay", dispute(charge, "D-1", "open", Some("fraud"))),
        ("its ref with another reason", dispute(charge, "D-1", "open", Some("duplicate"))),
        ("a second one", dispute(charge, "D-2", "open", Some("duplicate"))),
        ("without a reason", dispute(charge, "D-2", "open", None)),
        ("of no charge", dispute(&json!("x-1"), "D-3", "open", Some("fraud"))),
        ("the decision on none", dispute(charge, "D-3", "accepted", None)),
        ("the decision", dispute(charge, "D-1", "accepted", None)),
        ("another decision", dispute(charge, "D-1", "rejected", None)),
        ("by a role that may not", by_role(dispute(charge, "D-1", "accepted", None), "care")),
    ] {
        recorder.operator(label, "/disputes", &body).await;
    }
    recorder.deliver("the partner is told").await;
    recorder.operator_asks("the disputes", "/disputes?from=2026-11-01&state=accepted").await;
    recorder.operator_asks("a query without a day", "/disputes").await;
}

fn desk(role: &str) -> Value {
    json!({"actor": format!("{role}-2"), "role": role, "ref": "T-5"})
}

async fn record_sms(recorder: &mut ResponseRecorder) {
    recorder.begin_section("an SMS again");
    let coupon = json!({
        "extCouponID": "k-1", "msisdn": GOOD, "plan": "6M", "amount": {"value": 8999, "currency": "USD"},
    });
    recorder.operator("a coupon", "/coupons", &coupon).await;
    for (label, id) in [("its SMS again", "k-1"), ("the same call", "k-1"), ("no such coupon", "k-2")] {
        recorder.operator(label, &format!("/sms/{id}/resend"), &desk("care")).await;
    }
    recorder.deliver("the newest SMS").await;
}

async fn record_queue(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("what waits for a person");
    recorder.system.network.inject_fault("127.0.0.1:8790/csp/transaction", NetworkFault::Lost);
    let body = charge_body(pai, "c-2", 1599);
    recorder.known_partner("a charge without billing", "/transaction", &body).await;
    recorder.system.network.clear_faults();
    let now = recorder.system.acme.app().now().unix_seconds();
    let dead = format!("UPDATE outbox SET dead_lettered_at = {now} WHERE kind = 'charge'");
    recorder.system.acme.db.run_sql(&dead).await;
    let queue = recorder.operator_asks("the queues", "/queue").await;
    recorder.operator_asks("a cursor of no page", "/queue?cursor=x").await;
    let job = queue.body["deadLetters"][0]["job"].as_i64().expect("is there");
    let path = format!("/queue/{job}/retry");
    recorder.operator("another attempt", &path, &desk("billing")).await;
    recorder.operator("again", &path, &desk("billing")).await;
    recorder.deliver("billing decides").await;
}

async fn record_summary(recorder: &mut ResponseRecorder) {
    recorder.begin_section("what happened on each day");
    recorder.operator_asks("before it is counted", "/summary?from=2026-11-18&to=2026-11-18").await;
    recorder.system.acme.app().daily_counts().count_due_days().await.expect("works");
    for (label, query) in [
        ("the day", "?from=2026-11-18&to=2026-11-18"),
        ("401 days", "?from=2025-10-14&to=2026-11-18"),
        ("days in the wrong order", "?from=2026-11-18&to=2026-11-17"),
        ("no days", ""),
    ] {
        recorder.operator_asks(label, &format!("/summary{query}")).await;
    }
}

fn close(reason: &str) -> Value {
    json!({"reason": reason, "actor": "fraud-3", "role": "fraud", "ref": "T-9"})
}

async fn record_close(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("the end of a link");
    for (label, link, reason) in [
        ("a reason that closes none", pai, "risk-declined"),
        ("a link", pai, "account-closed-fraud"),
        ("again, for another reason", pai, "pai-revoked-by-user"),
        ("no such link", "x-1", "account-closed"),
    ] {
        recorder.operator(label, &format!("/links/{link}/close"), &close(reason)).await;
    }
    recorder.deliver("webhook and mapping").await;
    recorder.known_partner("a charge", "/transaction", &charge_body(pai, "c-3", 1599)).await;
}

async fn record_refusals(recorder: &mut ResponseRecorder, pai: &str, search: &Value, charge: &Value) {
    let link = format!("links/{pai}/close");
    for (path, body) in [
        ("subscribers/search", search.clone()),
        (link.as_str(), close("account-closed")),
        ("refunds", refund(charge, "T-6", 100)),
        ("disputes", dispute(charge, "D-4", "open", Some("fraud"))),
        ("sms/k-1/resend", desk("care")),
        ("queue/1/retry", desk("billing")),
    ] {
        let call = ScriptedCall::post(CallerKind::Operator("acme"), format!("/operator/v1/{path}"), &body);
        refusals::record(recorder, &call).await;
    }
    for path in ["queue", "alarms", "summary?from=2026-11-18&to=2026-11-18"] {
        let call = ScriptedCall::get(CallerKind::Operator("acme"), format!("/operator/v1/{path}"));
        refusals::record(recorder, &call).await;
    }
}
