//! What readiness asks the store: whether a write gets to the disk, and which schema it gets to.

use crate::test_store::TestStore;
use crate::test_values::NOW;
use onbill_origin::instruments::{Alarm, AlarmRecord};
use onbill_origin::store::{AlarmFilter, SCHEMA_VERSION};
use onbill_test_harness::database::TestDb;
use std::time::Duration;

on_each_database!(
    ledger_takes_writes,
    origin_is_not_disturbed_by_another_one,
    alarms_of_an_origin_that_writes_are_its_own,
);

async fn ledger_takes_writes(db: TestStore) {
    let check = async || db.store.check_writable(NOW, "a".to_owned(), NOW).await;
    assert_eq!(check().await, Ok(SCHEMA_VERSION));
    assert_eq!(check().await, Ok(SCHEMA_VERSION), "it can be asked again");
}

/// One that was cut off in the middle of its check, and one that migrates, hold their locks.
async fn origin_is_not_disturbed_by_another_one(db: TestStore) {
    let TestDb::Postgres { url, .. } = &db.place else { return };
    assert_eq!(db.store.check_writable(NOW, "a".to_owned(), NOW).await, Ok(SCHEMA_VERSION));
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("is there");
    let running = tokio::spawn(connection);
    let locks = "BEGIN; UPDATE origins SET seen_at = 0 WHERE instance = 'a';
        SELECT version FROM schema_version FOR UPDATE";
    client.batch_execute(locks).await.expect("works");
    let checked = db.store.check_writable(NOW, "b".to_owned(), NOW);
    let checked = tokio::time::timeout(Duration::from_secs(10), checked).await;
    assert_eq!(checked.expect("waits for nobody"), Ok(SCHEMA_VERSION));
    running.abort();
}

async fn alarms_of_an_origin_that_writes_are_its_own(db: TestStore) {
    let alarm = AlarmRecord {
        alarm: Alarm::EdgeUnreachable,
        subject: String::new(),
        first_seen_at: NOW,
        last_seen_at: NOW,
        count: 1,
        ends_at: None,
        cleared_at: None,
        is_new: false,
    };
    let later = NOW.plus_seconds(7_201);
    for origin in ["a", "gone"] {
        db.store.record_alarms(origin.to_owned(), vec![alarm.clone()]).await.expect("works");
    }
    db.store.check_writable(later, "a".to_owned(), NOW).await.expect("works");
    db.sweep(later).await;
    let active = db.store.list_alarms(AlarmFilter::Active).await.expect("works");
    assert_eq!(active.iter().map(|alarm| alarm.instance.as_str()).collect::<Vec<_>>(), ["a"]);
}
