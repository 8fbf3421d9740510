//! The database is restored from a copy of an earlier time, and the other parties call again: what
//! they call has the ids that it had, so billing and partner recognize it.

use crate::coupons::{issue_and_read_code, redeem_code};
use http::{Method, StatusCode};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const PREPAID: &str = "+12025550104";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

async fn post(system: &TestSystem, path: &str, body: &Value) -> (StatusCode, Value) {
    system.call_ott(Method::POST, path, body.clone()).await
}

/// The amounts on a number's bill, in order.
async fn amounts(system: &TestSystem, number: &str) -> Vec<i64> {
    let lines = system.bill_lines(&system.acme, number).await;
    lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect()
}

#[tokio::test]
async fn repeated_charge_and_refund_are_billed_once() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    let copy = system.acme.db.copy();
    let refund = json!({"extRefundID": "f-1", "amount": {"value": 500, "currency": "USD"}, "reason": "Left"});
    let calls =
        [("/ott/v1/transaction", charge_body(&pai, "c-1", 1599)), ("/ott/v1/transaction/c-1/refund", refund)];
    let mut before = Vec::new();
    for (path, body) in &calls {
        before.push(post(&system, path, body).await);
    }
    system.restore_acme(copy).await;
    for ((path, body), before) in calls.iter().zip(&before) {
        assert_eq!(&post(&system, path, body).await, before, "recorded anew, with the same ids");
    }
    assert_eq!(amounts(&system, GOOD).await, [1599, -500]);
}

#[tokio::test]
async fn charge_billed_without_response_is_recognized_after_restore() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    let copy = system.acme.db.copy();
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    let body = charge_body(&pai, "c-1", 1599);
    assert_eq!(post(&system, "/ott/v1/transaction", &body).await.1["status"], "PENDING");
    system.network.clear_faults();
    system.restore_acme(copy).await;
    assert_eq!(post(&system, "/ott/v1/transaction", &body).await.1["status"], "APPROVED");
    // Another charge for the same days is another line.
    post(&system, "/ott/v1/transaction", &charge_body(&pai, "c-2", 1599)).await;
    assert_eq!(amounts(&system, GOOD).await, [1599, 1599]);
}

#[tokio::test]
async fn coupon_with_lost_redemption_is_billed_once() {
    // By the reference that redeemed it, or by another one, to whom the code was given too.
    for reference in ["r-1", "r-2"] {
        let mut system = TestSystem::start();
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        let code = issue_and_read_code(&system, "k-1", GOOD).await;
        let copy = system.acme.db.copy();
        let (status, before) = redeem_code(&system, &code, "r-1").await;
        assert_eq!(status, StatusCode::OK);
        system.restore_acme(copy).await;
        let (status, after) = redeem_code(&system, &code, reference).await;
        assert_eq!((status, &after["extTransactionID"]), (StatusCode::OK, &before["extTransactionID"]));
        assert_eq!(amounts(&system, GOOD).await, [8999], "{reference}");
    }
}

#[tokio::test]
async fn coupon_that_was_lost_itself_is_billed_once() {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let copy = system.acme.db.copy();
    let code = issue_and_read_code(&system, "k-1", GOOD).await;
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::OK);
    system.restore_acme(copy).await;
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::BAD_REQUEST, "nobody knows the code");
    let code = issue_and_read_code(&system, "k-1", GOOD).await;
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::OK);
    assert_eq!(amounts(&system, GOOD).await, [8999]);
}

#[tokio::test]
async fn declined_redemption_is_declined_again_after_restore() {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let code = issue_and_read_code(&system, "k-1", PREPAID).await;
    let copy = system.acme.db.copy();
    let refused = redeem_code(&system, &code, "r-1").await;
    assert_eq!(refused.1["code"], "insufficient-balance");
    system.restore_acme(copy).await;
    assert_eq!(redeem_code(&system, &code, "r-2").await, refused, "billing has this answer to its charge");
    assert!(amounts(&system, PREPAID).await.is_empty());
}

#[tokio::test]
async fn subscription_keeps_its_id_after_restore() {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let asked = json!({"msisdn": GOOD, "operator": "acme"});
    let (_, answer) = post(&system, "/ott/v1/account/validate", &asked).await;
    let copy = system.acme.db.copy();
    let body = json!({"pai": answer["pai"], "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let before = post(&system, "/ott/v1/partnerSubscription", &body).await;
    assert_eq!(before.0, StatusCode::CREATED);
    system.restore_acme(copy).await;
    assert_eq!(post(&system, "/ott/v1/partnerSubscription", &body).await, before);
}
