//! What the SMSC reports of a coupon's SMS, and the coupon's status then.

use super::parse_answer;
use crate::coupon_system::{CouponSystem, code_in};
use onbill_origin::store::RECEIPT_SECONDS;
use onbill_test_harness::wait::wait_until;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn receipt_counts_once_whenever_it_comes() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        for reports in ["good", "early", "twice"] {
            system.inject_faults(json!({"receipts": reports})).await;
            system.issue_coupon(reports, "en").await;
            system.deliver_due().await;
            system.until_state(reports, "DELIVERED").await;
        }
        // They come when the next one is sent already, and the newest first.
        system.inject_faults(json!({"receipts": "late"})).await;
        for id in ["late-1", "late-2"] {
            system.issue_coupon(id, "en").await;
            system.deliver_due().await;
            assert_eq!(system.find_coupon(id).await["state"], "SENT");
        }
        system.inject_faults(json!({})).await;
        for id in ["late-1", "late-2"] {
            system.until_state(id, "DELIVERED").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_of_unknown_message_is_dropped() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        system.inject_faults(json!({"receipts": "late"})).await;
        system.issue_coupon("c-1", "en").await;
        system.deliver_due().await;
        system.inject_faults(json!({"receipts": "strange"})).await;
        system.issue_coupon("c-2", "en").await;
        system.deliver_due().await;
        system.until_state("c-2", "DELIVERED").await;
        system.until_state("c-1", "DELIVERED").await;
        assert_eq!(system.reports_kept().await, 1, "its message could become known yet");
        system.clock.advance_seconds(RECEIPT_SECONDS + 1);
        system.app.sweep().await.expect("works");
        assert_eq!(system.reports_kept().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_coupon_sms_is_reported_and_code_valid() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        for (reports, reason) in [("failed", "undeliverable"), ("expired", "expired")] {
            system.inject_faults(json!({"receipts": reports})).await;
            system.issue_coupon(reports, "en").await;
            system.deliver_due().await;
            wait_until("it is reported", async || {
                let coupon = system.find_coupon(reports).await;
                assert_eq!(coupon["state"], "SENT");
                coupon["undelivered"]["reason"] == reason
            })
            .await;
            let texts = system.read_inbox().await;
            let (status, answer) =
                parse_answer(&system.redeem_code(code_in(texts.last().expect("came")), reports).await);
            assert_eq!((status, &answer["status"]), (200, &json!("REDEEMED")), "{answer}");
        }
    }
}
