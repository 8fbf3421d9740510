//! Refunds: on the right bill once, never more than was taken, whatever fails in between.

use http::{Method, StatusCode};
use onbill_origin::store::Queue;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const NOVAS: &str = "+34612345601";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1
}

/// A customer with a charge `c-1` of 15.99 on the bill, and her PAI.
async fn system_with_charge() -> (TestSystem, String) {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "APPROVED");
    (system, pai)
}

fn refund_body(id: &str, value: impl Into<Option<i64>>) -> Value {
    match value.into() {
        Some(value) => {
            json!({"extRefundID": id, "amount": {"value": value, "currency": "USD"}, "reason": "Ended early"})
        }
        None => json!({"extRefundID": id, "reason": "Ended early"}),
    }
}

async fn give_back(system: &TestSystem, charge: &str, refund: Value) -> (u16, Value) {
    let path = format!("/ott/v1/transaction/{charge}/refund");
    let (status, answer) = system.call_ott(Method::POST, &path, refund).await;
    (status.as_u16(), answer)
}

/// Status and code of a refusal.
async fn post_refused_refund(system: &TestSystem, charge: &str, refund: Value) -> (u16, String) {
    let (status, answer) = give_back(system, charge, refund).await;
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

async fn refund_status(system: &TestSystem, charge: &str, refund: &str) -> (u16, Value) {
    let path = format!("/ott/v1/transaction/{charge}/refund/{refund}");
    let (status, answer) = system.call_ott(Method::GET, &path, Value::Null).await;
    (status.as_u16(), answer)
}

/// The amounts on the bill, in order.
async fn billed_amounts(system: &TestSystem) -> Vec<i64> {
    let lines = system.bill_lines(&system.acme, GOOD).await;
    lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect()
}

async fn outbox_is_empty(system: &TestSystem) -> bool {
    system.acme.app().store.next_due(Queue::All).await.expect("works").is_none()
}

#[tokio::test]
async fn full_refund_is_on_the_bill_once() {
    let (system, _) = system_with_charge().await;
    let (status, answer) = give_back(&system, "c-1", refund_body("r-1", None)).await;
    assert_eq!((status, &answer["status"]), (201, &json!("APPROVED")), "{answer}");
    assert_eq!(answer["amount"], json!({"value": 1599, "currency": "USD"}));
    assert_eq!(answer["remaining"]["value"], 0);
    assert_eq!(billed_amounts(&system).await, [1599, -1599]);
    let lines = system.bill_lines(&system.acme, GOOD).await;
    assert_eq!(lines[0]["transactionID"], lines[1]["transactionID"], "the line says which charge it is of");
    assert_eq!(lines[1]["refundID"], answer["refundID"]);
    assert_eq!(refund_status(&system, "c-1", "r-1").await, (200, answer.clone()));
    // The same call again, now and months later.
    for _ in 0..2 {
        assert_eq!(give_back(&system, "c-1", refund_body("r-1", None)).await, (200, answer.clone()));
        system.advance_seconds(90 * 86_400);
    }
    assert_eq!(billed_amounts(&system).await, [1599, -1599]);
    assert!(outbox_is_empty(&system).await, "an answer that was final needs no notice");
}

#[tokio::test]
async fn parts_come_back_until_nothing_is_left() {
    let (system, _) = system_with_charge().await;
    for (id, value, left) in [("r-1", 800, 799), ("r-2", 98, 701)] {
        let (status, answer) = give_back(&system, "c-1", refund_body(id, value)).await;
        assert_eq!((status, &answer["remaining"]["value"]), (201, &json!(left)), "{answer}");
    }
    assert_eq!(
        post_refused_refund(&system, "c-1", refund_body("r-3", 702)).await,
        (400, "invalid-request".to_owned())
    );
    // The id of a refund that was refused is free.
    let (status, answer) = give_back(&system, "c-1", refund_body("r-3", None)).await;
    assert_eq!((status, &answer["amount"]["value"]), (201, &json!(701)));
    assert_eq!(
        post_refused_refund(&system, "c-1", refund_body("r-4", 1)).await,
        (400, "invalid-request".to_owned())
    );
    assert_eq!(
        post_refused_refund(&system, "c-1", refund_body("r-4", None)).await,
        (400, "invalid-request".to_owned())
    );
    assert_eq!(billed_amounts(&system).await, [1599, -800, -98, -701]);
    assert_eq!(refund_status(&system, "c-1", "r-4").await.0, 404);
}

#[tokio::test]
async fn reference_names_one_refund_permanently() {
    let (system, pai) = system_with_charge().await;
    post_charge(&system, &pai, "c-2").await;
    give_back(&system, "c-1", refund_body("r-1", 800)).await;
    let violation = (422, "idempotency-violation".to_owned());
    let mut other_reason = refund_body("r-1", 800);
    other_reason["reason"] = json!("Another");
    for other in [refund_body("r-1", 799), refund_body("r-1", None), other_reason] {
        assert_eq!(post_refused_refund(&system, "c-1", other).await, violation);
    }
    assert_eq!(
        post_refused_refund(&system, "c-2", refund_body("r-1", 800)).await,
        violation,
        "of another charge"
    );
    // Ids differ by every byte of them.
    assert_eq!(give_back(&system, "c-1", refund_body("R-1", 1)).await.0, 201);
    assert_eq!(refund_status(&system, "c-2", "r-1").await.0, 404, "it is not that charge's");
    assert_eq!(billed_amounts(&system).await, [1599, 1599, -800, -1]);
}

#[tokio::test]
async fn concurrent_refund_requests_refund_once() {
    let (system, _) = system_with_charge().await;
    let same = (0..16).map(|_| give_back(&system, "c-1", refund_body("r-1", 1000)));
    let answers = futures_util::future::join_all(same).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
    for (status, body) in answers {
        let fine = [200, 201].contains(&status) && body["status"] == "APPROVED"
            || status == 409 && body["code"] == "request-in-progress";
        assert!(fine, "{status} {body}");
    }
    // Different ones race for the remaining amount.
    let names: Vec<_> = (2..10).map(|n| format!("r-{n}")).collect();
    let others = names.iter().map(|id| give_back(&system, "c-1", refund_body(id, 100)));
    let answers = futures_util::future::join_all(others).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 5, "{answers:?}");
    assert_eq!(billed_amounts(&system).await.iter().sum::<i64>(), 99);
}

#[tokio::test]
async fn only_what_was_taken_can_come_back() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(
        post_refused_refund(&system, "c-1", refund_body("r-1", None)).await,
        (404, "transaction-not-found".to_owned())
    );
    // Pending: there may be nothing to refund.
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "PENDING");
    assert_eq!(
        post_refused_refund(&system, "c-1", refund_body("r-1", None)).await,
        (409, "request-in-progress".to_owned())
    );
    system.network.clear_faults();
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(give_back(&system, "c-1", refund_body("r-1", None)).await.0, 201, "the name was not used up");
    // Declined: nothing was taken.
    system.set_acme_limits(json!([{"currency": "USD", "transaction": 1599}]));
    let dearer = charge_body(&pai, "c-2", 1600);
    assert_eq!(system.call_ott(Method::POST, "/ott/v1/transaction", dearer).await.1["status"], "DECLINED");
    assert_eq!(
        post_refused_refund(&system, "c-2", refund_body("r-2", 1)).await,
        (400, "invalid-request".to_owned())
    );
    // In another currency.
    let mut euros = refund_body("r-3", 1);
    euros["amount"]["currency"] = json!("EUR");
    assert_eq!(post_refused_refund(&system, "c-1", euros).await, (400, "invalid-request".to_owned()));
    assert_eq!(billed_amounts(&system).await, [1599, -1599]);
    for id in ["r-2", "r-3"] {
        assert_eq!(refund_status(&system, "c-2", id).await.0, 404);
    }
}

#[tokio::test]
async fn what_is_no_refund_leaves_nothing_behind() {
    type Spoil = fn(&mut Value);
    let (system, _) = system_with_charge().await;
    let bad: [(&str, Spoil); 11] = [
        ("nothing", |r| r["amount"]["value"] = json!(0)),
        ("negative", |r| r["amount"]["value"] = json!(-800)),
        ("fractional", |r| r["amount"]["value"] = json!(7.99)),
        ("text", |r| r["amount"]["value"] = json!("799")),
        ("beyond any charge", |r| r["amount"]["value"] = json!(100_000_001)),
        ("beyond any number", |r| r["amount"]["value"] = json!(u64::MAX)),
        ("unknown currency", |r| r["amount"]["currency"] = json!("XXX")),
        ("a long name", |r| r["extRefundID"] = json!("r".repeat(300))),
        ("a name in another form", |r| r["extRefundID"] = json!("caf\u{e9}")),
        ("no reason", |r| r["reason"] = json!(" ")),
        ("a reason of two lines", |r| r["reason"] = json!("a\nb")),
    ];
    for (what, change) in bad {
        let mut body = refund_body("r-1", 800);
        change(&mut body);
        assert_eq!(
            post_refused_refund(&system, "c-1", body.clone()).await,
            (400, "invalid-request".to_owned()),
            "{what}"
        );
        // The origin does not rely on the edge's checks.
        let passed_on = system.forward_as_edge("/ott/v1/transaction/c-1/refund", &body);
        let (status, answer) = system.send_request(passed_on).await;
        assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("invalid-request")), "{what}");
    }
    assert_eq!(billed_amounts(&system).await, [1599]);
    assert!(outbox_is_empty(&system).await);
    let (status, answer) = give_back(&system, "c-1", refund_body("r-1", 800)).await;
    assert_eq!((status, &answer["remaining"]["value"]), (201, &json!(799)), "nothing was taken off before");
}

#[tokio::test]
async fn refund_goes_to_the_charged_subscriber_after_leaving() {
    let (system, pai) = system_with_charge().await;
    // The number has another subscriber by now, and the PAI is closed.
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-20")).await;
    let declined = post_charge(&system, &pai, "c-2").await;
    assert_eq!(declined["declineReason"], "account-closed-taken-over");
    let (status, answer) = give_back(&system, "c-1", refund_body("r-1", None)).await;
    assert_eq!((status, &answer["status"]), (201, &json!("APPROVED")));
    let asked = system.network.recorded_calls();
    let asked = asked.iter().rfind(|crossing| crossing.path == "/csp/refund").expect("billing was asked");
    assert!(!asked.request.contains("2025550101"), "billing finds the bill by the charge, not by the number");
    assert_eq!(billed_amounts(&system).await, [1599, -1599]);
}

#[tokio::test]
async fn refund_without_billing_response_is_queried_by_id() {
    for mishap in [NetworkFault::AnswerLost, NetworkFault::Garbled, NetworkFault::Lost] {
        let (system, _) = system_with_charge().await;
        system.network.inject_fault(REFUNDS, mishap);
        let (status, answer) = give_back(&system, "c-1", refund_body("r-1", 800)).await;
        assert_eq!((status, &answer["status"]), (201, &json!("PENDING")), "{mishap:?}");
        assert_eq!(answer["remaining"]["value"], 799, "it is spoken for");
        assert_eq!(
            post_refused_refund(&system, "c-1", refund_body("r-2", 800)).await,
            (400, "invalid-request".to_owned())
        );
        system.network.clear_faults();
        assert_eq!(system.acme.deliver_due().await, 0, "not due yet");
        system.advance_seconds(361);
        system.acme.deliver_due().await;
        assert_eq!(refund_status(&system, "c-1", "r-1").await.1["status"], "APPROVED");
        assert_eq!(billed_amounts(&system).await, [1599, -800], "{mishap:?}");
        let names: Vec<String> = system
            .network
            .recorded_calls()
            .iter()
            .filter(|crossing| crossing.path == "/csp/refund")
            .map(|crossing| {
                crossing.request[crossing.request.find("refundID").expect("is named")..].to_owned()
            })
            .collect();
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
        // The replay still returns the stored response.
        assert_eq!(give_back(&system, "c-1", refund_body("r-1", 800)).await, (200, answer));
        assert!(outbox_is_empty(&system).await);
    }
}

#[tokio::test]
async fn refund_of_id_at_two_operators_is_refused() {
    let (system, _) = system_with_charge().await;
    system.sign_up(&system.nova, NOVAS, AccountChoice::New("bea@example.com")).await;
    let beas = system.pai_of("bea@example.com").await;
    let mut euros = charge_body(&beas, "c-2", 1399);
    euros["amount"]["currency"] = json!("EUR");
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction", euros.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    // Each operator's own charge is found among both.
    assert_eq!(give_back(&system, "c-1", refund_body("r-1", 1)).await.0, 201);
    assert_eq!(give_back(&system, "c-2", refund_body("r-2", None)).await.1["amount"]["currency"], "EUR");
    // The same id at both.
    euros["extTransactionID"] = json!("c-1");
    system.call_ott(Method::POST, "/ott/v1/transaction", euros).await;
    let unavailable = (503, "service-unavailable".to_owned());
    assert_eq!(post_refused_refund(&system, "c-1", refund_body("r-3", None)).await, unavailable);
    // Nor when the other one cannot be asked.
    system.network.inject_fault(system.nova.origin_address, NetworkFault::Lost);
    assert_eq!(post_refused_refund(&system, "c-1", refund_body("r-3", None)).await, unavailable);
    system.network.clear_faults();
    assert_eq!(billed_amounts(&system).await, [1599, -1]);
    let novas = system.bill_lines(&system.nova, NOVAS).await;
    let novas: Vec<_> =
        novas.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect();
    assert_eq!(novas, [1399, -1399, 1399]);
}
