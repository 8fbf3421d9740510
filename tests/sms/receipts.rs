//! The SMSC's receipts, in any order and at any time.

use crate::smsc_link::SmscLink;
use onbill_origin::sms::{DeliveryState, SendSmsResult};
use serde_json::json;
use std::sync::atomic::Ordering;

async fn send_accepted(link: &SmscLink) -> String {
    match link.send_sms("hello", true).await {
        SendSmsResult::Accepted { message_id: Some(id) } => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn receipt_says_how_each_message_ended() {
    let link = SmscLink::new().await;
    for (reporting, state) in [
        ("good", DeliveryState::Delivered),
        ("failed", DeliveryState::Undeliverable),
        ("expired", DeliveryState::Expired),
    ] {
        link.inject_faults(json!({"receipts": reporting})).await;
        // Two of them: one has the status in its text only, the other in parameters too.
        for _ in 0..2 {
            let before = link.wait_for_receipts(0).await.len();
            let id = send_accepted(&link).await;
            let receipts = link.wait_for_receipts(before + 1).await;
            let receipt = receipts.last().expect("there is one");
            assert_eq!((&receipt.message_id, receipt.state), (&id, state));
        }
    }
}

#[tokio::test]
async fn receipts_may_come_in_another_order() {
    let link = SmscLink::new().await;
    link.inject_faults(json!({"receipts": "late"})).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(send_accepted(&link).await);
    }
    assert!(link.wait_for_receipts(0).await.is_empty());
    link.inject_faults(json!({})).await;
    let reported: Vec<String> =
        link.wait_for_receipts(5).await.into_iter().map(|receipt| receipt.message_id).collect();
    ids.reverse();
    assert_eq!(reported, ids);
}

#[tokio::test]
async fn receipt_may_come_before_the_answer() {
    let link = SmscLink::new().await;
    link.inject_faults(json!({"receipts": "early"})).await;
    // The SMSC responds only when its receipt was accepted: if each waited for the other, both
    // would wait permanently.
    let id = send_accepted(&link).await;
    let receipts = link.wait_for_receipts(1).await;
    assert_eq!(receipts[0].message_id, id);
}

#[tokio::test]
async fn receipt_that_cannot_be_taken_comes_again() {
    let link = SmscLink::new().await;
    link.heard.busy.store(3, Ordering::SeqCst);
    let id = send_accepted(&link).await;
    let receipts = link.wait_for_receipts(1).await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].message_id, id);
    assert_eq!(link.heard.busy.load(Ordering::SeqCst), 0);
}
