//! Sessions of the console in SQL.

use super::{ConsoleSession, KEPT_SECONDS, NewConsoleSession, SessionRow, read_roles, write_roles};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::sqlite::rows::{parse_column, read_time};
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

pub(super) fn begin_console_session(
    tx: &Connection,
    now: Timestamp,
    new: &NewConsoleSession,
    earlier: Option<Hash>,
) -> Result<bool, StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO console_sessions (session_hash, sign_in_hash, actor, display_name, roles, created_at, last_seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        new.session,
        new.sign_in,
        new.actor.as_str(),
        new.display_name,
        write_roles(&new.roles),
        now.unix_seconds()
    ])?;
    if inserted == 0 {
        return Ok(false);
    }
    if let Some(earlier) = earlier {
        end_console_session(tx, now, earlier)?;
    }
    Ok(true)
}

pub(super) fn find_console_session(db: &Connection, session: Hash) -> Result<Option<SessionRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT actor, display_name, roles, created_at, last_seen_at, ended_at IS NOT NULL AS has_ended
         FROM console_sessions WHERE session_hash = ?1",
    )?;
    let mut rows = select.query([session])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let roles: String = row.get("roles")?;
    Ok(Some(SessionRow {
        session: ConsoleSession {
            actor: parse_column(row, "console_sessions.actor", ExtId::parse)?,
            display_name: row.get("display_name")?,
            roles: read_roles(&roles)?,
        },
        created_at: read_time(row, "console_sessions.created_at")?,
        last_seen_at: read_time(row, "console_sessions.last_seen_at")?,
        has_ended: row.get("has_ended")?,
    }))
}

/// A clock that is behind takes nothing back.
pub(super) fn note_console_session(tx: &Connection, now: Timestamp, session: Hash) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE console_sessions SET last_seen_at = max(last_seen_at, ?2) WHERE session_hash = ?1",
    )?
    .execute(params![session, now.unix_seconds()])?;
    Ok(())
}

pub(super) fn end_console_session(tx: &Connection, now: Timestamp, session: Hash) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE console_sessions SET ended_at = ?2 WHERE session_hash = ?1 AND ended_at IS NULL",
    )?
    .execute(params![session, now.unix_seconds()])?;
    Ok(())
}

pub(in crate::store) fn delete_old_sessions(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM console_sessions WHERE session_hash IN
             (SELECT session_hash FROM console_sessions WHERE created_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.plus_seconds(-KEPT_SECONDS).unix_seconds(), limit])?)
}
