//! What the SMSC reports of a coupon's SMS, and the coupon's status then.

use super::read;
use crate::coupon_system::{CouponSystem, code_in};
use crate::smsc_link::until;
use onbill_origin::store::RECEIPT_SECONDS;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn receipt_counts_once_whenever_it_comes() {
    for system in CouponSystem::on_each_kind_of_books(&json!({})).await {
        for reports in ["good", "early", "twice"] {
            system.trouble(json!({"receipts": reports})).await;
            system.sell(reports, "en").await;
            system.deliver().await;
            system.until_state(reports, "DELIVERED").await;
        }
        // They come when the next one is sent already, and the newest first.
        system.trouble(json!({"receipts": "late"})).await;
        for id in ["late-1", "late-2"] {
            system.sell(id, "en").await;
            system.deliver().await;
            assert_eq!(system.coupon(id).await["state"], "SENT");
        }
        system.trouble(json!({})).await;
        for id in ["late-1", "late-2"] {
            system.until_state(id, "DELIVERED").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_of_unknown_message_is_dropped() {
    for system in CouponSystem::on_each_kind_of_books(&json!({})).await {
        system.trouble(json!({"receipts": "late"})).await;
        system.sell("c-1", "en").await;
        system.deliver().await;
        system.trouble(json!({"receipts": "strange"})).await;
        system.sell("c-2", "en").await;
        system.deliver().await;
        system.until_state("c-2", "DELIVERED").await;
        system.until_state("c-1", "DELIVERED").await;
        assert_eq!(system.reports_kept().await, 1, "its message could become known yet");
        system.clock.advance_seconds(RECEIPT_SECONDS + 1);
        system.app.store.sweep(onbill_origin::ambient::Clock::now(&*system.clock)).await.expect("works");
        assert_eq!(system.reports_kept().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_coupon_sms_is_reported_and_code_valid() {
    for system in CouponSystem::on_each_kind_of_books(&json!({})).await {
        for (reports, reason) in [("failed", "undeliverable"), ("expired", "expired")] {
            system.trouble(json!({"receipts": reports})).await;
            system.sell(reports, "en").await;
            system.deliver().await;
            until("it is reported", async || {
                let coupon = system.coupon(reports).await;
                assert_eq!(coupon["state"], "SENT");
                coupon["undelivered"]["reason"] == reason
            })
            .await;
            let texts = system.inbox().await;
            let (status, answer) = read(&system.redeem(code_in(texts.last().expect("came")), reports).await);
            assert_eq!((status, &answer["status"]), (200, &json!("REDEEMED")), "{answer}");
        }
    }
}
