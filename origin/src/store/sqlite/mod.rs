//! The ledger in one SQLite file, in WAL mode with `synchronous=FULL`: every acknowledged write is
//! on the disk. This module has what all use cases share; the SQL of each is in a module of its
//! own.
//!
//! One thread writes ([`writer`]); reads go to a few connections of their own and never wait for
//! it.

mod migrations;
#[cfg(test)]
pub(in crate::store) mod query_plan;
mod readers;
pub(in crate::store) mod rows;
mod writer;

use super::error::StoreError;
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use writer::Writer;

/// Connections for reading: enough for the cores of a small server, and each costs a page cache.
pub const READERS_DEFAULT: usize = 4;

/// Page cache of the writer, in KiB: what a whole group of jobs changes stays in it until the
/// commit, and is not written and read again meanwhile.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

#[derive(Clone)]
pub(in crate::store) struct SqliteDatabase {
    writer: Writer,
    readers: Readers,
}

impl SqliteDatabase {
    /// Opens the file, creates it if it is missing, and brings its schema up to date. At most
    /// `readers` reads run at once, at least one; the others wait.
    pub(super) fn open(path: &Path, readers: usize) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        migrations::migrate(&mut connection)?;
        // A negative value is a size in KiB, a positive one a number of pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        let readers = (0..readers).map(|_| connect(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { writer: Writer::start(connection)?, readers: Readers::new(readers) })
    }

    /// Runs `work` in one transaction, and gives its result once it is durable.
    pub(in crate::store) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(work).await
    }

    /// Runs `work`, which only reads.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(work).await
    }

    /// Empties the write-ahead log, which still has the old pages. While a reader is at an older
    /// state, the log stays as it is until the next time.
    pub(in crate::store) async fn scrub(&self) -> Result<(), StoreError> {
        self.read(|db| Ok(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)).await
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code.to_string());
        // SQLite's messages name tables and constraints, never values.
        Self::Driver { code, message: error.to_string() }
    }
}

/// What a savepoint may have to undo is kept in memory (`temp_store`), not in a temporary file.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;
         PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}
