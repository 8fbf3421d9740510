//! The origin dies at each of its calls to the books while a coupon is made or redeemed. Whoever asks again finds one
//! coupon, one text message more at most, one redemption and one bill line.

use super::{GOOD, bought, coupon, issue, redeem, refused, sold, world};
use http::StatusCode;
use onbill_test_harness::fragile::Moment;

/// More calls to the books than either takes.
const CALLS: u32 = 8;

#[tokio::test]
async fn a_redemption_that_died_anywhere_is_one_bill_line() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [Moment::Before, Moment::After] {
            let mut world = world().await;
            let code = sold(&world, "c-1", GOOD).await;
            let life = std::sync::Arc::clone(&world.acme.processes[0].life);
            life.ends_at(calls, moment);
            let first = redeem(&world, &code, "r-1").await;
            if life.was_spared() {
                assert_eq!(first.0, StatusCode::OK, "{calls}");
                continue;
            }
            died += 1;
            world.revive_acme(|_| true).await;
            let beside = redeem(&world, &code, "r-2").await;
            world.pass_seconds(400);
            // The outbox goes on, before the partner asks again or after.
            if calls % 2 == 0 {
                world.acme.deliver().await;
            }
            let again = redeem(&world, &code, "r-1").await;
            world.acme.deliver().await;
            world.pass_seconds(400);
            world.acme.deliver().await;
            let at = format!("{calls} {moment:?} {first:?} {beside:?} {again:?}");
            if beside.0 == StatusCode::OK {
                assert_eq!(refused(&again), (409, "token-already-used"), "{at}");
            } else {
                assert_eq!(again.0, StatusCode::OK, "{at}");
                assert_eq!(redeem(&world, &code, "r-1").await, again, "{at}");
            }
            assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1, "{at}");
            assert_eq!(coupon(&world, "c-1").await["state"], "REDEEMED", "{at}");
        }
    }
    assert!(died >= 4, "{died}");
}

#[tokio::test]
async fn a_coupon_that_died_anywhere_is_made_once() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [Moment::Before, Moment::After] {
            let mut world = world().await;
            let life = std::sync::Arc::clone(&world.acme.processes[0].life);
            life.ends_at(calls, moment);
            issue(&world, &bought("c-1", GOOD)).await;
            let _ = world.acme.try_deliver().await;
            if life.was_spared() {
                continue;
            }
            died += 1;
            world.revive_acme(|_| true).await;
            let (status, answer) = issue(&world, &bought("c-1", GOOD)).await;
            assert!([StatusCode::OK, StatusCode::CREATED].contains(&status), "{answer}");
            world.acme.deliver().await;
            world.pass_seconds(700);
            // Sent, and not noted: then it comes again, with the same code.
            let messages = world.messages(&world.acme, GOOD).await;
            assert!((1..=2).contains(&messages.len()), "{calls} {moment:?} {messages:?}");
            assert!(messages.iter().all(|message| *message == messages[0]));
            assert_eq!(coupon(&world, "c-1").await["state"], "SENT");
        }
    }
    assert!(died >= 6, "{died}");
}
