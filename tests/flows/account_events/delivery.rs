//! The state of a PAI reaches partner and edge eventually, in order, whatever is down meanwhile.

use super::{
    EDGE, GOOD, NETFLIX, charge_outcome, count_arrived, declined_outcome, partner_state_of,
    report_applied_event, stored_states,
};
use onbill_origin::store::Queue;
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};

const TO_EDGE: &str = "/origin/v1/pai-mapping";
const TO_PARTNER: &str = "/account-state";

async fn outbox_is_empty(system: &TestSystem) -> bool {
    system.acme.app().store.next_due(Queue::All).await.expect("works").is_none()
}

#[tokio::test]
async fn partner_and_edge_get_last_state_after_outage() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for address in [format!("{EDGE}{TO_EDGE}"), format!("{NETFLIX}{TO_PARTNER}")] {
        system.network.inject_fault(&address, NetworkFault::Lost);
    }
    let mut at = 0;
    for (id, what) in [("e-1", "suspended"), ("e-2", "resumed"), ("e-3", "suspended")] {
        report_applied_event(&system, id, what, GOOD).await;
        for _ in 0..48 {
            system.advance_seconds(1_800);
            at += 1_800;
            system.acme.deliver_due().await;
        }
    }
    assert_eq!(at, 3 * 86_400);
    assert_eq!(partner_state_of(&system, "ann@example.com").await, Value::Null);
    assert_eq!(stored_states(&system, &pai), (json!("ACTIVE"), json!(1)));
    // The edge does not know of it, and it does not matter.
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome("account-on-hold"));
    system.network.clear_faults();
    system.advance_seconds(2 * 3_600);
    system.acme.deliver_due().await;
    let suspended = json!({"pai": pai, "state": "SUSPENDED", "sequence": 4});
    assert_eq!(partner_state_of(&system, "ann@example.com").await, suspended);
    assert_eq!(stored_states(&system, &pai), (json!("SUSPENDED"), json!(4)));
    assert_eq!(
        (count_arrived(&system, NETFLIX, TO_PARTNER), count_arrived(&system, EDGE, TO_EDGE)),
        (1, 1),
        "the last word only"
    );
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn older_word_that_comes_late_changes_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for address in [format!("{EDGE}{TO_EDGE}"), format!("{NETFLIX}{TO_PARTNER}")] {
        system.network.inject_fault_for(&address, NetworkFault::Late, 1);
    }
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    system.acme.deliver_due().await;
    system.advance_seconds(60);
    report_applied_event(&system, "e-2", "ported-out", GOOD).await;
    system.acme.deliver_due().await;
    let closed = json!({"pai": pai, "state": "CLOSED", "reason": "account-closed", "sequence": 3});
    assert_eq!(partner_state_of(&system, "ann@example.com").await, closed);
    system.network.deliver_late().await;
    assert_eq!((count_arrived(&system, NETFLIX, TO_PARTNER), count_arrived(&system, EDGE, TO_EDGE)), (2, 2));
    assert_eq!(partner_state_of(&system, "ann@example.com").await, closed);
    assert_eq!(stored_states(&system, &pai), (json!("CLOSED"), json!(3)));
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn state_without_receipt_is_sent_again() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for address in [format!("{EDGE}{TO_EDGE}"), format!("{NETFLIX}{TO_PARTNER}")] {
        system.network.inject_fault_for(&address, NetworkFault::AnswerLost, 1);
    }
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    system.acme.deliver_due().await;
    assert!(!outbox_is_empty(&system).await);
    system.advance_seconds(3);
    system.acme.deliver_due().await;
    assert_eq!((count_arrived(&system, NETFLIX, TO_PARTNER), count_arrived(&system, EDGE, TO_EDGE)), (2, 2));
    assert_eq!(partner_state_of(&system, "ann@example.com").await["state"], "SUSPENDED");
    assert_eq!(stored_states(&system, &pai), (json!("SUSPENDED"), json!(2)));
    assert!(outbox_is_empty(&system).await);
}

#[tokio::test]
async fn edge_that_lost_its_store_is_restored() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.edge.kv_set(&format!("pai/{pai}"), None);
    report_applied_event(&system, "e-1", "ceased", GOOD).await;
    system.acme.deliver_due().await;
    assert_eq!(stored_states(&system, &pai), (json!("CLOSED"), json!(2)));
}
