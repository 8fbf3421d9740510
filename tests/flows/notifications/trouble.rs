//! Answers that are lost, gateways that do not answer, programs that die: a message that was taken is sent, once or a few
//! times, within a day or never.

use super::{GOOD, PATH, accepted, heard, named, nothing_waits, refused, say, saying};
use onbill_origin::store::Queue;
use onbill_test_harness::customer::Choice;
use onbill_test_harness::fragile::Moment;
use onbill_test_harness::{ACCOUNTS, Mishap, World};
use std::sync::Arc;

const GATEWAY: &str = "127.0.0.1:8790/csp/notification";
const DAY: i64 = 86_400;
/// More calls to the books than a message takes, from its post to the end of its entry.
const CALLS: u32 = 10;

#[tokio::test]
async fn without_its_origin_a_message_is_not_taken() {
    let (world, pai) = World::signed_up(GOOD).await;
    let origin = format!("{}{PATH}", world.acme.origin);
    world.network.disturb(&origin, Mishap::Lost);
    assert_eq!(say(&world, named(&pai, "One", "m-1")).await, refused(503, "service-unavailable"));
    world.network.mend();
    assert!(nothing_waits(&world).await);
    // It is taken, and its answer lost: the same again.
    for mishap in [Mishap::AnswerLost, Mishap::FailsAfter, Mishap::Garbled] {
        world.network.disturb_next(&origin, mishap, 1);
        assert!(say(&world, named(&pai, "One", "m-1")).await.0 >= 500, "{mishap:?}");
    }
    assert_eq!(say(&world, named(&pai, "One", "m-1")).await, accepted());
    // Twice on the wire is once in the books, with a name or without.
    world.network.disturb_next(&origin, Mishap::Twice, 1);
    say(&world, saying(&pai, "Two")).await;
    assert_eq!(heard(&world, GOOD).await, ["Netflix: One", "Netflix: Two"]);
}

#[tokio::test]
async fn a_gateway_that_is_away_gets_the_message_later_the_same_day() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.network.disturb(GATEWAY, Mishap::Lost);
    assert_eq!(say(&world, saying(&pai, "One")).await, accepted());
    for _ in 0..3 {
        world.acme.deliver().await;
        world.pass_seconds(3_600);
    }
    world.network.mend();
    for _ in 0..6 {
        world.pass_seconds(3_600);
        world.acme.deliver().await;
    }
    assert_eq!(heard(&world, GOOD).await, ["Netflix: One"]);
    assert!(nothing_waits(&world).await);
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_for_a_day_is_dropped() {
    let (world, pai) = World::signed_up(GOOD).await;
    // The gateway sends it each time, and never says so.
    world.network.disturb(GATEWAY, Mishap::AnswerLost);
    assert_eq!(say(&world, named(&pai, "One", "m-1")).await, accepted());
    for _ in 0..2 * DAY / 60 {
        world.acme.deliver().await;
        world.pass_seconds(60);
    }
    world.network.mend();
    let copies = heard(&world, GOOD).await;
    assert!((5..=7).contains(&copies.len()), "{copies:?}");
    assert!(nothing_waits(&world).await, "it was given up");
    assert_eq!(say(&world, named(&pai, "One", "m-1")).await, accepted(), "and nobody is told");
    assert_eq!(heard(&world, GOOD).await.len(), copies.len());

    // Nor is it sent when the whole origin was away for a day.
    assert_eq!(say(&world, named(&pai, "Two", "m-2")).await, accepted());
    world.pass_seconds(DAY);
    assert_eq!(heard(&world, GOOD).await.len(), copies.len());
    assert!(nothing_waits(&world).await);
}

#[tokio::test]
async fn while_nobody_knows_whose_number_it_is_the_message_waits() {
    let world = World::start();
    world.sign_up(&world.nova, "+34612345601", Choice::New("ana@example.com")).await;
    let ana = world.pai_of("ana@example.com").await;
    let accounts = format!("{}/csp/account/validate", world.nova.dashboard);
    world.network.disturb(&accounts, Mishap::Lost);
    assert_eq!(say(&world, saying(&ana, "Hola")).await, accepted());
    let before = world.messages(&world.nova, "+34612345601").await.len();
    assert!(world.nova.app().store.next_due(Queue::Notifications).await.expect("works").is_some());
    world.network.mend();
    world.pass_seconds(60);
    let after = world.messages(&world.nova, "+34612345601").await;
    assert_eq!(after.len(), before + 1);
    assert_eq!(after.last().map(String::as_str), Some("netflix: Hola"));
}

#[tokio::test]
async fn a_message_that_died_anywhere_is_sent() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [Moment::Before, Moment::After] {
            let mut world = World::start();
            world.acme.import(ACCOUNTS.0).await;
            world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
            let pai = world.pai_of("ann@example.com").await;
            world.acme.deliver().await;
            let life = Arc::clone(&world.acme.processes[0].life);
            life.ends_at(calls, moment);
            say(&world, named(&pai, "One", "m-1")).await;
            let _ = world.acme.try_deliver().await;
            if life.was_spared() {
                continue;
            }
            died += 1;
            world.revive_acme(|_| true).await;
            assert_eq!(say(&world, named(&pai, "One", "m-1")).await, accepted(), "{calls} {moment:?}");
            world.acme.deliver().await;
            world.pass_seconds(700);
            // Sent, and not noted: then it comes again.
            let messages = heard(&world, GOOD).await;
            assert!((1..=2).contains(&messages.len()), "{calls} {moment:?} {messages:?}");
            assert!(messages.iter().all(|message| message == "Netflix: One"));
            assert!(nothing_waits(&world).await);
        }
    }
    assert!(died >= 6, "{died}");
}
