//! Locks of numbers. A decision about a number (its PINs of the day, its subscriber) may depend on
//! rows that do not exist yet and so cannot be locked: the use case locks the number's row here
//! first, until the commit.

use super::connection::PgConnection;
use super::tx_error::TxError;
use crate::store::number::NumberIndex;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeSet;

/// Rows unused for so long, in seconds, are deleted. Any time longer than a transaction would do.
const KEPT_SECONDS: i64 = 86_400;

/// Waits for the lock of this number and keeps it until the end of the transaction.
pub(in crate::store) async fn acquire(
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

/// The same for many numbers, each once, in their order: two that lock several cannot deadlock.
pub(in crate::store) async fn acquire_all(
    tx: &PgConnection<'_>,
    now: Timestamp,
    numbers: &BTreeSet<NumberIndex>,
) -> Result<(), TxError> {
    let numbers: Vec<&[u8]> = numbers.iter().map(|number| number.0.as_slice()).collect();
    tx.execute(
        "INSERT INTO number_locks (number_index, taken_at)
         SELECT n, $2 FROM unnest($1::BYTEA[]) WITH ORDINALITY AS c (n, place) ORDER BY place
         ON CONFLICT (number_index) DO UPDATE SET taken_at = excluded.taken_at",
        &[&numbers, &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// Deletes the number's row with the transaction. A caller that waited for it inserts it again.
pub(in crate::store) async fn delete(tx: &PgConnection<'_>, number: NumberIndex) -> Result<(), TxError> {
    tx.execute("DELETE FROM number_locks WHERE number_index = $1", &[&number.0.as_slice()]).await?;
    Ok(())
}

/// The outer condition repeats the age, so that a row which is locked at this moment stays.
pub(in crate::store) async fn delete_unused(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM number_locks WHERE taken_at <= $1 AND number_index = ANY (ARRAY
             (SELECT number_index FROM number_locks WHERE taken_at BETWEEN 0 AND $1 ORDER BY taken_at LIMIT $2))",
        &[&(now.unix_seconds() - KEPT_SECONDS), &limit],
    )
    .await
}
