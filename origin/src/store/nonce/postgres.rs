//! Spent nonces in SQL.

use crate::store::error::StoreError;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::{TxError, conflict};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

/// A call that is about to spend the same nonce is waited for.
pub(in crate::store) async fn spend_nonce(
    tx: &PgConnection<'_>,
    nonce: Option<&Nonce>,
) -> Result<(), TxError> {
    let Some(nonce) = nonce else { return Ok(()) };
    let spent = tx
        .execute(
            "INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[&nonce.key_id(), &nonce.value(), &nonce.expires_at().unix_seconds()],
        )
        .await?;
    if spent == 1 { Ok(()) } else { Err(StoreError::NonceReplayed.into()) }
}

/// Spends the nonces of several calls. One that was spent before is a conflict.
pub(in crate::store) async fn spend_nonces(tx: &PgConnection<'_>, nonces: &[&Nonce]) -> Result<(), TxError> {
    let key_ids: Vec<&str> = nonces.iter().map(|nonce| nonce.key_id()).collect();
    let values: Vec<&str> = nonces.iter().map(|nonce| nonce.value()).collect();
    let ends: Vec<i64> = nonces.iter().map(|nonce| nonce.expires_at().unix_seconds()).collect();
    let spent = tx
        .execute(
            "INSERT INTO nonces (key_id, nonce, expires_at)
             SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[]) ON CONFLICT DO NOTHING",
            &[&key_ids, &values, &ends],
        )
        .await?;
    if spent == nonces.len() as u64 { Ok(()) } else { Err(conflict("nonces")) }
}

pub(in crate::store) async fn delete_expired_nonces(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        // By their places: nothing changes a nonce.
        "DELETE FROM nonces WHERE ctid = ANY (ARRAY
             (SELECT ctid FROM nonces WHERE expires_at BETWEEN 0 AND $1 ORDER BY expires_at LIMIT $2))",
        &[&now.unix_seconds(), &limit],
    )
    .await
}
