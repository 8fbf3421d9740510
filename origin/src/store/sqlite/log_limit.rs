//! Keeps the write-ahead log short.
//!
//! SQLite begins the log anew when all of it is in the database while no one reads it. With two programs that write,
//! such as a serving origin and `switch load`, that moment does not come: whenever the commit of one has brought the
//! log into the database, the other one has added to it. The log of a load of a million PAIs grew to 18 GiB, and its
//! last readers and writers waited longer than they may. So a long log is begun anew under the lock of the writer.

use super::ledger_files::LedgerFiles;
use super::wait_for_others;
use crate::store::error::StoreError;
use rusqlite::Connection;
use std::time::Duration;

/// The log may have so many bytes: sixteen times as much as SQLite leaves in it when only one program writes. What is
/// above it costs a pause of a write.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long other writers wait while somebody reads an older state of the ledger. A backup reads for minutes: the log
/// grows on then.
const PATIENCE: Duration = Duration::from_millis(200);

/// When the log is to be begun anew.
pub(super) struct LogLimit {
    bytes_max: u64,
    /// The length from which it is tried. After a failure it is tried again when as much has been added.
    restart_from: u64,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self::new(LOG_BYTES_MAX)
    }
}

impl LogLimit {
    fn new(bytes_max: u64) -> Self {
        Self { bytes_max, restart_from: bytes_max }
    }

    /// Begins a log anew that is too long. It is called outside a transaction.
    pub(super) fn hold(&mut self, connection: &mut Connection, files: &LedgerFiles) {
        let bytes = files.log_bytes();
        if bytes < self.restart_from {
            return;
        }
        // What is wrong with the database shows at the next commit.
        let _ = restart_log(connection);
        self.restart_from = files.log_bytes().saturating_add(self.bytes_max);
    }
}

fn restart_log(connection: &mut Connection) -> Result<(), StoreError> {
    // Most of it goes into the database while other programs still write.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    connection.busy_timeout(PATIENCE)?;
    let restarted = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_handler(Some(wait_for_others))?;
    Ok(restarted?)
}

#[cfg(test)]
mod tests {
    use super::super::connect;
    use super::*;
    use crate::store::OpenMode;
    use std::fs;
    use std::path::Path;

    const BYTES_MAX: u64 = 1_000_000;

    fn write_a_megabyte(connection: &Connection) {
        let sql = "BEGIN IMMEDIATE; INSERT INTO filled VALUES (zeroblob(1100000)); COMMIT";
        connection.execute_batch(sql).expect("is written");
    }

    fn open(path: &Path) -> Connection {
        connect(path, OpenMode::Migrate).expect("opens")
    }

    #[test]
    fn log_is_begun_anew_once_no_one_reads_an_older_state() {
        let folder = std::env::temp_dir().join(format!("onbill-log-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("has room");
        let path = folder.join("ledger.sqlite");
        Connection::open(&path).expect("opens").execute_batch("CREATE TABLE filled (bytes)").expect("works");
        let (mut writer, reader) = (open(&path), open(&path));
        write_a_megabyte(&writer);
        let files = LedgerFiles::note(&path);
        let mut limit = LogLimit::new(BYTES_MAX);
        reader.execute_batch("BEGIN; SELECT count(*) FROM filled").expect("reads");
        write_a_megabyte(&writer);
        limit.hold(&mut writer, &files);
        assert!(files.log_bytes() > 2 * BYTES_MAX, "somebody reads");
        reader.execute_batch("COMMIT").expect("ends");
        limit.hold(&mut writer, &files);
        assert!(files.log_bytes() > 0, "it is not tried at every commit");
        write_a_megabyte(&writer);
        limit.hold(&mut writer, &files);
        assert_eq!(files.log_bytes(), 0);
        write_a_megabyte(&writer);
        let count: i64 =
            reader.query_row("SELECT count(*) FROM filled", [], |row| row.get(0)).expect("reads");
        assert_eq!(count, 4);
        fs::remove_dir_all(folder).expect("is there");
    }
}
