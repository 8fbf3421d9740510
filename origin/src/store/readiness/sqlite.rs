//! The write in SQLite: the row, and the first page, which is written again even if nothing in it
//! changes. A row whose values stay the same would not be.

use super::KEPT_SECONDS;
use crate::store::error::StoreError;
use crate::store::sqlite::migrations::check_schema;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

pub(in crate::store) fn write_origin(
    tx: &Connection,
    now: Timestamp,
    instance: &str,
) -> Result<usize, StoreError> {
    let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let applied = version as usize;
    check_schema(tx, applied)?;
    tx.pragma_update(None, "user_version", version)?;
    tx.prepare_cached(
        "INSERT INTO origins (instance, seen_at) VALUES (?1, ?2)
         ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at",
    )?
    .execute(params![instance, now.unix_seconds()])?;
    Ok(applied)
}

pub(in crate::store) fn forget_gone_origins(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let since = now.plus_seconds(-KEPT_SECONDS).unix_seconds();
    tx.prepare_cached("DELETE FROM origins WHERE seen_at < ?1")?.execute([since])?;
    Ok(())
}
