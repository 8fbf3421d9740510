//! Nonces that were spent.

use crate::store::error::StoreError;
use crate::store::postgres::failure::Broken;
use crate::store::postgres::statements::Db;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

/// Spends a nonce, once. Whoever is about to spend the same one is waited for. A person who reads in a file has none.
pub(in crate::store) async fn spend(tx: &Db<'_>, nonce: Option<&Nonce>) -> Result<(), Broken> {
    let Some(nonce) = nonce else { return Ok(()) };
    let spent = tx
        .change(
            "INSERT INTO nonces (key_id, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[&nonce.key_id(), &nonce.value(), &nonce.expires_at().unix_seconds()],
        )
        .await?;
    if spent == 1 { Ok(()) } else { Err(StoreError::NonceSpent.into()) }
}

pub(in crate::store) async fn forget(tx: &Db<'_>, now: Timestamp, limit: i64) -> Result<u64, Broken> {
    tx.change(
        "DELETE FROM nonces WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM nonces WHERE expires_at <= $1 LIMIT $2)",
        &[&now.unix_seconds(), &limit],
    )
    .await
}
