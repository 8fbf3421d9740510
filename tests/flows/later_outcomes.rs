//! An outcome that is known only later reaches the partner, once and in one version.

use http::Method;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";

/// A customer with a charge `c-1` that reached the bill while billing's response was lost.
async fn system_with_unclear_charge() -> TestSystem {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    let (_, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    assert_eq!(answer["status"], "PENDING");
    system.network.clear_faults();
    system
}

/// What the partner knows of its latest charge, and how it was reported.
async fn partner_knowledge(system: &TestSystem) -> (Value, Value) {
    let known = system.partner_charges().await;
    assert_eq!(known["contradictions"], json!([]));
    let charge = &known["charges"][0];
    (charge["reported"]["status"].clone(), charge["by"].clone())
}

/// How often the partner was called at this path.
fn count_webhooks(system: &TestSystem, path: &str) -> usize {
    let crossings = system.network.recorded_calls();
    crossings.iter().filter(|crossing| crossing.authority == NETFLIX && crossing.path == path).count()
}

async fn outbox_is_empty(system: &TestSystem) -> bool {
    system.acme.app().store.next_due(Queue::All).await.expect("works").is_none()
}

#[tokio::test]
async fn charge_webhook_is_sent_once_when_settled() {
    let system = system_with_unclear_charge().await;
    assert_eq!(partner_knowledge(&system).await, (json!("PENDING"), json!("response")));
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(partner_knowledge(&system).await, (json!("APPROVED"), json!("webhook")));
    assert_eq!(count_webhooks(&system, "/transaction-state"), 1);
    assert!(outbox_is_empty(&system).await);
    let charge = &system.partner_charges().await["charges"][0]["reported"];
    let (_, asked) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(*charge, asked, "a notice says what a question is answered");
}

#[tokio::test]
async fn decline_is_reported_with_its_reason() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    system.network.clear_faults();
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,ceased")).await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(partner_knowledge(&system).await, (json!("DECLINED"), json!("webhook")));
    let charge = &system.partner_charges().await["charges"][0];
    assert_eq!(charge["reported"]["declineReason"], "account-closed");
}

#[tokio::test]
async fn what_was_clear_at_once_needs_no_notice() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let refund = json!({"extRefundID": "r-1", "reason": "Ended early"});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    system.advance_seconds(86_400);
    system.acme.deliver_due().await;
    assert_eq!(count_webhooks(&system, "/transaction-state") + count_webhooks(&system, "/refund-state"), 0);
    assert_eq!(partner_knowledge(&system).await, (json!("APPROVED"), json!("response")));
}

#[tokio::test]
async fn webhook_reaches_partner_after_a_day_of_outage() {
    let system = system_with_unclear_charge().await;
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), NetworkFault::Lost);
    for _ in 0..24 {
        system.advance_seconds(3_600);
        system.acme.deliver_due().await;
    }
    assert_eq!(partner_knowledge(&system).await.0, "PENDING");
    system.network.clear_faults();
    system.advance_seconds(2 * 86_400);
    system.acme.deliver_due().await;
    assert_eq!(partner_knowledge(&system).await, (json!("APPROVED"), json!("webhook")));
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn webhook_without_receipt_is_repeated_unchanged() {
    says_the_same_again_after(NetworkFault::AnswerLost).await;
}

#[tokio::test]
async fn only_a_yes_is_a_receipt() {
    says_the_same_again_after(NetworkFault::FailsAfter).await;
}

async fn says_the_same_again_after(mishap: NetworkFault) {
    let system = system_with_unclear_charge().await;
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), mishap);
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(partner_knowledge(&system).await.0, "APPROVED", "it did arrive");
    system.network.clear_faults();
    system.advance_seconds(61);
    system.acme.deliver_due().await;
    let crossings = system.network.recorded_calls();
    let notices: Vec<&str> = crossings
        .iter()
        .filter(|crossing| crossing.path == "/transaction-state")
        .map(|crossing| crossing.request.split_once("} {").expect("has headers and a body").1)
        .collect();
    assert_eq!((notices.len(), notices[0]), (2, notices[1]));
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn partner_without_webhooks_can_still_query() {
    let system = system_with_unclear_charge().await;
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), NetworkFault::Lost);
    for _ in 0..20 {
        system.advance_seconds(2 * 86_400);
        system.acme.deliver_due().await;
    }
    assert!(outbox_is_empty(&system).await, "it waits for a person");
    assert_eq!(partner_knowledge(&system).await.0, "PENDING");
    system.network.clear_faults();
    let (_, asked) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked["status"], "APPROVED");
}

#[tokio::test]
async fn refund_webhook_is_sent_and_shown_when_settled() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    system.network.inject_fault(REFUNDS, NetworkFault::AnswerLost);
    let refund =
        json!({"extRefundID": "r-1", "amount": {"value": 800, "currency": "USD"}, "reason": "Half a month"});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(answer["status"], "PENDING");
    system.network.clear_faults();
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let charge = &system.partner_charges().await["charges"][0];
    let refund = &charge["refunds"][0];
    assert_eq!((&refund["reported"]["status"], &refund["by"]), (&json!("APPROVED"), &json!("webhook")));
    assert_eq!(charge["remaining"]["value"], 799);
    assert_eq!(
        (count_webhooks(&system, "/refund-state"), count_webhooks(&system, "/transaction-state")),
        (1, 0)
    );
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn only_the_pairs_own_key_tells() {
    use onbill_domain::key::KeyUse;
    use onbill_domain::signature::sign_request;
    use onbill_test_harness::{KeyHolder, keys};

    let system = system_with_unclear_charge().await;
    let body = json!({"transactionID": "t", "extTransactionID": "c-1", "status": "APPROVED"});
    // Nova's origin about Acme's charge, and Acme's with the key for its own billing.
    for (n, (origin, key_use, party)) in [
        ("nova", KeyUse::OriginToPartner, "partner:netflix"),
        ("acme", KeyUse::OriginToOperator, "operator:acme"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = http::Request::post(format!("http://{NETFLIX}/transaction-state"))
            .header("content-type", "application/json")
            .body(bytes::Bytes::from(body.to_string()))
            .expect("is a request");
        let ring = keys::keyring(&KeyHolder::Origin(origin));
        let key = ring.signing_key(key_use, party).expect("is there");
        sign_request(&mut request, key, system.now(), &format!("nonce-of-thief-{n}")).expect("signs");
        let (status, _) = system.send_request(request).await;
        assert_eq!(status.as_u16(), if origin == "nova" { 404 } else { 401 });
    }
    let charge = &system.partner_charges().await["charges"][0];
    assert_eq!(charge["reported"]["status"], "PENDING");
}
