//! Spent nonces in SQL.

use crate::store::error::StoreError;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

pub(in crate::store) fn spend_nonce(tx: &Connection, nonce: Option<&Nonce>) -> Result<(), StoreError> {
    let Some(nonce) = nonce else { return Ok(()) };
    let mut insert = tx.prepare_cached(
        "INSERT INTO nonces (key_id, nonce, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    match insert.execute(params![nonce.key_id(), nonce.value(), nonce.expires_at().unix_seconds()])? {
        1 => Ok(()),
        _ => Err(StoreError::NonceReplayed),
    }
}

pub(in crate::store) fn delete_expired_nonces(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM nonces WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM nonces WHERE expires_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds(), limit])?)
}
