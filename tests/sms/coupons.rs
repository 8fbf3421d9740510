//! A coupon's way through an SMSC with faults: to the phone, to the partner, and onto the bill.
//!
//! An SMS is sent at least once. The origin sends it again when it cannot know that the SMSC has
//! it, and only then: each test here states how often the SMS arrives for its fault.

mod crowd;
mod queue;
mod receipts;
mod secrecy;

use crate::market::{Market, code_in};
use crate::scene::{UNANSWERED_SECONDS, until};
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

/// A short timeout for an SMSC that does not respond, which keeps the tests fast.
fn impatient() -> Value {
    json!({"answer_seconds": UNANSWERED_SECONDS, "enquire_seconds": 1})
}

fn read(answer: &(StatusCode, Bytes)) -> (u16, Value) {
    (answer.0.as_u16(), serde_json::from_slice(&answer.1).unwrap_or_default())
}

/// One SMS arrived, this many times, and its code can be redeemed: one redemption, one charge, one
/// line.
async fn came(market: &Market, times: usize) {
    let texts = market.inbox().await;
    assert_eq!(texts.len(), times, "{texts:?}");
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let first = market.redeem(code_in(&texts[0]), "r-1").await;
    assert_eq!(read(&first).1["status"], "REDEEMED", "{first:?}");
    assert_eq!(market.redeem(code_in(&texts[0]), "r-1").await, first, "byte for byte");
    assert_eq!((market.counted().await, market.bill().await.len()), ((1, 1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_received_in_parts_redeems() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        for (locale, already) in ["en", "es", "fr", "de", "ar"].into_iter().zip(0..) {
            market.sell(locale, locale).await;
            let before = market.operator.smsc_wishes().len();
            market.deliver().await;
            let parts = &market.operator.smsc_wishes()[before..];
            assert!(parts.len() >= 2, "{locale} takes {} messages", parts.len());
            assert!(parts.iter().all(|part| part.coding == parts[0].coding), "{locale}: {parts:?}");
            match locale {
                "en" => assert_eq!(parts[0].coding, 0, "the GSM alphabet"),
                "ar" => assert_eq!(parts[0].coding, 8, "UCS-2"),
                _ => {}
            }
            market.until_state(locale, "DELIVERED").await;
            let texts = market.inbox().await;
            assert_eq!(texts.len(), already + 1);
            let (status, answer) = read(&market.redeem(code_in(&texts[already]), locale).await);
            assert_eq!((status, &answer["status"]), (200, &json!("REDEEMED")), "{answer}");
            assert_eq!(market.coupon(locale).await["state"], "REDEEMED");
            assert_eq!(market.bill().await.len(), already + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_smsc_gets_the_sms_later_and_once() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        market.sell("c-1", "en").await;
        for fault in ["throttle", "queue-full"] {
            market.trouble(json!({"smsc": fault})).await;
            let asked = market.operator.smsc_asked();
            for _ in 0..4 {
                market.deliver().await;
                market.clock.advance_seconds(700);
            }
            assert!(market.operator.smsc_asked() > asked, "{fault}");
        }
        assert!(market.inbox().await.is_empty());
        assert_eq!(market.coupon("c-1").await["state"], "ISSUED");
        market.trouble(json!({})).await;
        market.deliver_until("it comes", async || !market.inbox().await.is_empty()).await;
        market.until_state("c-1", "DELIVERED").await;
        came(&market, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sms_without_response_is_sent_again() {
    // Concurrently: each waits long for a response.
    let mut cases = Vec::new();
    for (fault, times) in [("drop", 1), ("drop-after", 2), ("hang", 1), ("hang-after", 2)] {
        for market in Market::on_each_kind_of_books(&impatient()).await {
            cases.push(comes_as_often_as_it_was_taken(market, fault, times));
        }
    }
    join_all(cases).await;
}

async fn comes_as_often_as_it_was_taken(market: Market, fault: &str, times: usize) {
    market.trouble(json!({"smsc": fault})).await;
    market.sell("c-1", "en").await;
    market.deliver().await;
    assert_eq!(market.coupon("c-1").await["state"], "ISSUED", "{fault}");
    market.trouble(json!({})).await;
    market.until_bound().await;
    market.deliver().await;
    assert_eq!(market.inbox().await.len(), times - 1, "{fault}: not yet again");
    market.deliver_until("it comes", async || market.coupon("c-1").await["state"] != "ISSUED").await;
    market.until_state("c-1", "DELIVERED").await;
    came(&market, times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_smsc_gets_the_sms_once() {
    for mut market in Market::on_each_kind_of_books(&json!({})).await {
        market.kill_smsc().await;
        market.sell("c-1", "en").await;
        for _ in 0..4 {
            market.deliver().await;
            market.clock.advance_seconds(700);
        }
        assert_eq!(market.coupon("c-1").await["state"], "ISSUED");
        // It is back, and takes the previous session for a live one.
        market.trouble(json!({"smsc": "still-bound"})).await;
        let binds = market.operator.smsc_binds();
        market.restart_smsc().await;
        until("it has said no", async || market.operator.smsc_binds() > binds).await;
        market.deliver().await;
        assert!(market.inbox().await.is_empty());
        market.trouble(json!({})).await;
        market.until_bound().await;
        market.deliver_until("it comes", async || !market.inbox().await.is_empty()).await;
        market.until_state("c-1", "DELIVERED").await;
        came(&market, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_smsc_is_disconnected_and_found_again() {
    let markets = Market::on_each_kind_of_books(&impatient()).await;
    join_all(markets.map(is_left_and_found_again)).await;
}

async fn is_left_and_found_again(market: Market) {
    let binds = market.operator.smsc_binds();
    market.trouble(json!({"smsc": "silent"})).await;
    market.sell("c-1", "en").await;
    // Before or after the origin has found out: there is no response, or no connection.
    market.deliver().await;
    assert!(market.inbox().await.is_empty());
    assert_eq!(market.coupon("c-1").await["state"], "ISSUED");
    market.trouble(json!({})).await;
    until("the origin has connected anew", async || market.operator.smsc_binds() > binds).await;
    market.until_bound().await;
    market.deliver_until("it comes", async || !market.inbox().await.is_empty()).await;
    market.until_state("c-1", "DELIVERED").await;
    came(&market, 1).await;
}
