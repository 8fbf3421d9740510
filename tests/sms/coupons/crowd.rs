//! The same code in many concurrent calls, over connections of their own: one redemption, one
//! charge, one line.

use super::read;
use crate::market::{Market, code_in};
use crate::scene::until;
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;

/// Calls that are in the origin at the same time, and so as many connections: none carries two.
const CROWD: usize = 64;

type Answer = (StatusCode, Bytes);

/// Redeems a code in this many calls. None is processed before all have arrived.
async fn redeem_at_once(
    market: &Market,
    code: &str,
    reference: impl Fn(usize) -> String,
) -> Vec<(String, Answer)> {
    market.turnstile.gather(CROWD);
    let calls = (0..CROWD).map(|n| {
        let reference = reference(n);
        async move { (reference.clone(), market.redeem(code, &reference).await) }
    });
    join_all(calls).await
}

/// Half of the calls repeat the other half. Returns the reference that has the coupon, and its
/// response.
async fn one_of_all_gets_it(market: &Market, code: &str) -> (String, Answer) {
    let answers = redeem_at_once(market, code, |n| format!("r-{}", n / 2)).await;
    let good: Vec<_> = answers.iter().filter(|(_, answer)| answer.0 == StatusCode::OK).collect();
    assert!((1..=2).contains(&good.len()), "{good:?}");
    assert!(good.iter().all(|one| *one == good[0]), "{good:?}");
    for (reference, answer) in answers.iter().filter(|(_, answer)| answer.0 != StatusCode::OK) {
        let (status, body) = read(answer);
        let why = body["code"].as_str().unwrap_or_default();
        let is_beside = reference == &good[0].0 && why == "request-in-progress";
        let is_late = reference != &good[0].0 && ["token-already-used", "request-in-progress"].contains(&why);
        assert!(status == 409 && (is_beside || is_late), "{reference}: {status} {body}");
    }
    good[0].clone()
}

/// All calls again: the reference that has the coupon gets the stored response, byte for byte, and
/// no other has it.
async fn so_it_stays(market: &Market, code: &str, (reference, first): &(String, Answer)) {
    let answers = redeem_at_once(market, code, |_| reference.clone()).await;
    assert!(answers.iter().all(|(_, answer)| answer == first), "{answers:?}");
    for (other, answer) in redeem_at_once(market, code, |n| format!("r-{n}")).await {
        if other == *reference {
            assert_eq!(&answer, first);
        } else {
            let (status, body) = read(&answer);
            assert_eq!((status, &body["code"]), (409, &json!("token-already-used")), "{other}");
        }
    }
    // Where billing was slower than a response may be, the outbox asks it.
    market.deliver_until("it is billed", async || market.charges("APPROVED").await == 1).await;
    assert_eq!(market.counted().await, (1, 1), "one redemption, one charge");
    let bill = market.bill().await;
    assert_eq!(bill.len(), 1, "{bill:?}");
    assert_eq!(bill[0]["amount"], json!({"value": 8999, "currency": "USD"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_redeemed_over_64_connections_is_billed_once() {
    for market in Market::on_each_kind_of_books(&json!({})).await {
        market.sell("c-1", "en").await;
        market.deliver().await;
        let texts = market.inbox().await;
        let code = code_in(&texts[0]);
        let it = one_of_all_gets_it(&market, code).await;
        so_it_stays(&market, code, &it).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coupon_is_billed_once_whatever_fails() {
    for mut market in Market::on_each_kind_of_books(&json!({})).await {
        // The SMSC throttles, disconnects when it has the SMS, crashes, and takes the dead session
        // for a live one.
        market.trouble(json!({"smsc": "throttle"})).await;
        market.sell("c-1", "ar").await;
        market.deliver().await;
        market.trouble(json!({"smsc": "drop-after", "receipts": "late"})).await;
        market.deliver_until("it is taken", async || !market.inbox().await.is_empty()).await;
        market.kill_smsc().await;
        market.clock.advance_seconds(90);
        market.deliver().await;
        assert_eq!(market.coupon("c-1").await["state"], "ISSUED");
        market.trouble(json!({"smsc": "still-bound", "receipts": "late"})).await;
        let binds = market.operator.smsc_binds();
        market.restart_smsc().await;
        until("it has said no", async || market.operator.smsc_binds() > binds).await;
        market.trouble(json!({"receipts": "late"})).await;
        market.until_bound().await;
        market.deliver_until("it comes again", async || market.inbox().await.len() == 2).await;
        market.until_state("c-1", "SENT").await;
        market.trouble(json!({"transaction": "error-after", "transaction-status": "down"})).await;
        market.until_state("c-1", "DELIVERED").await;
        let texts = market.inbox().await;
        assert_eq!(texts[0], texts[1]);

        // Billing has put it on the bill, and its response arrives only when all calls have ended.
        let it = one_of_all_gets_it(&market, code_in(&texts[0])).await;
        assert_eq!((market.charges("PENDING").await, market.bill().await.len()), (1, 1));
        market.trouble(json!({})).await;
        market.deliver_until("billing is asked", async || market.charges("APPROVED").await == 1).await;
        so_it_stays(&market, code_in(&texts[1]), &it).await;
        assert_eq!(market.inbox().await.len(), 2);
    }
}
