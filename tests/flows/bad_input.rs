//! Invalid charges: each has its response, at the edge and at an origin whose edge validates
//! nothing, and none leaves partial state.

use http::{Method, StatusCode};
use onbill_origin::store::Queue;
use onbill_test_harness::customer::{charge_body, month_of};
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const CHARGES: &str = "/ott/v1/transaction";

fn charge_with(pai: &str, member: &str, value: Value) -> Value {
    let mut body = charge_body(pai, "b-1", 1599);
    body[member] = value;
    body
}

fn money_json(value: impl Into<Value>, currency: &str) -> Value {
    json!({"value": value.into(), "currency": currency})
}

/// The members of a charge, in the order in which the contract lists them, and no tax.
fn as_list(charge: &Value) -> Value {
    let amount = json!([charge["amount"]["value"], charge["amount"]["currency"]]);
    let days = json!([charge["servicePeriod"]["from"], charge["servicePeriod"]["to"]]);
    json!([charge["extTransactionID"], charge["pai"], amount, charge["description"], days, null])
}

fn status_and_code((status, answer): (StatusCode, Value)) -> (u16, String) {
    (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
}

/// The charge `b-1` is unknown, no job waits, nothing is billed; and the id is free for a valid
/// charge.
async fn nothing_happened(system: &TestSystem, pai: &str) {
    let asked = system.call_ott(Method::GET, &format!("{CHARGES}/b-1"), Value::Null).await;
    assert_eq!(status_and_code(asked), (404, "transaction-not-found".to_owned()));
    assert_eq!(system.acme.app().store.next_due(Queue::All).await.expect("works"), None);
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    let (status, answer) = system.call_ott(Method::POST, CHARGES, charge_body(pai, "b-1", 1599)).await;
    assert_eq!((status, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn what_is_no_charge_leaves_nothing_behind() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let bad = |member: &str, value: Value| charge_with(&pai, member, value);
    for (what, body, status, code) in [
        ("nothing", bad("amount", money_json(0, "USD")), 400, "invalid-request"),
        ("negative", bad("amount", money_json(-1, "USD")), 400, "invalid-request"),
        ("beyond any charge", bad("amount", money_json(100_000_001, "USD")), 400, "invalid-request"),
        ("beyond any number", bad("amount", money_json(u64::MAX, "USD")), 400, "invalid-request"),
        ("fractional", bad("amount", money_json(15.99, "USD")), 400, "invalid-request"),
        ("text", bad("amount", money_json("1599", "USD")), 400, "invalid-request"),
        ("unknown currency", bad("amount", money_json(1599, "XXX")), 400, "invalid-request"),
        ("small letters", bad("amount", money_json(1599, "usd")), 400, "invalid-request"),
        ("not billed in", bad("amount", money_json(1599, "EUR")), 400, "parameter-not-supported"),
        (
            "reversed",
            bad("servicePeriod", json!({"from": "2026-12-31", "to": "2026-12-01"})),
            400,
            "invalid-request",
        ),
        (
            "years long",
            bad("servicePeriod", json!({"from": "2026-12-01", "to": "2030-12-01"})),
            400,
            "invalid-request",
        ),
        (
            "no such day",
            bad("servicePeriod", json!({"from": "2026-02-01", "to": "2026-02-30"})),
            400,
            "invalid-request",
        ),
        ("a long name", bad("extTransactionID", json!("b".repeat(300))), 400, "invalid-request"),
        ("no name", bad("extTransactionID", json!("")), 400, "invalid-request"),
        ("a name with a space", bad("extTransactionID", json!("b 1")), 400, "invalid-request"),
        ("turned around", bad("description", json!("Netflix\u{202e} dradnatS")), 400, "invalid-request"),
        ("nothing to see", bad("description", json!("\u{200b}\u{200d}")), 400, "invalid-request"),
        ("tax above it", bad("tax", money_json(1600, "USD")), 400, "invalid-request"),
        ("no PAI", bad("pai", json!("not a pai")), 400, "invalid-request"),
        ("nobody's PAI", bad("pai", json!("00000000-0000-4000-8000-000000000000")), 404, "pai-not-found"),
        ("no object", json!([]), 400, "invalid-request"),
        ("its members as a list", as_list(&charge_body(&pai, "b-1", 1599)), 400, "invalid-request"),
        ("a list as an amount", bad("amount", json!([1599, "USD"])), 400, "invalid-request"),
        ("a list as days", bad("servicePeriod", json!(["2026-12-01", "2026-12-31"])), 400, "invalid-request"),
        ("text alone", json!("text"), 400, "invalid-request"),
        ("too long", bad("description", json!("x".repeat(20_000))), 413, "body-too-large"),
    ] {
        let expected = (status, code.to_owned());
        assert_eq!(
            status_and_code(system.call_ott(Method::POST, CHARGES, body.clone()).await),
            expected,
            "{what}"
        );
        assert_eq!(
            status_and_code(system.send_request(system.forward_as_edge(CHARGES, &body)).await),
            expected,
            "{what}, at the origin"
        );
    }
    nothing_happened(&system, &pai).await;
}

#[tokio::test]
async fn ids_differ_by_every_byte() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (n, id) in ["b-1", "B-1", "b-1.", "b-%31"].into_iter().enumerate() {
        let mut body = charge_body(&pai, id, 1599);
        body["servicePeriod"] = json!(month_of(&n.to_string()));
        let (status, answer) = system.call_ott(Method::POST, CHARGES, body).await;
        assert_eq!((status, &answer["extTransactionID"]), (StatusCode::CREATED, &json!(id)));
    }
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 4);
    // A percent sign in an id is one in a path, too.
    let (_, answer) = system.call_ott(Method::GET, &format!("{CHARGES}/b-%2531"), Value::Null).await;
    assert_eq!(answer["extTransactionID"], "b-%31");
    let (_, answer) = system.call_ott(Method::GET, &format!("{CHARGES}/b-%31"), Value::Null).await;
    assert_eq!(answer["extTransactionID"], "b-1");
    // Text that has two Unicode forms, or looks like another, is not a valid id.
    for id in ["caf\u{e9}", "cafe\u{301}", "\u{212a}elvin", "\u{ff42}-1", "b\u{200b}-1", "\u{0431}-1"] {
        let refused = system.call_ott(Method::POST, CHARGES, charge_body(&pai, id, 1599)).await;
        assert_eq!(status_and_code(refused), (400, "invalid-request".to_owned()), "{id:?}");
    }
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 4);
}

#[tokio::test]
async fn another_partners_pai_is_unknown() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let tunes = keys::keyring(&KeyHolder::Partner("tunes"));
    let call = |method: Method, path: &str, body: Value| system.sign_with(&tunes, &method, path, &body);
    let refused = system.send_request(call(Method::POST, CHARGES, charge_body(&pai, "b-1", 1599))).await;
    assert_eq!(status_and_code(refused), (404, "pai-not-found".to_owned()));
    nothing_happened(&system, &pai).await;
    // Nor are its charges: they can be neither queried nor refunded.
    let asked = system.send_request(call(Method::GET, &format!("{CHARGES}/b-1"), Value::Null)).await;
    assert_eq!(status_and_code(asked), (404, "transaction-not-found".to_owned()));
    let refund = json!({"extRefundID": "r-1", "reason": "x"});
    let refused = system.send_request(call(Method::POST, &format!("{CHARGES}/b-1/refund"), refund)).await;
    assert_eq!(status_and_code(refused), (404, "transaction-not-found".to_owned()));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn charge_of_closed_pai_is_declined_each_time() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,ceased")).await;
    for id in ["b-1", "b-2"] {
        let (status, answer) = system.call_ott(Method::POST, CHARGES, charge_body(&pai, id, 1599)).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(
            (&answer["status"], &answer["declineReason"]),
            (&json!("DECLINED"), &json!("account-closed"))
        );
    }
    assert_eq!(system.acme.deliver_due().await, 2, "partner and edge hear of it once");
    assert_eq!(system.acme.app().store.next_due(Queue::All).await.expect("works"), None);
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}
