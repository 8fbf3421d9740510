//! Tests of the state of alarms, with a clock that is set by hand and a database that is a list.

use super::*;
use crate::instruments::alarm_state::OTHERS;
use crate::instruments::{SILENCE_OF_CALLS_SECONDS, SILENCE_OF_CHECKS_SECONDS};
use std::sync::atomic::AtomicI64;

const START: i64 = 1_795_000_000;

struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::Relaxed))
    }
}

impl HandClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn start() -> (Arc<HandClock>, Alarms) {
    let clock = Arc::new(HandClock(AtomicI64::new(START)));
    (clock.clone(), Alarms::new(clock))
}

/// What a database has of these records, if it had none before.
fn stored(records: &[AlarmRecord]) -> Vec<StoredAlarm> {
    let active = records.iter().filter(|record| record.cleared_at.is_none());
    active
        .map(|record| StoredAlarm {
            alarm: record.alarm,
            subject: record.subject.clone(),
            instance: String::new(),
            raised_at: record.first_seen_at,
            last_seen_at: record.last_seen_at,
            count: record.count,
            ends_at: record.ends_at,
            cleared_at: None,
            is_reported: false,
        })
        .collect()
}

/// The next change that the webhook tells, and that its receiver takes.
fn take_news(alarms: &Alarms) -> Option<AlarmNews> {
    let news = alarms.find_news_after(None)?;
    alarms.note_reported(&news, true);
    Some(news)
}

/// One exchange with that database.
fn exchange(alarms: &Alarms) -> Vec<AlarmRecord> {
    let records = alarms.list_unwritten();
    alarms.mark_written(&records);
    records
}

#[test]
fn repeated_alarm_counts_and_is_reported_once_an_hour() {
    let (clock, alarms) = start();
    let raise = || alarms.raise(Alarm::DiskLow, "spool");
    assert!(raise());
    assert!(!raise());
    assert!(alarms.raise(Alarm::DiskLow, "database"), "another subject is another alarm");
    clock.advance(LOG_AGAIN_SECONDS - 1);
    assert!(!raise());
    clock.advance(1);
    assert!(raise());
    clock.advance(-10_000);
    assert!(raise(), "a clock that is set back keeps nothing quiet");
    let spool = alarms.snapshot().into_iter().find(|alarm| alarm.subject == "spool").expect("is active");
    assert_eq!((spool.count, spool.raised_at.unix_seconds()), (5, START));
    assert_eq!(alarms.raised_total(Alarm::DiskLow), 2, "a repetition raises nothing");
}

#[test]
fn cleared_alarm_is_news_when_it_comes_back() {
    let (_, alarms) = start();
    alarms.raise(Alarm::DiskLow, "spool");
    alarms.clear(Alarm::DiskLow, "database");
    assert!(alarms.is_active(Alarm::DiskLow, "spool"));
    alarms.clear_others(Alarm::DiskLow, &["spool"]);
    assert!(alarms.is_active(Alarm::DiskLow, "spool"));
    alarms.clear_others::<&str>(Alarm::DiskLow, &[]);
    assert_eq!(alarms.snapshot(), []);
    assert!(alarms.raise(Alarm::DiskLow, "spool"));
}

#[test]
fn alarms_beyond_the_limit_are_counted_as_others() {
    let (_, alarms) = start();
    for n in 0..ALARMS_MAX {
        assert!(alarms.raise(Alarm::PeriodChargedAgain, &n.to_string()));
    }
    assert!(alarms.raise(Alarm::PeriodChargedAgain, "one more"));
    assert!(!alarms.raise(Alarm::PeriodChargedAgain, "and another"));
    assert!(!alarms.raise(Alarm::PeriodChargedAgain, "7"), "one that is active keeps its own entry");
    assert!(alarms.raise(Alarm::CouponUnpaid, "x"));
    let snapshot = alarms.snapshot();
    assert_eq!(snapshot.len(), ALARMS_MAX + 2);
    let others = snapshot.iter().find(|alarm| alarm.subject == OTHERS && alarm.count == 2);
    assert_eq!(others.map(|alarm| alarm.alarm), Some(Alarm::PeriodChargedAgain));
    assert_eq!(alarms.raised_total(Alarm::PeriodChargedAgain), 1_001);
}

#[test]
fn conditions_beyond_the_limit_do_not_flap() {
    let (_, alarms) = start();
    let subjects: Vec<String> = (0..ALARMS_MAX + 100).map(|n| n.to_string()).collect();
    let make_round = |held: &[String]| {
        for subject in held {
            alarms.raise(Alarm::FileUnacknowledged, subject);
        }
        alarms.clear_others(Alarm::FileUnacknowledged, held);
    };
    for _ in 0..3 {
        make_round(&subjects);
        assert!(alarms.is_active(Alarm::FileUnacknowledged, OTHERS));
    }
    assert_eq!(alarms.raised_total(Alarm::FileUnacknowledged), 1_001, "each was raised once");
    // There is room for the rest now, in the next round.
    make_round(&subjects[200..]);
    make_round(&subjects[200..]);
    assert!(!alarms.is_active(Alarm::FileUnacknowledged, OTHERS));
    assert_eq!(alarms.snapshot().len(), ALARMS_MAX - 100);
}

#[test]
fn condition_that_only_calls_show_outlasts_a_night_without_any() {
    let (clock, alarms) = start();
    alarms.raise(Alarm::SmsNotLetIn, "kannel");
    alarms.raise(Alarm::SpoolUnreachable, "");
    clock.advance(SILENCE_OF_CHECKS_SECONDS + 1);
    alarms.end_due();
    let active: Vec<_> = alarms.snapshot().into_iter().map(|alarm| alarm.alarm).collect();
    assert_eq!(active, [Alarm::SmsNotLetIn]);
    clock.advance(SILENCE_OF_CALLS_SECONDS - SILENCE_OF_CHECKS_SECONDS);
    alarms.end_due();
    assert_eq!(alarms.snapshot(), []);
}

#[test]
fn subject_is_a_short_word() {
    let (_, alarms) = start();
    for subject in ["two words", "a\nb", "é", &"x".repeat(101)] {
        alarms.raise(Alarm::DiskLow, subject);
    }
    let subjects: Vec<_> = alarms.snapshot().into_iter().map(|alarm| alarm.subject).collect();
    assert_eq!(subjects, ["unnamed"]);
}

#[test]
fn condition_ends_by_time_or_without_confirmation() {
    let (clock, alarms) = start();
    let hour_ends = Timestamp::from_unix_seconds(START + 100);
    alarms.raise_until(Alarm::NumberChecks, "netflix", Some(hour_ends));
    alarms.raise(Alarm::DiskLow, "spool");
    alarms.raise(Alarm::CouponUnpaid, "c-1");
    clock.advance(99);
    alarms.end_due();
    assert_eq!(alarms.snapshot().len(), 3);
    clock.advance(1);
    alarms.end_due();
    assert!(!alarms.is_active(Alarm::NumberChecks, "netflix"));
    clock.advance(SILENCE_OF_CHECKS_SECONDS);
    alarms.end_due();
    let left: Vec<_> = alarms.snapshot().into_iter().map(|alarm| alarm.alarm).collect();
    assert_eq!(left, [Alarm::CouponUnpaid], "an event waits for a person");
}

#[test]
fn state_is_written_once_and_again_each_minute() {
    let (clock, alarms) = start();
    alarms.raise(Alarm::DiskLow, "spool");
    let first = exchange(&alarms);
    assert_eq!((first.len(), first[0].count, first[0].cleared_at), (1, 1, None));
    clock.advance(10);
    alarms.raise(Alarm::DiskLow, "spool");
    assert_eq!(exchange(&alarms), []);
    clock.advance(50);
    alarms.raise(Alarm::DiskLow, "spool");
    let again = exchange(&alarms);
    assert_eq!((again.len(), again[0].count), (1, 2));
    assert_eq!(again[0].first_seen_at.unix_seconds(), START + 10);
    alarms.clear(Alarm::DiskLow, "spool");
    let over = exchange(&alarms);
    assert_eq!((over.len(), over[0].count), (1, 0));
    assert!(over[0].cleared_at.is_some());
    assert_eq!(exchange(&alarms), []);
}

#[test]
fn database_that_is_away_loses_no_state() {
    let (_, alarms) = start();
    alarms.raise(Alarm::DatabaseNotWritable, "");
    alarms.raise(Alarm::DiskLow, "database");
    alarms.clear(Alarm::DiskLow, "database");
    // Listed, and not written.
    assert_eq!(alarms.list_unwritten().len(), 2);
    assert_eq!(alarms.list_unwritten().len(), 2);
    assert!(alarms.is_active(Alarm::DatabaseNotWritable, ""));
}

#[test]
fn restart_takes_over_what_the_database_has() {
    let (_, before) = start();
    before.raise(Alarm::CouponUnpaid, "c-1");
    before.raise(Alarm::SmsNotLetIn, "smpp");
    before.raise(Alarm::DiskLow, "spool");
    let database = stored(&exchange(&before));

    let (_, after) = start();
    after.keep_news("a");
    // Found out before the database was read.
    after.clear(Alarm::SmsNotLetIn, "smpp");
    after.adopt(database);
    let active: Vec<_> = after.snapshot().into_iter().map(|alarm| alarm.alarm).collect();
    assert_eq!(active, [Alarm::CouponUnpaid, Alarm::DiskLow]);
    let news = take_news(&after).expect("is sent");
    assert_eq!((news.change, news.alarm.alarm), (AlarmChange::Cleared, Alarm::SmsNotLetIn));
    assert_eq!(take_news(&after), None, "what continues is no news");
    let written = exchange(&after);
    assert_eq!((written.len(), written[0].alarm), (1, Alarm::SmsNotLetIn));
    assert!(after.raise(Alarm::DiskLow, "spool"), "this program has not reported it yet");
}

#[test]
fn alarm_that_was_closed_elsewhere_is_over() {
    let (_, alarms) = start();
    alarms.keep_news("a");
    alarms.raise(Alarm::CouponUnpaid, "c-1");
    alarms.raise(Alarm::CouponUnpaid, "c-2");
    let database = stored(&exchange(&alarms));
    alarms.adopt(database.clone());
    assert_eq!(alarms.snapshot().len(), 2);
    // A person closes one; another is raised meanwhile.
    alarms.raise(Alarm::CouponUnpaid, "c-3");
    alarms.adopt(database.into_iter().filter(|alarm| alarm.subject == "c-2").collect());
    let subjects: Vec<_> = alarms.snapshot().into_iter().map(|alarm| alarm.subject).collect();
    assert_eq!(subjects, ["c-2", "c-3"]);
    let changes: Vec<_> = std::iter::from_fn(|| take_news(&alarms)).map(|news| news.change).collect();
    let raised = AlarmChange::Raised;
    assert_eq!(changes, [raised, raised, raised, AlarmChange::Cleared]);
}

#[test]
fn untaken_alarm_changes_are_bounded() {
    let (_, alarms) = start();
    alarms.raise(Alarm::DiskLow, "before");
    assert_eq!(take_news(&alarms), None, "there is no webhook");
    alarms.keep_news("a");
    for _ in 0..ALARMS_MAX {
        alarms.raise(Alarm::DiskLow, "spool");
        alarms.clear(Alarm::DiskLow, "spool");
    }
    assert_eq!(alarms.webhook_counts().dropped.load(Ordering::Relaxed), 1_000);
    assert_eq!(std::iter::from_fn(|| take_news(&alarms)).count(), ALARMS_MAX);
}

#[test]
fn restart_reports_unreported_changes_with_their_own_time() {
    let (_, before) = start();
    before.keep_news("a");
    before.raise(Alarm::CouponUnpaid, "reported");
    before.raise(Alarm::CouponUnpaid, "unreported");
    before.raise(Alarm::DiskLow, "spool");
    let mut database = stored(&exchange(&before));
    database[0].is_reported = true;
    database[2].is_reported = true;

    let (clock, after) = start();
    after.keep_news("a");
    clock.advance(3_600);
    // A check finds it again before the database was read.
    after.raise(Alarm::DiskLow, "spool");
    assert_eq!(after.list_due_news(8), [], "it may be known already");
    after.adopt(database.clone());
    let due = after.list_due_news(8);
    let due: Vec<_> = due.iter().map(|news| (news.alarm.subject.as_str(), news.alarm.raised_at)).collect();
    assert_eq!(due, [("unreported", Timestamp::from_unix_seconds(START))]);

    // An end that was not reported, as of an origin that was killed.
    take_news(&after);
    after.forget_reported(&after.list_reported());
    database[0].cleared_at = Some(Timestamp::from_unix_seconds(START + 10));
    database[1].is_reported = true;
    after.adopt(database);
    let changes: Vec<_> =
        std::iter::from_fn(|| take_news(&after)).map(|news| (news.change, news.alarm.subject)).collect();
    assert!(changes.contains(&(AlarmChange::Cleared, "reported".to_owned())), "{changes:?}");
    assert!(changes.iter().all(|(change, _)| *change == AlarmChange::Cleared), "{changes:?}");
}

#[test]
fn end_of_a_lost_origins_alarm_is_reported_as_own() {
    let (clock, alarms) = start();
    alarms.keep_news("b");
    alarms.raise(Alarm::DiskLow, "spool");
    let mut database = stored(&exchange(&alarms));
    database[0].instance = "b".to_owned();
    database[0].is_reported = true;
    let end = clock.now();
    database.push(StoredAlarm { instance: "a".to_owned(), cleared_at: Some(end), ..database[0].clone() });
    alarms.adopt(database.clone());
    assert_eq!(take_news(&alarms), None, "the other one may do it");
    clock.advance(61);
    alarms.adopt(database.clone());
    let news = take_news(&alarms).expect("no other one has done it");
    assert_eq!((news.change, news.other_origin.as_deref()), (AlarmChange::Cleared, Some("a")));
    alarms.adopt(database);
    assert_eq!(take_news(&alarms), None, "it is reported, and not marked yet");
    assert_eq!(alarms.list_reported()[0].other_origin.as_deref(), Some("a"));
    assert!(alarms.is_active(Alarm::DiskLow, "spool"), "that of this origin continues");
}

#[test]
fn change_waits_for_the_table_and_is_marked() {
    let (_, alarms) = start();
    alarms.keep_news("a");
    alarms.raise(Alarm::DiskLow, "spool");
    assert_eq!(alarms.list_due_news(8), []);
    assert!(alarms.next_news_in().is_some());
    alarms.adopt(stored(&exchange(&alarms)));
    let due = alarms.list_due_news(8);
    assert_eq!(due.len(), 1);
    alarms.note_reported(&due[0], false);
    assert_eq!(alarms.list_due_news(8), [], "after a pause");
    assert_eq!(alarms.list_reported(), []);
    alarms.note_reported(&due[0], true);
    let reported = alarms.list_reported();
    assert_eq!((reported.len(), reported[0].change), (1, AlarmChange::Raised));
    alarms.forget_reported(&reported);
    assert_eq!((alarms.list_reported(), alarms.next_news_in()), (vec![], None));
}
