//! Flows and PINs: counted, single-use, and limited in time.

use crate::test_store::{TestStore, device_flow, new_flow, new_pai, new_signup, within};
use crate::test_values::{
    CHECK_LIMITS, NOW, fresh_hash, fresh_nonce, next_number, parse_ext_id, partner_id, sealed_number,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PIN_PAUSE_SECONDS, PINS_PER_DAY_MAX};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::{
    DevicePin, Hash, IssueSignupResult, NewAccountEvent, NewFlow, NewPai, PinAttempt, PinRecipient,
    PresentedAssertion, StartFlowResult,
};

on_each_database!(
    the_right_pin_proves_the_number_while_it_lives,
    a_wrong_try_takes_nothing_from_a_proof,
    five_wrong_tries_void_a_pin_across_restarts,
    a_pin_is_over_in_time_and_bound_to_its_flow,
    number_gets_ten_pins_then_one_an_hour,
    swept_flows_still_count_for_a_day,
    clock_ahead_leaves_no_pins_behind,
    pin_is_bound_to_its_first_recipient,
    event_ends_visits_of_its_numbers,
    late_event_spares_visits_of_the_next_subscriber,
    ended_visit_gets_no_pai,
    assertion_is_spent_by_its_first_frame,
);

const RIGHT: [u8; 32] = [1; 32];
const WRONG: [u8; 32] = [2; 32];

async fn the_right_pin_proves_the_number_while_it_lives(db: TestStore) {
    let new = new_flow(1, Some(RIGHT));
    let id = new.flow;
    assert_eq!(db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works"), StartFlowResult::Started);
    assert!(db.store.find_proven_flow(NOW, id).await.expect("works").is_none());
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    // A caller whose response was lost asks again: each time is a try.
    let last = NOW.plus_seconds(599);
    for _ in 1..PIN_ATTEMPTS_MAX {
        assert!(matches!(db.store.try_pin(fresh_nonce(), last, id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    }
    assert!(matches!(db.store.try_pin(fresh_nonce(), last, id, RIGHT).await, Ok(PinAttempt::UsedUp { .. })));
    let over = NOW.plus_seconds(600);
    assert!(matches!(db.store.try_pin(fresh_nonce(), over, id, RIGHT).await, Ok(PinAttempt::Expired)));
    assert!(db.store.find_proven_flow(over, id).await.expect("works").is_some());
    assert!(db.store.find_proven_flow(NOW.plus_seconds(1800), id).await.expect("works").is_none(), "over");
}

async fn a_wrong_try_takes_nothing_from_a_proof(db: TestStore) {
    let new = new_flow(1, Some(RIGHT));
    let id = new.flow;
    db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works");
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    assert!(db.store.find_proven_flow(NOW, id).await.expect("works").is_some());
}

async fn five_wrong_tries_void_a_pin_across_restarts(db: TestStore) {
    let new = new_flow(1, Some(RIGHT));
    let id = new.flow;
    db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works");
    for _ in 1..PIN_ATTEMPTS_MAX {
        assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, WRONG).await, Ok(PinAttempt::Wrong)));
    }
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, WRONG).await, Ok(PinAttempt::UsedUp { .. })));
    let db = db.reopen().await;
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, RIGHT).await, Ok(PinAttempt::UsedUp { .. })));
}

async fn a_pin_is_over_in_time_and_bound_to_its_flow(db: TestStore) {
    let (one, other) = (new_flow(1, Some(RIGHT)), new_flow(1, Some(WRONG)));
    let (one_id, other_id) = (one.flow, other.flow);
    db.store.start_flow(fresh_nonce(), NOW, one).await.expect("works");
    db.store.start_flow(fresh_nonce(), NOW, other).await.expect("works");
    let last = NOW.plus_seconds(599);
    assert!(matches!(db.store.try_pin(fresh_nonce(), last, other_id, RIGHT).await, Ok(PinAttempt::Wrong)));
    assert!(matches!(
        db.store.try_pin(fresh_nonce(), NOW.plus_seconds(600), one_id, RIGHT).await,
        Ok(PinAttempt::Expired)
    ));
    assert!(matches!(db.store.try_pin(fresh_nonce(), last, one_id, RIGHT).await, Ok(PinAttempt::Proven(_))));
    assert!(
        matches!(db.store.try_pin(fresh_nonce(), NOW, fresh_hash(), RIGHT).await, Ok(PinAttempt::Expired)),
        "no such flow"
    );
}

/// Starts a flow of the widget with a PIN, `at` seconds from now.
async fn start(db: &TestStore, n: u8, at: i64) -> StartFlowResult {
    let mut new = new_flow(n, Some(RIGHT));
    new.expires_at = NOW.plus_seconds(at + 1800);
    db.store.start_flow(fresh_nonce(), NOW.plus_seconds(at), new).await.expect("works")
}

async fn number_gets_ten_pins_then_one_an_hour(db: TestStore) {
    for minute in 0..i64::from(PINS_PER_DAY_MAX) {
        assert_eq!(start(&db, 1, minute * 60).await, StartFlowResult::Started);
    }
    // An hour after the tenth, which came in the tenth minute.
    let again_at = NOW.plus_seconds(9 * 60 + PIN_PAUSE_SECONDS);
    assert_eq!(start(&db, 1, 3600).await, StartFlowResult::TooManyPins { again_at });
    assert_eq!(start(&db, 2, 3600).await, StartFlowResult::Started, "another number has its own");
    // A number proven by the dashboard needs no PIN, and uses none up.
    for n in [1, 3] {
        for _ in 0..PINS_PER_DAY_MAX {
            let listed = db.store.start_flow(fresh_nonce(), NOW.plus_seconds(3600), new_flow(n, None)).await;
            assert_eq!(listed.expect("works"), StartFlowResult::Started);
        }
    }
    assert_eq!(start(&db, 3, 3600).await, StartFlowResult::Started);
    assert_eq!(start(&db, 1, 4140).await, StartFlowResult::Started);
    let again_at = NOW.plus_seconds(4140 + PIN_PAUSE_SECONDS);
    assert_eq!(start(&db, 1, 4141).await, StartFlowResult::TooManyPins { again_at });
}

async fn swept_flows_still_count_for_a_day(db: TestStore) {
    for _ in 0..PINS_PER_DAY_MAX {
        assert_eq!(start(&db, 1, 0).await, StartFlowResult::Started);
    }
    let last = 86_400 - PIN_PAUSE_SECONDS + 1;
    assert_eq!(start(&db, 1, last).await, StartFlowResult::Started, "one an hour");
    db.sweep(NOW.plus_seconds(86_399)).await;
    let again_at = NOW.plus_seconds(86_400);
    assert_eq!(start(&db, 1, 86_399).await, StartFlowResult::TooManyPins { again_at });
    assert_eq!(start(&db, 1, 86_400).await, StartFlowResult::Started, "ten have left the day");
}

async fn clock_ahead_leaves_no_pins_behind(db: TestStore) {
    const YEAR: i64 = 365 * 86_400;
    for _ in 0..PINS_PER_DAY_MAX {
        assert_eq!(start(&db, 1, YEAR).await, StartFlowResult::Started);
    }
    let mut ahead = new_flow(1, Some(RIGHT));
    let (id, at) = (ahead.flow, NOW.plus_seconds(YEAR + PIN_PAUSE_SECONDS));
    ahead.expires_at = at.plus_seconds(1800);
    ahead.pin.as_mut().expect("has one").expires_at = at.plus_seconds(600);
    assert_eq!(db.store.start_flow(fresh_nonce(), at, ahead).await.expect("works"), StartFlowResult::Started);
    assert!(matches!(db.store.try_pin(fresh_nonce(), at, id, RIGHT).await, Ok(PinAttempt::Proven(_))));

    // The clock is right again: the number has its PINs, and the old PIN and its proof are over.
    assert_eq!(start(&db, 1, 0).await, StartFlowResult::Started);
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, id, RIGHT).await, Ok(PinAttempt::Expired)));
    assert!(db.store.find_proven_flow(NOW, id).await.expect("works").is_none());
    db.sweep(NOW).await;
    assert_eq!(db.place.count_rows("flows").await, 1, "those of next year are gone");
}

async fn pin_is_bound_to_its_first_recipient(db: TestStore) {
    let (widget, device) = (new_flow(1, Some(RIGHT)), device_flow("netflix", 1, RIGHT));
    let (id, device_id) = (widget.flow, device.flow);
    for new in [widget, device] {
        db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works");
    }
    let bind = async |id, recipient| db.store.bind_pin(NOW, id, recipient).await.expect("works");
    for id in [id, device_id] {
        assert_eq!([bind(id, [7; 32]).await, bind(id, [8; 32]).await], [Some([7; 32]); 2]);
    }
    let recipient = |flow| PinRecipient { flow, mac: Some([7; 32]) };
    let Ok(PinAttempt::Proven(proven)) = db.store.try_pin(fresh_nonce(), NOW, id, RIGHT).await else {
        panic!("is right")
    };
    assert_eq!(proven.pin, Some(recipient(id)));
    let found = db.store.find_proven_flow(NOW, id).await.expect("works").expect("is proven");
    assert_eq!(found.pin, Some(recipient(id)));
    let pin = DevicePin {
        partner: partner_id("netflix"),
        number: sealed_number(1).index,
        flow: device_id,
        mac: RIGHT,
        limits: CHECK_LIMITS,
    };
    let tried = within(db.store.try_device_pin(fresh_nonce(), NOW, pin).await.expect("works"));
    assert!(matches!(tried, PinAttempt::Proven(by) if by == recipient(device_id)));
    assert_eq!(db.store.bind_pin(NOW.plus_seconds(1800), id, [7; 32]).await.expect("works"), None, "is over");
}

fn event(of: AccountEvent, n: u8, at: i64) -> NewAccountEvent {
    NewAccountEvent {
        event_id: parse_ext_id(&format!("e-{}", next_number())),
        fingerprint: fresh_hash(),
        event: of,
        number: sealed_number(n).index,
        new_number: (of == AccountEvent::NumberChanged).then(|| sealed_number(9)),
        occurred_at: NOW.plus_seconds(at),
    }
}

/// Open visits of a number: proven by session, with a PIN of the widget, and of a device.
async fn visits(db: &TestStore, n: u8) -> [Hash; 3] {
    let new = [new_flow(n, None), new_flow(n, Some(RIGHT)), device_flow("netflix", n, RIGHT)];
    let ids = [new[0].flow, new[1].flow, new[2].flow];
    for new in new {
        assert_eq!(
            db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works"),
            StartFlowResult::Started
        );
    }
    ids
}

async fn are_open(db: &TestStore, [by_session, by_pin, _]: [Hash; 3]) -> [bool; 2] {
    let found = db.store.find_proven_flow(NOW, by_session).await.expect("works");
    let tried = db.store.try_pin(fresh_nonce(), NOW, by_pin, RIGHT).await.expect("works");
    [found.is_some(), matches!(tried, PinAttempt::Proven(_))]
}

async fn event_ends_visits_of_its_numbers(db: TestStore) {
    for (n, of) in (20..).zip(AccountEvent::ALL) {
        let (own, other, new) = (visits(&db, n).await, visits(&db, n + 20).await, visits(&db, 9).await);
        db.store.record_account_event(None, NOW, event(of, n, 0)).await.expect("works");
        let ends = of.ends_visits();
        assert_eq!(are_open(&db, own).await, [!ends; 2], "{of:?}");
        assert_eq!(are_open(&db, other).await, [true; 2], "{of:?}");
        let is_new_number_ended = of == AccountEvent::NumberChanged;
        assert_eq!(are_open(&db, new).await, [!is_new_number_ended; 2], "{of:?}");
        let bound = db.store.bind_pin(NOW, own[2], [1; 32]).await.expect("works");
        assert_eq!(bound.is_none(), ends, "{of:?}: no PIN is sent to a device");
    }
}

async fn late_event_spares_visits_of_the_next_subscriber(db: TestStore) {
    db.sign_up_subscriber(1).await;
    let after = visits(&db, 1).await;
    let late = event(AccountEvent::Ceased, 1, -10);
    db.store.record_account_event(None, NOW, late).await.expect("works");
    assert_eq!(are_open(&db, after).await, [true; 2], "it is about the one before");
}

async fn ended_visit_gets_no_pai(db: TestStore) {
    let [by_session, by_pin, device] = visits(&db, 1).await;
    let signed_up = async |flow| {
        let mut new = new_signup("netflix", 1, "2024-01-01");
        new.pai.proved_in = Some(flow);
        db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works")
    };
    let on_device = async |flow| {
        let new = NewPai { proved_in: Some(flow), ..new_pai("netflix", 1, "2024-01-01") };
        db.store.issue_pai(None, NOW, new).await.expect("works")
    };
    assert_eq!(signed_up(by_pin).await, IssueSignupResult::FlowOver, "it is not proven yet");
    assert_eq!(on_device(device).await, None, "nor is this");
    assert_eq!(signed_up(fresh_hash()).await, IssueSignupResult::FlowOver, "there is none");
    db.store.record_account_event(None, NOW, event(AccountEvent::Ceased, 1, 0)).await.expect("works");
    assert_eq!(signed_up(by_session).await, IssueSignupResult::FlowOver);
    assert_eq!(db.place.count_rows("pais").await, 0);
    let [anew, ..] = visits(&db, 1).await;
    assert!(matches!(signed_up(anew).await, IssueSignupResult::Issued(_)));
}

async fn assertion_is_spent_by_its_first_frame(db: TestStore) {
    let expires_at = NOW.plus_seconds(300);
    let start = async |assertion: u8, frame: u8, now: Timestamp| {
        let presented = PresentedAssertion { assertion: [assertion; 32], frame: [frame; 32], expires_at };
        let new = NewFlow { assertion: Some(presented), ..new_flow(1, None) };
        let id = new.flow;
        let started = db.store.start_flow(fresh_nonce(), now, new).await.expect("works");
        let is_there = db.store.find_proven_flow(now, id).await.expect("works").is_some();
        assert_eq!(is_there, started == StartFlowResult::Started, "a refused assertion starts nothing");
        started
    };
    assert_eq!(start(1, 1, NOW).await, StartFlowResult::Started);
    assert_eq!(start(1, 1, NOW).await, StartFlowResult::Started, "the same frame asks again");
    assert_eq!(start(1, 2, NOW).await, StartFlowResult::AssertionUsed);
    assert_eq!(start(2, 2, NOW).await, StartFlowResult::Started, "another assertion");
    db.sweep(NOW.plus_seconds(299)).await;
    assert_eq!(start(1, 2, NOW.plus_seconds(299)).await, StartFlowResult::AssertionUsed);
    // An expired one is refused before it comes here, so it need not be remembered.
    db.sweep(expires_at).await;
    assert_eq!(start(1, 2, expires_at).await, StartFlowResult::Started);
}
