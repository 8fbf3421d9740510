//! Spent nonces in SQL.

use crate::store::error::StoreError;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;
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

pub(in crate::store) async fn delete_expired_nonces(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM nonces WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM nonces WHERE expires_at <= $1 LIMIT $2)",
        &[&now.unix_seconds(), &limit],
    )
    .await
}
