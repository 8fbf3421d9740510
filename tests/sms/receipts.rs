//! The SMSC's receipts, in any order and at any time.

use crate::scene::Scene;
use onbill_origin::sms::{DeliveryState, SendSmsResult};
use serde_json::json;
use std::sync::atomic::Ordering;

async fn send(scene: &Scene) -> String {
    match scene.send("hello", true).await {
        SendSmsResult::Accepted { message_id: Some(id) } => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn receipt_says_how_each_message_ended() {
    let scene = Scene::new().await;
    for (reporting, state) in [
        ("good", DeliveryState::Delivered),
        ("failed", DeliveryState::Undeliverable),
        ("expired", DeliveryState::Expired),
    ] {
        scene.trouble(json!({"receipts": reporting})).await;
        // Two of them: one has the status in its text only, the other in parameters too.
        for _ in 0..2 {
            let before = scene.receipts(0).await.len();
            let id = send(&scene).await;
            let receipts = scene.receipts(before + 1).await;
            let receipt = receipts.last().expect("there is one");
            assert_eq!((&receipt.message_id, receipt.state), (&id, state));
        }
    }
}

#[tokio::test]
async fn receipts_may_come_in_another_order() {
    let scene = Scene::new().await;
    scene.trouble(json!({"receipts": "late"})).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(send(&scene).await);
    }
    assert!(scene.receipts(0).await.is_empty());
    scene.trouble(json!({})).await;
    let reported: Vec<String> =
        scene.receipts(5).await.into_iter().map(|receipt| receipt.message_id).collect();
    ids.reverse();
    assert_eq!(reported, ids);
}

#[tokio::test]
async fn receipt_may_come_before_the_answer() {
    let scene = Scene::new().await;
    scene.trouble(json!({"receipts": "early"})).await;
    // The SMSC responds only when its receipt was accepted: if each waited for the other, both
    // would wait permanently.
    let id = send(&scene).await;
    let receipts = scene.receipts(1).await;
    assert_eq!(receipts[0].message_id, id);
}

#[tokio::test]
async fn receipt_that_cannot_be_taken_comes_again() {
    let scene = Scene::new().await;
    scene.heard.busy.store(3, Ordering::SeqCst);
    let id = send(&scene).await;
    let receipts = scene.receipts(1).await;
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].message_id, id);
    assert_eq!(scene.heard.busy.load(Ordering::SeqCst), 0);
}
