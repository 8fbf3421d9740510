//! The write in SQLite: the row, and the first page, which is written again even if nothing in it
//! changes. A row whose values stay the same would not be.

use super::{KEPT_SECONDS, LIST_ORIGINS, OriginStatus};
use crate::build_info::version_line;
use crate::store::error::StoreError;
use crate::store::sqlite::migrations::check_schema;
use crate::store::sqlite::rows::read_time;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

pub(in crate::store) fn write_origin(
    tx: &Connection,
    now: Timestamp,
    instance: &str,
    started_at: Timestamp,
) -> Result<usize, StoreError> {
    let version: u32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let applied = version as usize;
    check_schema(tx, applied)?;
    tx.pragma_update(None, "user_version", version)?;
    tx.prepare_cached(
        "INSERT INTO origins (instance, version, started_at, seen_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (instance) DO UPDATE SET version = excluded.version, started_at = excluded.started_at,
             seen_at = excluded.seen_at",
    )?
    .execute(params![instance, version_line(), started_at.unix_seconds(), now.unix_seconds()])?;
    Ok(applied)
}

pub(in crate::store) fn forget_gone_origins(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let since = now.plus_seconds(-KEPT_SECONDS).unix_seconds();
    tx.prepare_cached("DELETE FROM origins WHERE seen_at < ?1")?.execute([since])?;
    Ok(())
}

pub(super) fn list_origins(db: &Connection) -> Result<Vec<OriginStatus>, StoreError> {
    let mut select = db.prepare_cached(LIST_ORIGINS)?;
    let mut rows = select.query([])?;
    let mut origins = Vec::new();
    while let Some(row) = rows.next()? {
        origins.push(OriginStatus {
            instance: row.get("instance")?,
            version: row.get("version")?,
            started_at: read_time(row, "origins.started_at")?,
            seen_at: read_time(row, "origins.seen_at")?,
        });
    }
    Ok(origins)
}
