//! How far the schema of a ledger is, without opening the ledger for anything else.

use super::error::StoreError;
use super::postgres::PostgresDatabase;
use super::schema_version::SchemaVersion;
use super::sqlite;
use crate::config::PostgresAddress;
use std::path::Path;

impl SchemaVersion {
    /// Of an existing SQLite file. It is opened for reading only.
    pub fn read_sqlite(path: &Path) -> Result<Self, StoreError> {
        sqlite::read_schema_version(path)?.or_no_ledger()
    }

    /// Of a PostgreSQL database.
    pub async fn read_postgres(address: &PostgresAddress) -> Result<Self, StoreError> {
        PostgresDatabase::read_schema_version(address).await?.or_no_ledger()
    }
}
