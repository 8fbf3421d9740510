//! Counts against ceilings: PINs of the operator, checks of a partner and of a number, look-ups of a person.

use crate::audit::stamp;
use crate::races::{at_once, how_many};
use crate::test_store::{TestStore, device_flow, new_flow, new_pai, new_redemption, within};
use crate::test_values::{NOW, fresh_hash, fresh_nonce, parse_ext_id, partner_id, sealed_number};
use crate::traces::leads_to;
use futures_util::future::join_all;
use onbill_domain::limits::{NUMBER_CHECKS_PER_DAY_MAX, PINS_WITHOUT_CHALLENGE};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_origin::config::NumberCheckLimits;
use onbill_origin::store::{
    AuditStamp, Ceiling, DevicePin, Exceeded, NewFlow, NumberCheck, PinAsker, PinAttempt, PinCeiling,
    RedeemResult, StartFlowResult, Tallied,
};

on_each_database!(
    pins_have_a_ceiling_for_each_hour,
    one_asker_gets_half_the_pins_at_most,
    number_over_its_pins_takes_none_of_the_hour,
    challenge_is_needed_after_two_pins,
    pins_of_a_day_ago_need_no_challenge,
    challenge_is_needed_when_half_the_share_is_used,
    unknown_numbers_stop_every_check_of_the_hour,
    number_is_checked_so_often_in_a_day,
    checks_have_a_ceiling_whatever_the_account,
    device_pin_is_counted_before_it_is_tried,
    look_ups_have_a_ceiling_for_each_person_and_hour,
    look_ups_at_two_origins_have_one_ceiling,
    counts_are_exact_under_concurrency,
    counts_of_a_wrong_clock_are_forgotten,
    erased_number_leaves_no_count,
);

/// When the hour of [`NOW`] is over, and its day.
const NEXT_HOUR: Timestamp = Timestamp::from_unix_seconds(1_795_003_200);
const NEXT_DAY: Timestamp = Timestamp::from_unix_seconds(1_795_046_400);

fn pin_of(asker: PinAsker, n: u8, per_hour: u32) -> NewFlow {
    let mut new = new_flow(n, Some([1; 32]));
    let pin = new.pin.as_mut().expect("has one");
    (pin.asked_by, pin.ceiling) = (asker, PinCeiling { per_hour });
    new
}

fn over(ceiling: Ceiling, again_at: Timestamp, is_first: bool) -> Exceeded {
    Exceeded { ceiling, again_at, is_first }
}

fn check(n: u8, checks_per_hour: u32, unknown_per_hour: u32) -> NumberCheck {
    let limits = NumberCheckLimits { checks_per_hour, unknown_per_hour };
    NumberCheck { partner: partner_id("netflix"), number: sealed_number(n).index, limits }
}

fn stamp_of(actor: &str) -> AuditStamp {
    AuditStamp { actor: parse_ext_id(actor), ..stamp("T-1") }
}

impl TestStore {
    async fn start_at(&self, at: Timestamp, new: NewFlow) -> StartFlowResult {
        self.store.start_flow(fresh_nonce(), at, new).await.expect("works")
    }

    async fn refused(&self, at: Timestamp, check: NumberCheck, is_unknown: bool) -> Tallied<()> {
        self.store.count_refused_check(fresh_nonce(), at, check, is_unknown).await.expect("works")
    }

    async fn look_up_at(&self, at: Timestamp, actor: &str, per_hour: u32) -> Option<Exceeded> {
        self.store.count_look_up(at, stamp_of(actor), per_hour).await.expect("works")
    }

    async fn is_exceeded(&self, at: Timestamp, check: NumberCheck) -> bool {
        self.store.find_exceeded_check(at, check).await.expect("works").is_some()
    }
}

async fn pins_have_a_ceiling_for_each_hour(db: TestStore) {
    let by = |partner_name: &str, n| pin_of(PinAsker::Partner(partner_id(partner_name)), n, 4);
    for (n, new) in
        [by("netflix", 1), by("netflix", 2), by("tunes", 3), by("tunes", 4)].into_iter().enumerate()
    {
        assert_eq!(db.start_at(NOW, new).await, StartFlowResult::Started, "{n}");
    }
    let full = |is_first| StartFlowResult::CeilingReached(over(Ceiling::Pins, NEXT_HOUR, is_first));
    assert_eq!(db.start_at(NOW, by("db", 5)).await, full(true));
    assert_eq!(db.start_at(NOW, pin_of(PinAsker::Session, 6, 4)).await, full(false));
    assert_eq!(db.lease_due(0).await.len(), 4, "no message of a refused one");
    assert_eq!(db.start_at(NOW, new_flow(7, None)).await, StartFlowResult::Started, "it needs no PIN");
    assert_eq!(db.start_at(NEXT_HOUR, by("db", 5)).await, StartFlowResult::Started);
}

async fn one_asker_gets_half_the_pins_at_most(db: TestStore) {
    let full = |is_first| StartFlowResult::CeilingReached(over(Ceiling::PinsOfOneWay, NEXT_HOUR, is_first));
    for n in 0..2 {
        assert_eq!(db.start_at(NOW, pin_of(PinAsker::Widget, n, 4)).await, StartFlowResult::Started);
    }
    for n in 2..9 {
        assert_eq!(db.start_at(NOW, pin_of(PinAsker::Widget, n, 4)).await, full(n == 2));
    }
    for n in 1..3 {
        assert_eq!(db.start_at(NOW, pin_of(PinAsker::Session, n, 4)).await, StartFlowResult::Started);
    }
    assert_eq!(db.start_at(NOW, pin_of(PinAsker::Session, 3, 4)).await, full(true));
}

async fn number_over_its_pins_takes_none_of_the_hour(db: TestStore) {
    for _ in 0..30 {
        db.start_at(NOW, pin_of(PinAsker::Widget, 1, 22)).await;
    }
    assert_eq!(db.start_at(NOW, pin_of(PinAsker::Widget, 2, 22)).await, StartFlowResult::Started);
}

/// The same flow, where the edge can ask for a challenge.
fn challengeable(mut new: NewFlow) -> NewFlow {
    new.pin.as_mut().expect("has one").can_challenge = true;
    new
}

async fn challenge_is_needed_after_two_pins(db: TestStore) {
    let ask = |asker| challengeable(pin_of(asker, 1, 1_000));
    for _ in 0..PINS_WITHOUT_CHALLENGE {
        assert_eq!(db.start_at(NOW, ask(PinAsker::Widget)).await, StartFlowResult::Started);
    }
    assert_eq!(db.start_at(NOW, ask(PinAsker::Widget)).await, StartFlowResult::ChallengeNeeded);
    assert_eq!(db.start_at(NOW, ask(PinAsker::Session)).await, StartFlowResult::Started);
    let by_partner = ask(PinAsker::Partner(partner_id("netflix")));
    assert_eq!(db.start_at(NOW, by_partner).await, StartFlowResult::Started);
    assert_eq!(
        db.start_at(NOW, pin_of(PinAsker::Widget, 1, 1_000)).await,
        StartFlowResult::Started,
        "solved"
    );
    assert_eq!(db.lease_due(0).await.len(), 5, "no message without a solution");
}

async fn pins_of_a_day_ago_need_no_challenge(db: TestStore) {
    let ask = || challengeable(pin_of(PinAsker::Widget, 1, 1_000));
    for _ in 0..PINS_WITHOUT_CHALLENGE {
        assert_eq!(db.start_at(NOW, ask()).await, StartFlowResult::Started);
    }
    let day_later = |seconds: i64| NOW.plus_seconds(86_400 + seconds);
    assert_eq!(db.start_at(day_later(-1), ask()).await, StartFlowResult::ChallengeNeeded);
    assert_eq!(db.start_at(day_later(0), ask()).await, StartFlowResult::Started);
}

async fn challenge_is_needed_when_half_the_share_is_used(db: TestStore) {
    for n in 0..2 {
        let new = challengeable(pin_of(PinAsker::Widget, n, 8));
        assert_eq!(db.start_at(NOW, new).await, StartFlowResult::Started);
    }
    for n in 2..40 {
        let new = challengeable(pin_of(PinAsker::Widget, n, 8));
        assert_eq!(db.start_at(NOW, new).await, StartFlowResult::ChallengeNeeded);
    }
    // Programs have taken nothing of what is left for people.
    for n in 50..52 {
        assert_eq!(db.start_at(NOW, pin_of(PinAsker::Widget, n, 8)).await, StartFlowResult::Started);
    }
}

async fn unknown_numbers_stop_every_check_of_the_hour(db: TestStore) {
    for n in 0..3 {
        assert_eq!(db.refused(NOW, check(n, 100, 3), true).await, Tallied::Within(()));
    }
    // Refusals of accounts that exist are no guesses.
    assert_eq!(db.refused(NOW, check(4, 100, 3), false).await, Tallied::Within(()));
    assert!(!db.is_exceeded(NOW, check(5, 100, 3)).await);
    let full = |is_first| Tallied::Exceeded(over(Ceiling::UnknownNumbers, NEXT_HOUR, is_first));
    assert_eq!(db.refused(NOW, check(5, 100, 3), true).await, full(true));
    // One alarm, although the next check finds the same count.
    assert_eq!(db.refused(NOW, check(4, 100, 3), false).await, full(false));
    let found = db.store.find_exceeded_check(NOW, check(4, 100, 3)).await.expect("works");
    assert!(found.is_some_and(|over| !over.is_first));
    assert_eq!(db.refused(NOW, check(6, 100, 3), true).await, full(false));
    // A number with an account gets the same: a response of its own would tell that it has one.
    assert!(db.is_exceeded(NOW, check(7, 100, 3)).await);
    let new = new_pai("netflix", 7, "2024-01-01");
    let known = db.store.issue_checked_pai(fresh_nonce(), NOW, check(7, 100, 3).limits, new.clone()).await;
    assert!(matches!(known, Ok(Tallied::Exceeded(_))));
    assert_eq!(db.place.count_rows("pais").await, 0);
    let other = NumberCheck { partner: partner_id("tunes"), ..check(7, 100, 3) };
    assert!(!db.is_exceeded(NOW, other).await, "another partner has its own");
    let later = db.store.issue_checked_pai(fresh_nonce(), NEXT_HOUR, check(7, 100, 3).limits, new).await;
    within(later.expect("works"));
}

async fn number_is_checked_so_often_in_a_day(db: TestStore) {
    let check = |n| check(n, 1_000, 1_000);
    for _ in 0..NUMBER_CHECKS_PER_DAY_MAX {
        assert_eq!(db.refused(NOW, check(1), false).await, Tallied::Within(()));
    }
    let full = Tallied::Exceeded(over(Ceiling::ChecksOfNumber, NEXT_DAY, true));
    assert_eq!(db.refused(NOW, check(1), false).await, full);
    assert!(db.is_exceeded(NEXT_HOUR, check(1)).await);
    assert!(!db.is_exceeded(NOW, check(2)).await);
    assert!(!db.is_exceeded(NEXT_DAY, check(1)).await);
}

async fn checks_have_a_ceiling_whatever_the_account(db: TestStore) {
    let limits = check(1, 3, 100).limits;
    for n in 0..3 {
        let new = new_pai("netflix", n, "2024-01-01");
        within(db.store.issue_checked_pai(fresh_nonce(), NOW, limits, new).await.expect("works"));
    }
    let new = new_pai("netflix", 4, "2024-01-01");
    let full = db.store.issue_checked_pai(fresh_nonce(), NOW, limits, new).await.expect("works");
    assert_eq!(full, Tallied::Exceeded(over(Ceiling::NumberChecks, NEXT_HOUR, true)));
    assert_eq!(db.place.count_rows("pais").await, 3);
}

async fn device_pin_is_counted_before_it_is_tried(db: TestStore) {
    let new = device_flow("netflix", 1, [1; 32]);
    let limits = check(1, 4, 100).limits;
    let pin = DevicePin {
        partner: partner_id("netflix"),
        number: sealed_number(1).index,
        flow: new.flow,
        mac: [1; 32],
        limits,
    };
    db.start_at(NOW, new).await;
    let try_pin = |pin: DevicePin| db.store.try_device_pin(fresh_nonce(), NOW, pin);
    let none = DevicePin { flow: fresh_hash(), ..pin.clone() };
    for _ in 0..3 {
        assert!(matches!(try_pin(none.clone()).await, Ok(Tallied::Within(PinAttempt::Expired))));
    }
    assert!(matches!(try_pin(pin.clone()).await, Ok(Tallied::Within(PinAttempt::Proven(_)))));
    assert!(matches!(try_pin(pin).await, Ok(Tallied::Exceeded(_))), "even the right one");
}

async fn look_ups_have_a_ceiling_for_each_person_and_hour(db: TestStore) {
    let full = |is_first| Some(over(Ceiling::LookUps, NEXT_HOUR, is_first));
    for (actor, expected) in [
        ("robin-17", None),
        ("robin-17", None),
        ("robin-17", full(true)),
        ("kim-2", None),
        ("robin-17", full(false)),
        ("kim-2", None),
        ("kim-2", full(true)),
    ] {
        assert_eq!(db.look_up_at(NOW, actor, 2).await, expected, "{actor}");
    }
    assert_eq!(db.look_up_at(NEXT_HOUR, "robin-17", 2).await, None);
    assert_eq!(db.look_up_at(NOW, "robin-17", 9).await, None, "the ceiling was raised meanwhile");
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let refused: Vec<_> =
        entries.iter().map(|entry| (entry.actor.as_str(), entry.act, entry.outcome)).collect();
    let entry = |actor| (actor, AuditAct::SubscriberLookedUp, AuditOutcome::Refused);
    let expected = [entry("robin-17"), entry("robin-17"), entry("kim-2")];
    assert_eq!(refused, expected, "what is let through gets its entry from the look");
    assert_eq!((entries[0].reason.as_deref(), &entries[0].subscriber), (Some("ceiling"), &None));
}

/// A stolen session asks at both.
async fn look_ups_at_two_origins_have_one_ceiling(db: TestStore) {
    let counted = at_once(&db, 16, |store, _| async move {
        store.count_look_up(NOW, stamp_of("robin-17"), 10).await.expect("works")
    })
    .await;
    assert_eq!(how_many(&counted, Option::is_none), 10);
    assert_eq!(how_many(&counted, |over| over.is_some_and(|over| over.is_first)), 1, "one alarm");
    assert_eq!(db.place.count_rows("audit").await, 6);
}

async fn counts_are_exact_under_concurrency(db: TestStore) {
    let calls = (0..32).map(|n| db.store.count_refused_check(fresh_nonce(), NOW, check(n, 100, 10), true));
    let results: Vec<_> = join_all(calls).await.into_iter().map(|result| result.expect("works")).collect();
    assert_eq!(results.iter().filter(|result| **result == Tallied::Within(())).count(), 10);
    let firsts = results.iter().filter(|result| matches!(result, Tallied::Exceeded(over) if over.is_first));
    assert_eq!(firsts.count(), 1, "one alarm");
}

async fn counts_of_a_wrong_clock_are_forgotten(db: TestStore) {
    let year = NOW.plus_seconds(365 * 86_400);
    for _ in 0..9 {
        db.refused(year, check(1, 4, 4), true).await;
        db.store.redeem_coupon(fresh_nonce(), year, new_redemption("r", fresh_hash())).await.expect("works");
    }
    assert!(db.is_exceeded(year, check(1, 4, 4)).await);
    assert!(!db.is_exceeded(NOW, check(1, 4, 4)).await);
    let wrong = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r", fresh_hash())).await;
    assert_eq!(wrong.expect("works"), RedeemResult::Unknown { wrong: 1 });
    db.refused(NOW, check(1, 4, 4), true).await;
    db.sweep(NOW).await;
    // Those of now stay: the check, the unknown number and the wrong code.
    assert_eq!(db.place.count_rows("hourly_counts").await, 3);
    assert_eq!(db.place.count_rows("number_checks").await, 1);
}

async fn erased_number_leaves_no_count(db: TestStore) {
    db.refused(NOW, check(1, 4, 4), true).await;
    assert!(leads_to(&db, 1).await);
    db.store
        .erase_number(Some(fresh_nonce()), NOW, stamp("E-1"), None, sealed_number(1).index)
        .await
        .expect("works");
    assert!(!leads_to(&db, 1).await);
}
