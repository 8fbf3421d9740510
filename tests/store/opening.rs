//! Opening a database: a ledger begins only where that is asked for, and what is open is what is at
//! its path.

use crate::test_store::{CONNECTIONS, TestStore, new_flow};
use crate::test_values::{NOW, fresh_nonce};
use onbill_origin::store::{OpenMode, Queue, Store, StoreError};
use onbill_test_harness::database::TestDb;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

on_each_database!(ledger_begins_only_when_it_is_asked_for);

async fn ledger_begins_only_when_it_is_asked_for(db: TestStore) {
    let place = db.place.new_beside().await;
    for mode in [OpenMode::Migrate, OpenMode::ReadOnly, OpenMode::Migrate] {
        assert_eq!(place.open_as(mode, 1).await.err(), Some(StoreError::NoLedger), "{mode:?}");
    }
    if let TestDb::Sqlite(path) = &place {
        assert!(!path.exists(), "a refused opening leaves no file");
    }
    drop(place.open_as(OpenMode::Create, 1).await.expect("begins"));
    assert_eq!(place.open_as(OpenMode::Create, 1).await.err(), Some(StoreError::LedgerExists));
    for mode in [OpenMode::Migrate, OpenMode::ReadOnly] {
        let store = place.open_as(mode, 1).await.expect("opens");
        assert_eq!(store.next_due(Queue::All).await, Ok(None), "{mode:?}");
    }
}

async fn open_sqlite_test_store() -> (TestStore, PathBuf) {
    let db = TestStore::in_sqlite().await;
    let TestDb::Sqlite(path) = &db.place else { panic!("is in SQLite") };
    let path = path.clone();
    (db, path)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    format!("{}{end}", path.display()).into()
}

async fn write(store: &Store, n: u8) -> Result<(), StoreError> {
    store.start_flow(fresh_nonce(), NOW, new_flow(n, Some([n; 32]))).await.map(drop)
}

fn is_lost<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::FileLost { .. }))
}

#[tokio::test]
async fn sqlite_file_without_a_ledger_is_refused() {
    let (_db, path) = open_sqlite_test_store().await;
    let empty = beside(&path, "-empty");
    fs::write(&empty, "").expect("can be written");
    assert_eq!(Store::open_sqlite(&empty, 1, OpenMode::Migrate, &[]).err(), Some(StoreError::NoLedger));
    let place = TestDb::Sqlite(empty);
    place.open_as(OpenMode::Create, 1).await.expect("an empty file may become one");
}

#[tokio::test]
async fn sqlite_leftover_log_is_not_written_over() {
    let (_db, path) = open_sqlite_test_store().await;
    let place = TestDb::Sqlite(beside(&path, "-moved"));
    let TestDb::Sqlite(moved) = &place else { panic!("is in SQLite") };
    let log = beside(moved, "-wal");
    fs::write(&log, "charges").expect("can be written");
    assert_eq!(place.open_as(OpenMode::Create, 1).await.err(), Some(StoreError::LedgerExists));
    assert_eq!(fs::read(&log).expect("is there"), b"charges");
}

#[tokio::test]
async fn sqlite_opened_for_reading_is_not_written() {
    let (db, path) = open_sqlite_test_store().await;
    write(&db.store, 1).await.expect("works");
    let reader = Store::open_sqlite(&path, 1, OpenMode::ReadOnly, &[]).expect("opens");
    assert!(write(&reader, 2).await.is_err());
    assert!(reader.next_due(Queue::All).await.expect("works").is_some(), "it sees what is written");
    write(&db.store, 2).await.expect("the writer goes on");
}

#[tokio::test]
async fn sqlite_files_are_their_owners_alone() {
    let (db, path) = open_sqlite_test_store().await;
    write(&db.store, 1).await.expect("works");
    for end in ["", "-wal", "-shm"] {
        let mode = fs::metadata(beside(&path, end)).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{end}");
    }
    let open = onbill_origin::store::sqlite::list_files_open_to_others;
    assert_eq!(open(&path), []);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("is its owner's");
    assert_eq!(open(&path), [(path.clone(), 0o640)]);
}

#[tokio::test]
async fn sqlite_file_that_was_moved_is_neither_read_nor_written() {
    for end in ["", "-wal", "-shm"] {
        let (db, path) = open_sqlite_test_store().await;
        write(&db.store, 1).await.expect("works");
        let (file, away) = (beside(&path, end), beside(&path, "-away"));
        fs::rename(&file, &away).expect("is there");
        assert!(is_lost(&write(&db.store, 2).await), "{end}");
        assert!(is_lost(&db.store.next_due(Queue::All).await), "{end}");
        assert!(!file.exists(), "nothing is made in its place");
        fs::rename(&away, &file).expect("is there");
        write(&db.store, 2).await.expect("goes on when it is back");
        assert_eq!(db.place.count_rows("flows").await, 2);
    }
}

#[tokio::test]
async fn sqlite_file_that_was_replaced_is_neither_read_nor_written() {
    let (db, path) = open_sqlite_test_store().await;
    write(&db.store, 1).await.expect("works");
    let copy = beside(&path, "-copy");
    fs::copy(&path, &copy).expect("can be copied");
    fs::rename(&copy, &path).expect("can be moved");
    assert!(is_lost(&write(&db.store, 2).await));
    assert!(is_lost(&db.store.next_due(Queue::All).await));
    let again = db.place.open_store(CONNECTIONS).await;
    assert!(again.is_ok(), "a restart opens what is there: {:?}", again.err());
}
