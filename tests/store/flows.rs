//! Flows and PINs: counted, single-use, and limited in time.

use crate::test_store::{NOW, TestStore, flow, hash, nonce};
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_origin::store::{PinAttempt, StartFlowResult};

on_each_database!(
    the_right_pin_proves_the_number_while_it_lives,
    a_wrong_try_takes_nothing_from_a_proof,
    five_wrong_tries_void_a_pin_across_restarts,
    a_pin_is_over_in_time_and_bound_to_its_flow,
    a_number_gets_ten_codes_a_day,
);

const RIGHT: [u8; 32] = [1; 32];
const WRONG: [u8; 32] = [2; 32];

async fn the_right_pin_proves_the_number_while_it_lives(db: TestStore) {
    let new = flow(1, Some(RIGHT));
    let id = new.flow;
    assert_eq!(db.store.start_flow(nonce(), NOW, new).await.expect("works"), StartFlowResult::Started);
    assert!(db.store.find_proven_flow(NOW, id).await.expect("works").is_none());
    assert!(matches!(db.store.try_pin(nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    // A caller whose response was lost asks again: each time is a try.
    let last = NOW.plus_seconds(599);
    for _ in 1..PIN_ATTEMPTS_MAX {
        assert!(matches!(db.store.try_pin(nonce(), last, id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    }
    assert!(matches!(db.store.try_pin(nonce(), last, id, RIGHT).await, Ok(PinAttempt::UsedUp { .. })));
    let over = NOW.plus_seconds(600);
    assert!(matches!(db.store.try_pin(nonce(), over, id, RIGHT).await, Ok(PinAttempt::Expired)));
    assert!(db.store.find_proven_flow(over, id).await.expect("works").is_some());
    assert!(db.store.find_proven_flow(NOW.plus_seconds(1800), id).await.expect("works").is_none(), "over");
}

async fn a_wrong_try_takes_nothing_from_a_proof(db: TestStore) {
    let new = flow(1, Some(RIGHT));
    let id = new.flow;
    db.store.start_flow(nonce(), NOW, new).await.expect("works");
    assert!(matches!(db.store.try_pin(nonce(), NOW, id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    assert!(matches!(db.store.try_pin(nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    assert!(db.store.find_proven_flow(NOW, id).await.expect("works").is_some());
}

async fn five_wrong_tries_void_a_pin_across_restarts(db: TestStore) {
    let new = flow(1, Some(RIGHT));
    let id = new.flow;
    db.store.start_flow(nonce(), NOW, new).await.expect("works");
    for _ in 1..PIN_ATTEMPTS_MAX {
        assert!(matches!(db.store.try_pin(nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    }
    assert!(matches!(db.store.try_pin(nonce(), NOW, id, WRONG).await, Ok(PinAttempt::UsedUp { .. })));
    let db = db.reopen().await;
    assert!(matches!(db.store.try_pin(nonce(), NOW, id, RIGHT).await, Ok(PinAttempt::UsedUp { .. })));
}

async fn a_pin_is_over_in_time_and_bound_to_its_flow(db: TestStore) {
    let (one, other) = (flow(1, Some(RIGHT)), flow(1, Some(WRONG)));
    let (one_id, other_id) = (one.flow, other.flow);
    db.store.start_flow(nonce(), NOW, one).await.expect("works");
    db.store.start_flow(nonce(), NOW, other).await.expect("works");
    let last = NOW.plus_seconds(599);
    assert!(matches!(db.store.try_pin(nonce(), last, other_id, RIGHT).await, Ok(PinAttempt::Wrong)));
    assert!(matches!(
        db.store.try_pin(nonce(), NOW.plus_seconds(600), one_id, RIGHT).await,
        Ok(PinAttempt::Expired)
    ));
    assert!(matches!(db.store.try_pin(nonce(), last, one_id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    assert!(
        matches!(db.store.try_pin(nonce(), NOW, hash(), RIGHT).await, Ok(PinAttempt::Expired)),
        "no such flow"
    );
}

async fn a_number_gets_ten_codes_a_day(db: TestStore) {
    let start = |n, at: i64| {
        let mut new = flow(n, Some(RIGHT));
        new.expires_at = NOW.plus_seconds(at + 1800);
        db.store.start_flow(nonce(), NOW.plus_seconds(at), new)
    };
    for minute in 0..i64::from(PINS_PER_DAY_MAX) {
        assert_eq!(start(1, minute * 60).await.expect("works"), StartFlowResult::Started);
    }
    let again_at = NOW.plus_seconds(86_400);
    assert_eq!(start(1, 3600).await.expect("works"), StartFlowResult::TooManyPins { again_at });
    assert_eq!(start(2, 3600).await.expect("works"), StartFlowResult::Started, "another number has its own");
    // A number proven by the dashboard needs no code, and uses none up.
    for n in [1, 3] {
        for _ in 0..PINS_PER_DAY_MAX {
            let listed = db.store.start_flow(nonce(), NOW.plus_seconds(3600), flow(n, None)).await;
            assert_eq!(listed.expect("works"), StartFlowResult::Started);
        }
    }
    assert_eq!(start(3, 3600).await.expect("works"), StartFlowResult::Started);
    // Deleting old flows does not reset the day's count of codes.
    db.store.sweep(NOW.plus_seconds(86_399)).await.expect("works");
    assert_eq!(start(1, 86_399).await.expect("works"), StartFlowResult::TooManyPins { again_at });
    assert_eq!(
        start(1, 86_400).await.expect("works"),
        StartFlowResult::Started,
        "the first has fallen out of the day"
    );
}
