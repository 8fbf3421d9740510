//! What the SMSC reports of a coupon's SMS, and the coupon's status then.

use super::read;
use crate::market::{Market, code_in};
use crate::scene::until;
use onbill_origin::store::RECEIPT_SECONDS;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn receipt_counts_once_whenever_it_comes() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        for reports in ["good", "early", "twice"] {
            market.trouble(json!({"receipts": reports})).await;
            market.sell(reports, "en").await;
            market.deliver().await;
            market.until_state(reports, "DELIVERED").await;
        }
        // They come when the next one is sent already, and the newest first.
        market.trouble(json!({"receipts": "late"})).await;
        for id in ["late-1", "late-2"] {
            market.sell(id, "en").await;
            market.deliver().await;
            assert_eq!(market.coupon(id).await["state"], "SENT");
        }
        market.trouble(json!({})).await;
        for id in ["late-1", "late-2"] {
            market.until_state(id, "DELIVERED").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_of_unknown_message_is_dropped() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        market.trouble(json!({"receipts": "late"})).await;
        market.sell("c-1", "en").await;
        market.deliver().await;
        market.trouble(json!({"receipts": "strange"})).await;
        market.sell("c-2", "en").await;
        market.deliver().await;
        market.until_state("c-2", "DELIVERED").await;
        market.until_state("c-1", "DELIVERED").await;
        assert_eq!(market.reports_kept().await, 1, "its message could become known yet");
        market.clock.advance_seconds(RECEIPT_SECONDS + 1);
        market.app.store.sweep(onbill_origin::ambient::Clock::now(&*market.clock)).await.expect("works");
        assert_eq!(market.reports_kept().await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_coupon_sms_is_reported_and_code_valid() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        for (reports, reason) in [("failed", "undeliverable"), ("expired", "expired")] {
            market.trouble(json!({"receipts": reports})).await;
            market.sell(reports, "en").await;
            market.deliver().await;
            until("it is reported", async || {
                let coupon = market.coupon(reports).await;
                assert_eq!(coupon["state"], "SENT");
                coupon["undelivered"]["reason"] == reason
            })
            .await;
            let texts = market.inbox().await;
            let (status, answer) = read(&market.redeem(code_in(texts.last().expect("came")), reports).await);
            assert_eq!((status, &answer["status"]), (200, &json!("REDEEMED")), "{answer}");
        }
    }
}
