//! What an account may be charged: each limit declines with its own reason, finally, and releases
//! its reserved amount.

use http::Method;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

/// A customer of Acme's, whose accounts have all four limits; and her PAI.
async fn system_with_limits() -> (TestSystem, String) {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.set_acme_price_ceiling(10_000);
    let pai = system.subscribe_in_app(GOOD, "s-1", 10_000).await;
    system.acme.deliver_due().await;
    system.set_acme_limits(
        json!([{"currency": "USD", "smallest": 50, "transaction": 5000, "day": 6000, "month": 10_000}]),
    );
    (system, pai)
}

/// The status of a new charge, or its decline reason.
async fn post_charge(system: &TestSystem, pai: &str, id: &str, value: i64) -> String {
    let (status, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, value)).await;
    assert_eq!(status.as_u16(), 201, "{answer}");
    let result = if answer["status"] == "DECLINED" { &answer["declineReason"] } else { &answer["status"] };
    result.as_str().expect("is text").to_owned()
}

async fn give_back(system: &TestSystem, charge: &str, refund: &str, value: i64) {
    let body = json!({"extRefundID": refund, "amount": {"value": value, "currency": "USD"}, "reason": "x"});
    let path = format!("/ott/v1/transaction/{charge}/refund");
    assert_eq!(system.call_ott(Method::POST, &path, body).await.0.as_u16(), 201);
}

async fn billed_amounts(system: &TestSystem) -> Vec<i64> {
    let lines = system.bill_lines(&system.acme, GOOD).await;
    lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect()
}

#[tokio::test]
async fn each_limit_declines_with_its_own_reason() {
    let (system, pai) = system_with_limits().await;
    assert_eq!(post_charge(&system, &pai, "c-1", 49).await, "charge-under-limit");
    assert_eq!(post_charge(&system, &pai, "c-2", 5001).await, "charge-exceeds-transaction-limit");
    assert_eq!(post_charge(&system, &pai, "c-3", 5000).await, "APPROVED");
    assert_eq!(post_charge(&system, &pai, "c-4", 1001).await, "charge-exceeds-daily-limit");
    assert_eq!(post_charge(&system, &pai, "c-5", 50).await, "APPROVED");
    system.advance_seconds(86_400);
    assert_eq!(post_charge(&system, &pai, "c-6", 4950).await, "APPROVED");
    assert_eq!(post_charge(&system, &pai, "c-7", 51).await, "charge-exceeds-monthly-limit");
    // The first of December.
    system.advance_seconds(12 * 86_400);
    assert_eq!(post_charge(&system, &pai, "c-8", 5000).await, "APPROVED");
    assert_eq!(billed_amounts(&system).await, [5000, 50, 4950, 5000]);
    assert!(
        !system
            .network
            .recorded_calls()
            .iter()
            .any(|call| call.path == "/csp/transaction" && call.contains("5001"))
    );
}

#[tokio::test]
async fn limit_decline_is_final_and_closes_nothing() {
    let (system, pai) = system_with_limits().await;
    let body = charge_body(&pai, "c-1", 5001);
    let (_, first) = system.call_ott(Method::POST, "/ott/v1/transaction", body.clone()).await;
    assert_eq!(first["declineReason"], "charge-exceeds-transaction-limit");
    assert_eq!(first.get("rawResult"), None, "billing was not asked");
    let (status, again) = system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
    assert_eq!((status.as_u16(), &again), (200, &first));
    let (_, asked) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked, first);
    assert_eq!(post_charge(&system, &pai, "c-2", 5000).await, "APPROVED", "the PAI goes on");
    assert_eq!(
        system.acme.app().store.next_due(Queue::All).await.expect("works"),
        None,
        "and no report is sent twice"
    );
}

#[tokio::test]
async fn refund_frees_its_day_and_month_limit() {
    let (system, pai) = system_with_limits().await;
    assert_eq!(post_charge(&system, &pai, "c-1", 5000).await, "APPROVED");
    assert_eq!(post_charge(&system, &pai, "c-2", 2000).await, "charge-exceeds-daily-limit");
    give_back(&system, "c-1", "r-1", 1000).await;
    assert_eq!(post_charge(&system, &pai, "c-3", 2000).await, "APPROVED");
    assert_eq!(post_charge(&system, &pai, "c-4", 50).await, "charge-exceeds-daily-limit");
    // Yesterday's refund makes no room in today's limit, but in the month's.
    system.advance_seconds(86_400);
    assert_eq!(post_charge(&system, &pai, "c-5", 4001).await, "charge-exceeds-monthly-limit");
    give_back(&system, "c-1", "r-2", 4000).await;
    assert_eq!(post_charge(&system, &pai, "c-6", 5000).await, "APPROVED");
    assert_eq!(post_charge(&system, &pai, "c-7", 1001).await, "charge-exceeds-daily-limit");
}

#[tokio::test]
async fn pending_charge_uses_limit_until_declined() {
    let (system, pai) = system_with_limits().await;
    system.network.inject_fault("127.0.0.1:8790/csp/transaction", NetworkFault::Lost);
    assert_eq!(post_charge(&system, &pai, "c-1", 5000).await, "PENDING");
    system.network.clear_faults();
    assert_eq!(post_charge(&system, &pai, "c-2", 2000).await, "charge-exceeds-daily-limit");
    // The account is suspended when the charge is submitted to billing again.
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let (_, asked) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked["declineReason"], "account-on-hold");
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    assert_eq!(post_charge(&system, &pai, "c-3", 2000).await, "APPROVED");
}

#[tokio::test]
async fn concurrent_charges_do_not_share_remaining_limit() {
    let (system, pai) = system_with_limits().await;
    let names: Vec<_> = (0..8).map(|n| format!("c-{n}")).collect();
    let posts = names.iter().map(|id| post_charge(&system, &pai, id, 1000));
    let results = futures_util::future::join_all(posts).await;
    assert_eq!(results.iter().filter(|result| *result == "APPROVED").count(), 6, "{results:?}");
    assert_eq!(results.iter().filter(|result| *result == "charge-exceeds-daily-limit").count(), 2);
    assert_eq!(billed_amounts(&system).await.iter().sum::<i64>(), 6000);
}
