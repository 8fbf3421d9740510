//! The alarm about a write-ahead log that grows, and its gauge.

use super::machine::database_file;
use super::shown::Shown;
use crate::metrics::scrape_text;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::TestSystem;
use rusqlite::Connection;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::Path;

const GIB: u64 = 1024 * 1024 * 1024;

/// A backup that hangs reads one state of the ledger for ever.
pub(super) async fn reader_without_end() -> Shown {
    let mut shown = Shown::begin(Alarm::WriteAheadLogLong, TestSystem::start());
    shown.expect_quiet().await;
    let file = database_file(&shown);
    let reader = Connection::open(&file).expect("opens");
    reader.execute_batch("BEGIN; SELECT count(*) FROM alarms").expect("reads");
    lengthen_log(&file, 3 * GIB);
    write(&shown).await;
    shown.expect_quiet().await;
    lengthen_log(&file, 5 * GIB);
    write(&shown).await;
    shown.expect_raised("").await;
    let page = scrape_text(&shown.app().admin_router()).await;
    assert!(page.contains(&format!("\nonbill_write_ahead_log_bytes {}\n", 5 * GIB)), "{page}");

    reader.execute_batch("COMMIT").expect("ends");
    shown.app().sweep().await.expect("works");
    write(&shown).await;
    shown.expect_over().await;
    shown
}

/// Gives the log this length without writing as much: what follows its last commit is no part of it.
fn lengthen_log(database: &Path, bytes: u64) {
    let mut log = OsString::from(database);
    log.push("-wal");
    let log = OpenOptions::new().write(true).open(log).expect("is there");
    log.set_len(bytes).expect("takes no space");
}

/// The length is noted after a write was confirmed, and before the next one.
async fn write(shown: &Shown) {
    for _ in 0..2 {
        shown.app().readiness.check().await;
    }
}
