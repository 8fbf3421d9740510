//! A copy of a database file, made while an origin serves from it.

use crate::store::database::Store;
use crate::store::error::StoreError;
use crate::store::ledger_identity::{LedgerFact, sqlite as ledger_identity};
use crate::store::open_mode::OpenMode;
use crate::store::recovery::{COPIED_AT, sqlite as recovery};
use crate::store::sqlite::connect;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

impl Store {
    /// Copies an SQLite database that may be in use into an empty file, if the ledger in it has these facts.
    /// It blocks.
    pub fn copy_sqlite(
        from: &Path,
        to: &Path,
        now: Timestamp,
        facts: &[LedgerFact],
    ) -> Result<(), StoreError> {
        copy_into(from, to, now, facts)
    }
}

/// Copies the database into an empty file, in its state of one moment. Writers continue meanwhile: the
/// copy reads one snapshot of the write-ahead log, which grows until the copy is complete.
///
/// The copy is marked as one, checked by `integrity_check`, and all of it is in the one file. It is
/// not synced to the disk.
fn copy_into(from: &Path, to: &Path, now: Timestamp, facts: &[LedgerFact]) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    // An origin may hold the lock for a moment, as while it starts.
    source.busy_timeout(std::time::Duration::from_secs(10))?;
    ledger_identity::check_ledger_identity(&source, facts)?;
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    let copy = connect(to, OpenMode::Migrate)?;
    recovery::write_mark(&copy, COPIED_AT, now)?;
    let finding: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if finding != "ok" {
        return Err(StoreError::Driver { code: None, message: format!("the copy is damaged: {finding}") });
    }
    // A copy with a log beside it would be two files.
    let mode: String = copy.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    copy.close().map_err(|(_, error)| error)?;
    if mode == "delete" {
        Ok(())
    } else {
        Err(StoreError::Driver { code: None, message: format!("the copy stays in journal mode {mode}") })
    }
}
