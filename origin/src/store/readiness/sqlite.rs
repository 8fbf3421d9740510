//! The write in SQLite: its first page, which is written again even if nothing in it changes.

use crate::store::error::StoreError;
use crate::store::sqlite::migrations::check_schema;
use rusqlite::Connection;

pub(in crate::store) fn rewrite_schema_version(tx: &Connection) -> Result<usize, StoreError> {
    let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let applied = version as usize;
    check_schema(tx, applied)?;
    tx.pragma_update(None, "user_version", version)?;
    Ok(applied)
}
