//! The table of alarms: what several origins write of one ledger, what a person closes, and what is
//! deleted.

use crate::test_store::TestStore;
use crate::test_values::NOW;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::instruments::{Alarm, AlarmChange, AlarmRecord, ReportedAlarm};
use onbill_origin::store::{AlarmFilter, Store};

on_each_database!(
    alarm_counts_while_it_is_active,
    origins_end_their_own_alarms_only,
    end_does_not_hide_what_was_seen_later,
    closed_alarm_stays_closed_for_what_was_seen_before,
    all_of_a_kind_can_be_closed,
    alarms_that_are_over_are_kept_for_a_quarter,
    alarms_of_an_origin_that_is_gone_end,
    reported_change_is_remembered,
    end_of_another_origins_alarm_is_reported,
    clock_that_is_ahead_hides_no_new_alarm,
);

fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// Noticed so often, from the first second to the last.
fn noticed(alarm: Alarm, subject: &str, (first, last): (i64, i64), count: u64) -> AlarmRecord {
    AlarmRecord {
        alarm,
        subject: subject.to_owned(),
        first_seen_at: at(first),
        last_seen_at: at(last),
        count,
        ends_at: None,
        cleared_at: None,
        is_new: false,
    }
}

/// Over, without having been noticed since the last record.
fn over(alarm: Alarm, subject: &str, cleared: i64) -> AlarmRecord {
    AlarmRecord { cleared_at: Some(at(cleared)), ..noticed(alarm, subject, (cleared, cleared), 0) }
}

async fn record(store: &Store, instance: &str, records: &[AlarmRecord]) {
    store.record_alarms(instance.to_owned(), records.to_vec()).await.expect("works");
}

/// Subject, seconds since raised and since seen, count, and seconds until over.
type Row = (String, i64, i64, u64, Option<i64>);

async fn rows(store: &Store, filter: AlarmFilter) -> Vec<Row> {
    let alarms = store.list_alarms(filter).await.expect("works");
    let since = |time: Timestamp| time.seconds_since(NOW);
    let row = |alarm: onbill_origin::instruments::StoredAlarm| {
        let (raised, seen) = (since(alarm.raised_at), since(alarm.last_seen_at));
        (alarm.subject, raised, seen, alarm.count, alarm.cleared_at.map(since))
    };
    alarms.into_iter().map(row).collect()
}

fn row(subject: &str, raised: i64, seen: i64, count: u64, cleared: Option<i64>) -> Row {
    (subject.to_owned(), raised, seen, count, cleared)
}

async fn alarm_counts_while_it_is_active(db: TestStore) {
    let (store, alarm) = (&db.store, Alarm::DiskLow);
    record(store, "a", &[noticed(alarm, "spool", (0, 5), 2)]).await;
    record(store, "a", &[noticed(alarm, "spool", (10, 60), 6)]).await;
    assert_eq!(rows(store, AlarmFilter::Active).await, [row("spool", 0, 60, 8, None)]);
    // The end, and the next beginning, in one write.
    record(store, "a", &[over(alarm, "spool", 70), noticed(alarm, "spool", (70, 80), 3)]).await;
    assert_eq!(rows(store, AlarmFilter::Active).await, [row("spool", 70, 80, 3, None)]);
    record(store, "a", &[over(alarm, "spool", 90)]).await;
    assert_eq!(rows(store, AlarmFilter::Active).await, []);
    assert_eq!(rows(store, AlarmFilter::All).await, [row("spool", 70, 80, 3, Some(90))]);
    // One that has come and gone before it was written.
    let brief = AlarmRecord { cleared_at: Some(at(101)), ..noticed(alarm, "database", (100, 100), 1) };
    record(store, "a", &[brief]).await;
    assert_eq!(rows(store, AlarmFilter::All).await[0], row("database", 100, 100, 1, Some(101)));
}

async fn origins_end_their_own_alarms_only(db: TestStore) {
    let (store, other) = (&db.store, db.second_origin().await);
    for (origin, name) in [(store, "a"), (&other, "b")] {
        let records =
            [noticed(Alarm::DiskLow, "spool", (0, 0), 1), noticed(Alarm::OutboxParked, "charge", (0, 0), 1)];
        record(origin, name, &records).await;
    }
    let of = async |name: &str| rows(store, AlarmFilter::OfOrigin(name.to_owned())).await;
    assert_eq!(rows(store, AlarmFilter::Active).await.len(), 3, "two disks, and one ledger");
    let ledger = row("charge", 0, 0, 2, None);
    assert_eq!(of("a").await, [row("spool", 0, 0, 1, None), ledger]);
    record(store, "a", &[over(Alarm::DiskLow, "spool", 10), over(Alarm::OutboxParked, "charge", 10)]).await;
    assert_eq!(of("a").await, []);
    assert_eq!(of("b").await, [row("spool", 0, 0, 1, None)]);
}

async fn end_does_not_hide_what_was_seen_later(db: TestStore) {
    let alarm = Alarm::AccountsUnknown;
    record(&db.store, "a", &[noticed(alarm, "", (0, 0), 1)]).await;
    // The other origin has found out later that it goes on, and writes first.
    record(&db.store, "b", &[noticed(alarm, "", (20, 20), 1)]).await;
    record(&db.store, "a", &[over(alarm, "", 10)]).await;
    assert_eq!(rows(&db.store, AlarmFilter::Active).await, [row("", 0, 20, 2, None)]);
    let counted = AlarmRecord { cleared_at: Some(at(11)), ..noticed(alarm, "", (5, 9), 1) };
    record(&db.store, "a", &[counted]).await;
    assert_eq!(rows(&db.store, AlarmFilter::Active).await, [row("", 0, 20, 3, None)]);
}

async fn closed_alarm_stays_closed_for_what_was_seen_before(db: TestStore) {
    let alarm = Alarm::CouponUnpaid;
    record(&db.store, "a", &[noticed(alarm, "c-1", (0, 0), 1)]).await;
    let close = async |seconds| db.store.close_alarms(at(seconds), alarm, Some("c-1".to_owned())).await;
    assert_eq!(close(30).await, Ok(1));
    assert_eq!(close(31).await, Ok(0));
    record(&db.store, "a", &[noticed(alarm, "c-1", (10, 20), 2)]).await;
    assert_eq!(rows(&db.store, AlarmFilter::All).await, [row("c-1", 0, 0, 1, Some(30))]);
    record(&db.store, "a", &[noticed(alarm, "c-1", (40, 40), 1)]).await;
    assert_eq!(rows(&db.store, AlarmFilter::All).await, [row("c-1", 40, 40, 1, None)]);
}

async fn all_of_a_kind_can_be_closed(db: TestStore) {
    let records: Vec<_> =
        ["c-1", "c-2"].map(|subject| noticed(Alarm::CouponUnpaid, subject, (0, 0), 1)).into_iter().collect();
    record(&db.store, "a", &records).await;
    record(&db.store, "a", &[noticed(Alarm::MessageDropped, "c-1", (0, 0), 1)]).await;
    assert_eq!(db.store.close_alarms(at(1), Alarm::CouponUnpaid, None).await, Ok(2));
    assert_eq!(rows(&db.store, AlarmFilter::Active).await, [row("c-1", 0, 0, 1, None)]);
}

async fn alarms_that_are_over_are_kept_for_a_quarter(db: TestStore) {
    record(&db.store, "a", &[noticed(Alarm::CouponUnpaid, "old", (0, 0), 1)]).await;
    record(&db.store, "a", &[noticed(Alarm::CouponUnpaid, "active", (0, 0), 1)]).await;
    record(&db.store, "a", &[over(Alarm::CouponUnpaid, "old", 10)]).await;
    let quarter = 90 * 86_400;
    db.sweep(at(10 + quarter)).await;
    assert_eq!(rows(&db.store, AlarmFilter::All).await.len(), 2);
    db.sweep(at(11 + quarter)).await;
    assert_eq!(rows(&db.store, AlarmFilter::All).await, [row("active", 0, 0, 1, None)]);
}

async fn alarms_of_an_origin_that_is_gone_end(db: TestStore) {
    record(&db.store, "gone", &[noticed(Alarm::DiskLow, "spool", (0, 0), 1)]).await;
    record(&db.store, "a", &[noticed(Alarm::DiskLow, "spool", (0, 3_600), 9)]).await;
    record(&db.store, "a", &[noticed(Alarm::OutboxParked, "charge", (0, 0), 1)]).await;
    db.sweep(at(7_200)).await;
    assert_eq!(rows(&db.store, AlarmFilter::Active).await.len(), 3);
    db.sweep(at(7_201)).await;
    let left = [row("spool", 0, 3_600, 9, None), row("charge", 0, 0, 1, None)];
    assert_eq!(rows(&db.store, AlarmFilter::Active).await, left);
}

async fn reported_change_is_remembered(db: TestStore) {
    let (store, alarm) = (&db.store, Alarm::CouponUnpaid);
    let tell = async |change, raised| {
        let (subject, raised_at) = ("c-1".to_owned(), at(raised));
        let reported = ReportedAlarm { alarm, subject, other_origin: None, raised_at, change };
        store.mark_alarms_reported("a".to_owned(), vec![reported]).await.expect("works");
    };
    // What an origin finds when it starts: whether it was reported, and whether it is over.
    let found = async || {
        let found = store.list_alarms(AlarmFilter::OfOrigin("b".to_owned())).await.expect("works");
        found.iter().map(|alarm| (alarm.is_reported, alarm.cleared_at.is_some())).collect::<Vec<_>>()
    };
    record(store, "a", &[noticed(alarm, "c-1", (0, 0), 1)]).await;
    assert_eq!(found().await, [(false, false)]);
    tell(AlarmChange::Raised, 0).await;
    assert_eq!(found().await, [(true, false)]);
    assert_eq!(store.close_alarms(at(10), alarm, None).await, Ok(1));
    assert_eq!(found().await, [(true, true)], "the end has to be reported");
    tell(AlarmChange::Cleared, 0).await;
    assert_eq!(found().await, []);
    // The next time is another one, whatever is still said of the first.
    record(store, "a", &[noticed(alarm, "c-1", (20, 20), 1)]).await;
    assert_eq!(found().await, [(false, false)]);
    tell(AlarmChange::Raised, 0).await;
    assert_eq!(found().await, [(false, false)]);
    tell(AlarmChange::Raised, 20).await;
    assert_eq!(found().await, [(true, false)]);
}

async fn end_of_another_origins_alarm_is_reported(db: TestStore) {
    let (store, alarm) = (&db.store, Alarm::DiskLow);
    let tell = async |by: &str, other_origin: Option<&str>, change| {
        let (subject, other_origin) = ("spool".to_owned(), other_origin.map(str::to_owned));
        let reported = ReportedAlarm { alarm, subject, other_origin, raised_at: at(0), change };
        store.mark_alarms_reported(by.to_owned(), vec![reported]).await.expect("works");
    };
    let untold = async || {
        let found = store.list_alarms(AlarmFilter::OfOrigin("b".to_owned())).await.expect("works");
        found.into_iter().map(|alarm| (alarm.instance, alarm.cleared_at.is_some())).collect::<Vec<_>>()
    };
    for origin in ["a", "b"] {
        record(store, origin, &[noticed(alarm, "spool", (0, 0), 1)]).await;
        tell(origin, None, AlarmChange::Raised).await;
    }
    record(store, "a", &[over(alarm, "spool", 10)]).await;
    assert_eq!(untold().await, [("a".to_owned(), true), ("b".to_owned(), false)]);
    tell("b", Some("a"), AlarmChange::Cleared).await;
    assert_eq!(untold().await, [("b".to_owned(), false)]);
}

/// Whoever has closed it has a clock that is a minute ahead of the origin's.
async fn clock_that_is_ahead_hides_no_new_alarm(db: TestStore) {
    let (store, alarm) = (&db.store, Alarm::Panicked);
    record(store, "a", &[noticed(alarm, "call", (0, 0), 1)]).await;
    assert_eq!(store.close_alarms(at(70), alarm, None).await, Ok(1));
    // The origin has seen that it is closed, and then it happens again.
    let again = AlarmRecord { is_new: true, ..noticed(alarm, "call", (20, 20), 1) };
    record(store, "a", &[again]).await;
    assert_eq!(rows(store, AlarmFilter::Active).await, [row("call", 20, 20, 1, None)]);
}
