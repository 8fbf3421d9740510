//! The origin crashes at each of its calls to the store while a coupon is issued or redeemed. A
//! retry finds one coupon, at most one more SMS, one redemption and one bill line.

use super::{
    GOOD, coupon_body, find_coupon, issue_and_read_code, issue_coupon, redeem_code, start_system,
    status_and_code,
};
use http::StatusCode;
use onbill_test_harness::crash_point::CrashMoment;

/// More calls to the store than either takes.
const CALLS: u32 = 9;

#[tokio::test]
async fn crashed_redemption_is_billed_once() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [CrashMoment::Before, CrashMoment::After] {
            let mut system = start_system().await;
            let code = issue_and_read_code(&system, "c-1", GOOD).await;
            let life = std::sync::Arc::clone(&system.acme.origins[0].crash_point);
            life.crash_at(calls, moment);
            let first = redeem_code(&system, &code, "r-1").await;
            if life.disarm() {
                assert_eq!(first.0, StatusCode::OK, "{calls}");
                continue;
            }
            died += 1;
            system.restart_acme(|_| true).await;
            let beside = redeem_code(&system, &code, "r-2").await;
            system.advance_seconds(400);
            // The outbox continues before the partner retries, or after.
            if calls % 2 == 0 {
                system.acme.deliver_due().await;
            }
            let again = redeem_code(&system, &code, "r-1").await;
            system.acme.deliver_due().await;
            system.advance_seconds(400);
            system.acme.deliver_due().await;
            let at = format!("{calls} {moment:?} {first:?} {beside:?} {again:?}");
            if beside.0 == StatusCode::OK {
                assert_eq!(status_and_code(&again), (409, "token-already-used"), "{at}");
            } else {
                assert_eq!(again.0, StatusCode::OK, "{at}");
                assert_eq!(redeem_code(&system, &code, "r-1").await, again, "{at}");
            }
            assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1, "{at}");
            assert_eq!(find_coupon(&system, "c-1").await["state"], "REDEEMED", "{at}");
        }
    }
    assert!(died >= 4, "{died}");
}

#[tokio::test]
async fn coupon_that_died_anywhere_is_made_once() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [CrashMoment::Before, CrashMoment::After] {
            let mut system = start_system().await;
            let life = std::sync::Arc::clone(&system.acme.origins[0].crash_point);
            life.crash_at(calls, moment);
            issue_coupon(&system, &coupon_body("c-1", GOOD)).await;
            let _ = system.acme.try_deliver_due().await;
            if life.disarm() {
                continue;
            }
            died += 1;
            system.restart_acme(|_| true).await;
            let (status, answer) = issue_coupon(&system, &coupon_body("c-1", GOOD)).await;
            assert!([StatusCode::OK, StatusCode::CREATED].contains(&status), "{answer}");
            system.acme.deliver_due().await;
            system.advance_seconds(700);
            // Sent, and not recorded: then it comes again, with the same code.
            let messages = system.sms_received(&system.acme, GOOD).await;
            assert!((1..=2).contains(&messages.len()), "{calls} {moment:?} {messages:?}");
            assert!(messages.iter().all(|message| *message == messages[0]));
            assert_eq!(find_coupon(&system, "c-1").await["state"], "SENT");
        }
    }
    assert!(died >= 6, "{died}");
}
