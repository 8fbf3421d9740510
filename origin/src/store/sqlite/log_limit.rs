//! Keeps the write-ahead log short.
//!
//! SQLite reuses the log from its beginning when a checkpoint has copied all of it into the database and no reader
//! needs it. With two programs that write, such as a serving origin and `switch load`, that moment does not come: while
//! one of them makes its checkpoint, the other one appends to the log. The log of a load of a million PAIs grew to
//! 18 GiB, and calls failed because they had waited too long. So a long log is truncated under the writer's lock.

use super::ledger_files::LedgerFiles;
use super::wait_for_others;
use crate::store::error::StoreError;
use rusqlite::Connection;

/// The log may have so many bytes: sixteen times as much as SQLite leaves in it when only one program writes. What is
/// above it costs a pause of a write.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What SQLite keeps of the file when it reuses the log, in bytes: four times as much as it usually needs.
/// Otherwise the file of a log that has grown during a backup would keep its size.
pub(super) const LOG_BYTES_KEPT: u64 = 16 * 1024 * 1024;

/// How often a truncation looks whether others have ended, which takes about a fifth of a second: while it waits for
/// a reader of an older state of the ledger, no one writes. So the log continues to grow during a backup, which reads
/// for minutes.
const LOOKS_MAX: i32 = 200;

/// When the log is to be truncated.
pub(super) struct LogLimit {
    bytes_max: u64,
    /// The length from which it is tried. After a failure it is tried again when as much has been added.
    truncate_from: u64,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self::new(LOG_BYTES_MAX)
    }
}

impl LogLimit {
    fn new(bytes_max: u64) -> Self {
        Self { bytes_max, truncate_from: bytes_max }
    }

    /// Truncates a log that is too long, and returns how long it is then. It is called outside a transaction.
    pub(super) fn enforce(&mut self, connection: &mut Connection, files: &LedgerFiles) -> u64 {
        let bytes = files.log_bytes();
        if bytes < self.bytes_max {
            self.truncate_from = self.bytes_max;
        }
        if bytes < self.truncate_from {
            return bytes;
        }
        // What was committed is durable without it, and it is tried again.
        let _ = truncate_log(connection);
        let bytes = files.log_bytes();
        self.truncate_from = bytes.saturating_add(self.bytes_max);
        bytes
    }
}

/// Truncates the log. It stays as it is while another program needs it, or makes a checkpoint itself.
pub(super) fn truncate_log(connection: &mut Connection) -> Result<(), StoreError> {
    // Most of it goes into the database while other programs still write.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    connection.busy_handler(Some(wait_briefly))?;
    let truncated = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_handler(Some(wait_for_others))?;
    Ok(truncated?)
}

/// Waits for another program's transaction or reader. SQLite's own handler looks too rarely to meet the pauses of a
/// load, which last some milliseconds.
fn wait_briefly(looked: i32) -> bool {
    wait_for_others(looked) && looked < LOOKS_MAX
}

#[cfg(test)]
mod tests {
    use super::super::{SqliteDatabase, connect};
    use super::*;
    use crate::store::OpenMode;
    use crate::store::migration::MIGRATIONS;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::time::Instant;

    const BYTES_MAX: u64 = 1_000_000;

    fn write_a_megabyte(connection: &Connection) {
        let sql = "BEGIN IMMEDIATE; INSERT INTO filled VALUES (zeroblob(1100000)); COMMIT";
        connection.execute_batch(sql).expect("is written");
    }

    fn open(path: &Path) -> Connection {
        connect(path, OpenMode::Migrate).expect("opens")
    }

    fn make_database(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("onbill-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("has room");
        let path = folder.join("ledger.sqlite");
        Connection::open(&path).expect("opens").execute_batch("CREATE TABLE filled (bytes)").expect("works");
        path
    }

    fn remove_database(path: &Path) {
        fs::remove_dir_all(path.parent().expect("is in a folder")).expect("is there");
    }

    #[test]
    fn file_of_a_log_that_has_grown_shrinks_without_a_truncation() {
        let path = make_database("grown-log");
        let (writer, reader) = (open(&path), open(&path));
        write_a_megabyte(&writer);
        let files = LedgerFiles::note(&path);
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").expect("reads");
        while files.log_bytes() < LOG_BYTES_KEPT + BYTES_MAX {
            write_a_megabyte(&writer);
        }
        reader.execute_batch("COMMIT").expect("ends");
        // The first commit brings the log into the database, and the second one reuses it.
        write_a_megabyte(&writer);
        write_a_megabyte(&writer);
        assert_eq!(files.log_bytes(), LOG_BYTES_KEPT);
        remove_database(&path);
    }

    #[test]
    fn long_log_is_truncated_once_no_reader_needs_it() {
        let path = make_database("long-log");
        let (mut writer, reader) = (open(&path), open(&path));
        write_a_megabyte(&writer);
        let files = LedgerFiles::note(&path);
        let mut limit = LogLimit::new(BYTES_MAX);
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").expect("reads");
        write_a_megabyte(&writer);
        limit.enforce(&mut writer, &files);
        assert!(files.log_bytes() > 2 * BYTES_MAX, "a reader needs it");
        reader.execute_batch("COMMIT").expect("ends");
        limit.enforce(&mut writer, &files);
        assert!(files.log_bytes() > 0, "it is not tried at every commit");
        write_a_megabyte(&writer);
        limit.enforce(&mut writer, &files);
        assert_eq!(files.log_bytes(), 0);
        write_a_megabyte(&writer);
        let count: i64 =
            reader.query_row("SELECT count(*) FROM filled", [], |row| row.get(0)).expect("reads");
        assert_eq!(count, 4);

        // After a reader that took long, the limit is the usual one again.
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").expect("reads");
        write_a_megabyte(&writer);
        limit.enforce(&mut writer, &files);
        assert!(files.log_bytes() > 2 * BYTES_MAX, "a reader needs it");
        reader.execute_batch("COMMIT").expect("ends");
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        reader.query_row(truncate, [], |_| Ok(())).expect("another program truncates it");
        limit.enforce(&mut writer, &files);
        write_a_megabyte(&writer);
        limit.enforce(&mut writer, &files);
        assert_eq!(files.log_bytes(), 0);
        remove_database(&path);
    }

    #[tokio::test]
    async fn scrubbing_holds_writers_up_only_briefly() {
        let path = make_database("scrubbed-log");
        let database = SqliteDatabase::open(&path, 1, OpenMode::Create, &[], &MIGRATIONS, Arc::default());
        let (database, writer, reader) = (database.expect("opens"), open(&path), open(&path));
        let files = LedgerFiles::note(&path);
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").expect("reads");
        write_a_megabyte(&writer);
        let begun = Instant::now();
        database.scrub().await.expect("is tried");
        assert!(begun.elapsed() < Duration::from_secs(2), "no one writes meanwhile");
        assert!(files.log_bytes() > BYTES_MAX, "a reader needs it");
        reader.execute_batch("COMMIT").expect("ends");
        database.scrub().await.expect("works");
        assert_eq!(files.log_bytes(), 0);
        remove_database(&path);
    }
}
