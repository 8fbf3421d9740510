//! Migrations: numbered files that are only ever added. `user_version` is the number of the last
//! one that was applied.

use crate::store::error::StoreError;
use crate::store::open_mode::OpenMode;
use crate::store::schema::SchemaVersion;
use rusqlite::{Connection, TransactionBehavior};

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/sqlite/0001_schema.sql")];

/// The number of the newest migration, in both databases.
pub const SCHEMA_VERSION: usize = MIGRATIONS.len();

/// Applies what is missing, all of it in one transaction, as far as the mode allows it.
pub(in crate::store) fn migrate(connection: &mut Connection, mode: OpenMode) -> Result<(), StoreError> {
    if mode == OpenMode::ReadOnly {
        return missing_migrations(connection, mode).map(drop);
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for n in missing_migrations(&tx, mode)? {
        tx.execute_batch(MIGRATIONS[n])?;
        tx.pragma_update(None, "user_version", i64::try_from(n + 1).unwrap_or(i64::MAX))?;
    }
    tx.commit()?;
    Ok(())
}

fn missing_migrations(connection: &Connection, mode: OpenMode) -> Result<std::ops::Range<usize>, StoreError> {
    let SchemaVersion { applied, known } = read_schema_version(connection)?;
    mode.missing_migrations(applied, known)
}

/// How far the schema is; 0 where there is no ledger.
pub(super) fn read_schema_version(connection: &Connection) -> Result<SchemaVersion, StoreError> {
    let applied: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(SchemaVersion { applied: applied as usize, known: MIGRATIONS.len() })
}
