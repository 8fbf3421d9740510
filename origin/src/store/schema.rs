//! How far the schema of a ledger is, without opening the ledger for anything else.

use super::error::StoreError;
use super::postgres::PostgresDatabase;
use super::sqlite;
use crate::config::PostgresAddress;
use std::path::Path;

/// The migrations of a ledger, and those of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The number of the last migration that was applied.
    pub applied: usize,
    /// The number of the last one that this program has.
    pub known: usize,
    /// Whether this program may serve on the schema: always on an older one, once it has applied what
    /// is missing, and on a newer one if all migrations that it does not have allow it.
    pub may_serve: bool,
}

impl SchemaVersion {
    /// Of an existing SQLite file. It is opened for reading only.
    pub fn read_sqlite(path: &Path) -> Result<Self, StoreError> {
        sqlite::read_schema_version(path)?.or_no_ledger()
    }

    /// Of a PostgreSQL database.
    pub async fn read_postgres(address: &PostgresAddress) -> Result<Self, StoreError> {
        PostgresDatabase::read_schema_version(address).await?.or_no_ledger()
    }

    fn or_no_ledger(self) -> Result<Self, StoreError> {
        if self.applied == 0 { Err(StoreError::NoLedger) } else { Ok(self) }
    }

    /// The numbers of the migrations that the ledger lacks.
    pub fn missing(&self) -> std::ops::RangeInclusive<usize> {
        self.applied.saturating_add(1)..=self.known
    }
}
