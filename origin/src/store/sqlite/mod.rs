//! The ledger in one SQLite file, in WAL mode with `synchronous=FULL`: every acknowledged write is
//! on the disk. This module has what all use cases share; the SQL of each is in a module of its
//! own.
//!
//! One thread writes ([`writer`]); reads go to a few connections of their own and never wait for
//! it.

mod ledger_files;
mod log_limit;
pub(in crate::store) mod migrations;
#[cfg(test)]
pub(in crate::store) mod query_plan;
mod readers;
pub(in crate::store) mod rows;
mod writer;

pub use ledger_files::list_files_open_to_others;

use super::commits::{CommitMetrics, PoolStatus};
use super::error::StoreError;
use super::ledger_identity::LedgerFact;
use super::migration::Migration;
use super::open_mode::OpenMode;
use super::schema_version::SchemaVersion;
use ledger_files::LedgerFiles;
use log_limit::{LOG_BYTES_KEPT, truncate_log};
use readers::Readers;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// Connections for reading: enough for the cores of a small server, and each costs a page cache.
pub const READERS_DEFAULT: usize = 4;

/// Page cache of the writer, in KiB: what a whole group of jobs changes stays in it until the
/// commit, and is not written and read again meanwhile.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// How often a writer that waits for another program's transaction looks whether it has ended.
/// SQLite's own handler looks after 100 ms in the end.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// How often it looks, which takes about five seconds.
const LOOKS_MAX: i32 = 5_000;

/// Long enough that a writer that waits looks in between.
pub(in crate::store) const OTHERS_TURN: Duration = Duration::from_millis(3);

#[derive(Clone)]
pub(in crate::store) struct SqliteDatabase {
    writer: Writer,
    readers: Readers,
    files: Arc<LedgerFiles>,
}

impl SqliteDatabase {
    /// Opens the file, and brings its schema up to date as far as the mode allows it, if the ledger has
    /// these facts. At most `readers` reads run at once, at least one; the others wait.
    pub(super) fn open(
        path: &Path,
        readers: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
        migrations: &[Migration],
        commits: Arc<CommitMetrics>,
    ) -> Result<Self, StoreError> {
        if mode == OpenMode::Create {
            ledger_files::create_file(path)?;
        } else if !path.exists() {
            return Err(StoreError::NoLedger);
        }
        let mut connection = connect(path, mode)?;
        migrations::migrate(&mut connection, mode, facts, migrations)?;
        let files = Arc::new(LedgerFiles::note(path));
        commits.note_log(files.log_bytes());
        // A negative value is a size in KiB, a positive one a number of pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        let readers = (0..readers).map(|_| connect(path, mode)).collect::<Result<Vec<_>, _>>()?;
        let writer = Writer::start(connection, Arc::clone(&files), commits)?;
        Ok(Self { writer, readers: Readers::new(readers), files })
    }

    /// The connections for reading. Writes have one of their own.
    pub(in crate::store) fn pool_status(&self) -> PoolStatus {
        self.readers.status()
    }

    /// Runs `work` in one transaction, and gives its result once it is durable. What was rolled back
    /// for the failure of another write is run again.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(work).await
    }

    /// Runs `work`, which only reads.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let files = Arc::clone(&self.files);
        self.readers
            .run(move |connection| {
                files.check()?;
                work(connection)
            })
            .await
    }

    /// Runs `work`, which reads a few rows by their keys.
    pub(in crate::store) async fn look_up<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let files = Arc::clone(&self.files);
        self.readers
            .run_here(move |connection| {
                files.check()?;
                work(connection)
            })
            .await
    }

    /// Empties the write-ahead log, which still has the old pages. While a reader is at an older
    /// state, the log stays as it is until the next time.
    pub(in crate::store) async fn scrub(&self) -> Result<(), StoreError> {
        let files = Arc::clone(&self.files);
        self.readers
            .run(move |connection| {
                files.check()?;
                truncate_log(connection)
            })
            .await
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code.to_string());
        // SQLite's messages name tables and constraints, never values.
        Self::Driver { code, message: error.to_string() }
    }
}

/// Waits while another program writes. False once that has taken too long.
#[expect(clippy::disallowed_methods, reason = "no program is notified when another one's lock has ended")]
fn wait_for_others(looked: i32) -> bool {
    std::thread::sleep(LOOK_AGAIN);
    looked < LOOKS_MAX
}

/// How far the schema of a file is; 0 for one without a ledger. A ledger with other facts is an error.
pub(super) fn read_schema_version(path: &Path, facts: &[LedgerFact]) -> Result<SchemaVersion, StoreError> {
    if !path.exists() {
        return Err(StoreError::NoLedger);
    }
    migrations::read_schema_version(&connect(path, OpenMode::ReadOnly)?, facts)
}

/// What a savepoint may have to undo is kept in memory (`temp_store`), not in a temporary file.
pub(in crate::store) fn connect(path: &Path, mode: OpenMode) -> Result<Connection, StoreError> {
    let access = match mode {
        OpenMode::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        OpenMode::Create | OpenMode::Migrate => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_handler(Some(wait_for_others))?;
    // Otherwise a new value for a parameter may ask for a new plan, and the statement is prepared
    // again: that was a fifth of a charge's time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;",
    )?;
    if mode != OpenMode::ReadOnly {
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
             PRAGMA journal_size_limit = {LOG_BYTES_KEPT};",
        ))?;
    }
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}
