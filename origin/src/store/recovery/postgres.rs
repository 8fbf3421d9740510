//! Marks of an incomplete ledger in SQL.

use super::{COPIED_AT, RECOVERING_SINCE, RecoveryMarks, from_stored, to_stored};
use crate::store::error::inconsistent_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;
use onbill_domain::timestamp::Timestamp;

pub(super) async fn find_recovery_marks(db: &PgConnection<'_>) -> Result<RecoveryMarks, TxError> {
    let row = db
        .query_optional(
            "SELECT (SELECT value FROM ledger_identity WHERE fact = $1) AS copied_at,
                 (SELECT value FROM ledger_identity WHERE fact = $2) AS recovering_since",
            &[&COPIED_AT, &RECOVERING_SINCE],
        )
        .await?;
    let Some(row) = row else { return Ok(RecoveryMarks::default()) };
    let mark = |column| -> Result<_, TxError> {
        let value: Option<&[u8]> = row.try_get(column)?;
        let at =
            value.map(|value| from_stored(value).ok_or_else(|| inconsistent_row("ledger_identity.value")));
        Ok(at.transpose()?)
    };
    Ok(RecoveryMarks { copied_at: mark("copied_at")?, recovering_since: mark("recovering_since")? })
}

pub(super) async fn begin_recovery(tx: &PgConnection<'_>, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO ledger_identity (fact, value) VALUES ($1, $2) ON CONFLICT (fact) DO NOTHING",
        &[&RECOVERING_SINCE, &to_stored(now)],
    )
    .await?;
    Ok(())
}

pub(super) async fn end_recovery(tx: &PgConnection<'_>) -> Result<bool, TxError> {
    let removed = tx
        .execute("DELETE FROM ledger_identity WHERE fact IN ($1, $2)", &[&COPIED_AT, &RECOVERING_SINCE])
        .await?;
    Ok(removed > 0)
}
