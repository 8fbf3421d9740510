//! The same code in many concurrent calls, over connections of their own: one redemption, one
//! charge, one line.

use super::parse_answer;
use crate::coupon_system::{CouponSystem, code_in};
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use onbill_test_harness::wait::wait_until;
use serde_json::json;

/// Calls that are in the origin at the same time, and so as many connections: none carries two.
const CROWD: usize = 64;

type CallResponse = (StatusCode, Bytes);

/// Redeems a code in this many calls. None is processed before all have arrived.
async fn redeem_at_once(
    system: &CouponSystem,
    code: &str,
    reference: impl Fn(usize) -> String,
) -> Vec<(String, CallResponse)> {
    system.turnstile.gather_calls(CROWD);
    let calls = (0..CROWD).map(|n| {
        let reference = reference(n);
        async move { (reference.clone(), system.redeem_code(code, &reference).await) }
    });
    join_all(calls).await
}

/// Half of the calls repeat the other half. Returns the reference that has the coupon, and its
/// response.
async fn one_of_all_gets_it(system: &CouponSystem, code: &str) -> (String, CallResponse) {
    let answers = redeem_at_once(system, code, |n| format!("r-{}", n / 2)).await;
    let good: Vec<_> = answers.iter().filter(|(_, answer)| answer.0 == StatusCode::OK).collect();
    assert!((1..=2).contains(&good.len()), "{good:?}");
    assert!(good.iter().all(|one| *one == good[0]), "{good:?}");
    for (reference, answer) in answers.iter().filter(|(_, answer)| answer.0 != StatusCode::OK) {
        let (status, body) = parse_answer(answer);
        let why = body["code"].as_str().unwrap_or_default();
        let is_beside = reference == &good[0].0 && why == "request-in-progress";
        let is_late = reference != &good[0].0 && ["token-already-used", "request-in-progress"].contains(&why);
        assert!(status == 409 && (is_beside || is_late), "{reference}: {status} {body}");
    }
    good[0].clone()
}

/// All calls again: the reference that has the coupon gets the stored response, byte for byte, and
/// no other has it.
async fn so_it_stays(system: &CouponSystem, code: &str, (reference, first): &(String, CallResponse)) {
    let answers = redeem_at_once(system, code, |_| reference.clone()).await;
    assert!(answers.iter().all(|(_, answer)| answer == first), "{answers:?}");
    for (other, answer) in redeem_at_once(system, code, |n| format!("r-{n}")).await {
        if other == *reference {
            assert_eq!(&answer, first);
        } else {
            let (status, body) = parse_answer(&answer);
            assert_eq!((status, &body["code"]), (409, &json!("token-already-used")), "{other}");
        }
    }
    // Where billing was slower than a response may be, the outbox asks it.
    system.deliver_until("it is billed", async || system.count_charges("APPROVED").await == 1).await;
    assert_eq!(system.count_redemptions().await, (1, 1), "one redemption, one charge");
    let bill = system.read_bill().await;
    assert_eq!(bill.len(), 1, "{bill:?}");
    assert_eq!(bill[0]["amount"], json!({"value": 8999, "currency": "USD"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_redeemed_over_64_connections_is_billed_once() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        system.issue_coupon("c-1", "en").await;
        system.deliver_due().await;
        let texts = system.read_inbox().await;
        let code = code_in(&texts[0]);
        let it = one_of_all_gets_it(&system, code).await;
        so_it_stays(&system, code, &it).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coupon_is_billed_once_whatever_fails() {
    for mut system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        // The SMSC throttles, disconnects when it has the SMS, crashes, and takes the dead session
        // for a live one.
        system.inject_faults(json!({"smsc": "throttle"})).await;
        system.issue_coupon("c-1", "ar").await;
        system.deliver_due().await;
        system.inject_faults(json!({"smsc": "drop-after", "receipts": "late"})).await;
        system.deliver_until("it is taken", async || !system.read_inbox().await.is_empty()).await;
        system.kill_smsc().await;
        system.clock.advance_seconds(90);
        system.deliver_due().await;
        assert_eq!(system.find_coupon("c-1").await["state"], "ISSUED");
        system.inject_faults(json!({"smsc": "still-bound", "receipts": "late"})).await;
        let binds = system.operator.smsc_binds();
        system.restart_smsc().await;
        wait_until("it has said no", async || system.operator.smsc_binds() > binds).await;
        system.inject_faults(json!({"receipts": "late"})).await;
        system.until_bound().await;
        system.deliver_until("it comes again", async || system.read_inbox().await.len() == 2).await;
        system.until_state("c-1", "SENT").await;
        system.inject_faults(json!({"transaction": "error-after", "transaction-status": "down"})).await;
        system.until_state("c-1", "DELIVERED").await;
        let texts = system.read_inbox().await;
        assert_eq!(texts[0], texts[1]);

        // Billing has put it on the bill, and its response arrives only when all calls have ended.
        let it = one_of_all_gets_it(&system, code_in(&texts[0])).await;
        assert_eq!((system.count_charges("PENDING").await, system.read_bill().await.len()), (1, 1));
        system.inject_faults(json!({})).await;
        system.deliver_until("billing is asked", async || system.count_charges("APPROVED").await == 1).await;
        so_it_stays(&system, code_in(&texts[1]), &it).await;
        assert_eq!(system.read_inbox().await.len(), 2);
    }
}
