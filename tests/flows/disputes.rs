//! Disputes at the operator API: opened, decided, shown to care, and reported to the partner.

use http::{Method, StatusCode};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

async fn charge(system: &TestSystem, pai: &str, id: &str) -> String {
    let (_, posted) = system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await;
    posted["transactionID"].as_str().expect("is there").to_owned()
}

async fn post(
    system: &TestSystem,
    charge: &str,
    reference: &str,
    state: &str,
    reason: Option<&str>,
) -> (StatusCode, Value) {
    let mut body = json!({
        "transactionID": charge, "state": state, "ref": reference, "actor": "fraud-3", "role": "fraud",
    });
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    system.call_acme_origin("/disputes", &body).await
}

/// The reports of disputes that the partner got.
fn reports(system: &TestSystem) -> Vec<Value> {
    let calls = system.network.calls_to(NETFLIX, "/dispute-state");
    calls.iter().map(|(body, _)| serde_json::from_slice(body).expect("is JSON")).collect()
}

#[tokio::test]
async fn dispute_about_fraud_reaches_the_partner() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = charge(&system, &pai, "c-1").await;
    let (status, opened) = post(&system, &charge, "D-1", "open", Some("fraud")).await;
    assert_eq!((status, &opened["state"]), (StatusCode::CREATED, &json!("open")), "{opened}");
    assert_eq!(opened["amount"], json!({"value": 1599, "currency": "USD"}));
    let again = post(&system, &charge, "D-1", "open", Some("fraud")).await;
    assert_eq!(again, (StatusCode::OK, opened.clone()), "a double click");
    system.acme.deliver_due().await;
    assert_eq!(system.network.calls_to(NETFLIX, "/dispute-state").len(), 1);
    let (status, decided) = post(&system, &charge, "D-1", "accepted", None).await;
    assert_eq!((status, &decided["state"]), (StatusCode::OK, &json!("accepted")), "{decided}");
    system.acme.deliver_due().await;
    let webhooks = reports(&system);
    let reported_states: Vec<_> =
        webhooks.iter().map(|report| (&report["state"], &report["sequence"])).collect();
    assert_eq!(reported_states, [(&json!("open"), &json!(1)), (&json!("accepted"), &json!(2))]);
    for report in &webhooks {
        assert_eq!((&report["extTransactionID"], &report["reason"]), (&json!("c-1"), &json!("fraud")));
        assert_eq!(report["disputeID"], opened["disputeID"]);
        assert!(!report.to_string().contains("D-1"), "the reference is the operator's own");
    }

    let search = json!({"msisdn": GOOD, "actor": "care-17", "role": "care"});
    let (_, page) = system.call_acme_origin("/subscribers/search", &search).await;
    let shown = &page["charges"][0]["disputes"][0];
    assert_eq!((&shown["ref"], &shown["state"]), (&json!("D-1"), &json!("accepted")), "{page}");
    assert_eq!(page["charges"][0].get("refunded"), None, "it moves no money");
}

#[tokio::test]
async fn partner_that_was_down_hears_the_latest_state_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = charge(&system, &pai, "c-1").await;
    system.network.inject_fault(&format!("{NETFLIX}/dispute-state"), NetworkFault::Lost);
    post(&system, &charge, "D-1", "open", Some("fraud")).await;
    system.acme.deliver_due().await;
    post(&system, &charge, "D-1", "rejected", None).await;
    system.network.clear_faults();
    let before = reports(&system).len();
    system.acme.deliver_due().await;
    let received = reports(&system);
    assert_eq!(received.len(), before + 1);
    assert_eq!(received.last().expect("is there")["state"], "rejected", "{received:?}");
}

#[tokio::test]
async fn what_is_no_dispute_is_refused() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = charge(&system, &pai, "c-1").await;
    let conflict = (StatusCode::CONFLICT, "dispute-conflict");
    let invalid = (StatusCode::BAD_REQUEST, "invalid-request");
    let no_charge = (StatusCode::NOT_FOUND, "transaction-not-found");
    assert_eq!(post(&system, &charge, "D-1", "open", Some("duplicate")).await.0, StatusCode::CREATED);
    for (id, reference, state, reason, (status, code)) in [
        (charge.as_str(), "D-2", "open", Some("fraud"), conflict),
        (&charge, "D-1", "open", Some("fraud"), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-violation")),
        (&charge, "D-2", "open", None, invalid),
        (&charge, "D-1", "accepted", Some("duplicate"), invalid),
        (&charge, "D-1", "closed", None, invalid),
        (&charge, "D-9", "accepted", None, (StatusCode::NOT_FOUND, "not-found")),
        ("x-1", "D-1", "open", Some("fraud"), no_charge),
        ("x\0", "D-1", "open", Some("fraud"), no_charge),
    ] {
        let (found, refusal) = post(&system, id, reference, state, reason).await;
        assert_eq!((found, refusal["code"].as_str()), (status, Some(code)), "{state} {reference}: {refusal}");
    }
    assert_eq!(post(&system, &charge, "D-1", "withdrawn", None).await.0, StatusCode::OK);
    assert_eq!(post(&system, &charge, "D-1", "rejected", None).await.1["code"], "dispute-conflict");
    system.acme.deliver_due().await;
    assert!(system.network.calls_to(NETFLIX, "/dispute-state").is_empty(), "it was about no fraud");
}

#[tokio::test]
async fn disputes_are_listed_by_day_and_state() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = charge(&system, &pai, "c-1").await;
    post(&system, &charge, "D-1", "open", Some("fraud")).await;
    let list = async |query: &str| system.call_acme_origin(&format!("/disputes?{query}"), &Value::Null).await;
    let (status, page) = list("from=2026-01-01").await;
    assert_eq!((status, &page["disputes"][0]["ref"]), (StatusCode::OK, &json!("D-1")), "{page}");
    assert_eq!(list("from=2026-01-01&state=open").await.1, page);
    assert_eq!(list("from=2026-01-01&state=accepted").await.1, json!({"disputes": []}));
    assert_eq!(list("from=2030-01-01").await.1, json!({"disputes": []}));
    for query in [
        "",
        "from=x",
        "from=2026-02-01&to=2026-01-01",
        "from=2026-01-01&state=closed",
        "from=2026-01-01&cursor=x",
    ] {
        assert_eq!(list(query).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
}
