//! Turns at a number: whoever decides about one (its codes of the day, its holder) first takes its row and keeps it
//! until the commit. What is decided by may be rows that are not there yet, so they cannot be the lock.

use super::connection::PgConnection;
use super::tx_error::TxError;
use crate::store::number::NumberIndex;
use onbill_domain::timestamp::Timestamp;

/// A row that nobody took for so long is forgotten, in seconds. Any time longer than a transaction would do.
const KEPT_SECONDS: i64 = 86_400;

/// Waits until nobody else decides about this number, and keeps them off until the end of the transaction.
pub(in crate::store) async fn take(
    tx: &PgConnection<'_>,
    now: Timestamp,
    number: NumberIndex,
) -> Result<(), TxError> {
    tx.execute_one(
        "number_locks",
        "INSERT INTO number_locks (number_index, taken_at) VALUES ($1, $2)
         ON CONFLICT (number_index) DO UPDATE SET taken_at = excluded.taken_at",
        &[&number.0.as_slice(), &now.unix_seconds()],
    )
    .await
}

/// Takes the number's row away with the transaction. Who has waited for it makes it anew.
pub(in crate::store) async fn give_back(tx: &PgConnection<'_>, number: NumberIndex) -> Result<(), TxError> {
    tx.execute("DELETE FROM number_locks WHERE number_index = $1", &[&number.0.as_slice()]).await?;
    Ok(())
}

/// The age is looked at again outside: a row that somebody takes at this moment is not forgotten.
pub(in crate::store) async fn forget(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM number_locks WHERE taken_at <= $1 AND number_index IN
             (SELECT number_index FROM number_locks WHERE taken_at <= $1 LIMIT $2)",
        &[&(now.unix_seconds() - KEPT_SECONDS), &limit],
    )
    .await
}
