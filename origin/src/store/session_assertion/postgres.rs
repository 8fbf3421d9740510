//! Used session assertions in SQL.

use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_hash;
use crate::store::postgres::tx_error::TxError;
use crate::store::session_assertion::PresentedAssertion;
use onbill_domain::timestamp::Timestamp;

/// Spends the assertion. Returns whether it is this frame's, and not one that another has used. A
/// call that is about to spend the same one is waited for.
pub(in crate::store) async fn spend_assertion(
    tx: &PgConnection<'_>,
    presented: &PresentedAssertion,
) -> Result<bool, TxError> {
    let (assertion, frame) = (presented.assertion.as_slice(), presented.frame.as_slice());
    let inserted = tx
        .execute(
            "INSERT INTO session_assertions (assertion_hash, frame_hash, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            &[&assertion, &frame, &presented.expires_at.unix_seconds()],
        )
        .await?;
    if inserted == 1 {
        return Ok(true);
    }
    let row = tx
        .query_optional("SELECT frame_hash FROM session_assertions WHERE assertion_hash = $1", &[&assertion])
        .await?;
    match row {
        Some(row) => Ok(read_hash(&row, "session_assertions.frame_hash")? == presented.frame),
        // It was deleted in between, so it has expired.
        None => Ok(false),
    }
}

pub(in crate::store) async fn delete_expired_assertions(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM session_assertions WHERE assertion_hash = ANY (ARRAY
             (SELECT assertion_hash FROM session_assertions WHERE expires_at BETWEEN 0 AND $1
              ORDER BY expires_at LIMIT $2))",
        &[&now.unix_seconds(), &limit],
    )
    .await
}
