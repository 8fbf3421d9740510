//! How far the schema of a ledger is, and whose ledger it is, without opening it for anything else.

use super::error::StoreError;
use super::ledger_identity::LedgerFact;
use super::postgres::PostgresDatabase;
use super::schema_version::SchemaVersion;
use super::sqlite;
use crate::config::PostgresAddress;
use std::path::Path;

impl SchemaVersion {
    /// Of an existing SQLite file, if the ledger in it has these facts. It is opened for reading only.
    pub fn read_sqlite(path: &Path, facts: &[LedgerFact]) -> Result<Self, StoreError> {
        sqlite::read_schema_version(path, facts)?.or_no_ledger()
    }

    /// Of a PostgreSQL database, if the ledger in it has these facts.
    pub async fn read_postgres(address: &PostgresAddress, facts: &[LedgerFact]) -> Result<Self, StoreError> {
        PostgresDatabase::read_schema_version(address, facts).await?.or_no_ledger()
    }
}
