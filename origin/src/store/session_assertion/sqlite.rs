//! Used session assertions in SQL.

use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::session_assertion::PresentedAssertion;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// Spends the assertion. Returns whether it is this frame's, and not one that another has used.
pub(in crate::store) fn spend_assertion(
    tx: &Connection,
    presented: &PresentedAssertion,
) -> Result<bool, StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO session_assertions (assertion_hash, frame_hash, expires_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
    )?;
    insert.execute(params![presented.assertion, presented.frame, presented.expires_at.unix_seconds()])?;
    let mut select =
        tx.prepare_cached("SELECT frame_hash FROM session_assertions WHERE assertion_hash = ?1")?;
    let first: Hash = select.query_row([presented.assertion], |row| row.get(0))?;
    Ok(first == presented.frame)
}

pub(in crate::store) fn delete_expired_assertions(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM session_assertions WHERE assertion_hash IN
             (SELECT assertion_hash FROM session_assertions WHERE expires_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds(), limit])?)
}
