//! The outbox: leased, tried, settled. A row is deleted in the transaction that writes what came of it.

use super::failure::{Broken, corrupt};
use super::rows::{count, pai as read_pai};
use super::statements::Db;
use super::{ledger, pais};
use crate::store::{Entry, HandOff, Work};
use onbill_domain::decline::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use tokio_postgres::types::ToSql;

pub(super) async fn lease_due(
    tx: &Db<'_>,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, Broken> {
    let mut entries = Vec::new();
    for kind in ["pin", "charge"] {
        lease_kind(tx, kind, now, until, limit, &mut entries).await?;
    }
    entries.sort_by_key(|entry| entry.entry_id);
    Ok(entries)
}

/// Entries that another origin is about to lease or settle are passed over, not waited for.
async fn lease_kind(
    tx: &Db<'_>,
    kind: &str,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    entries: &mut Vec<Entry>,
) -> Result<(), Broken> {
    let rows = tx
        .rows(
            "WITH due AS (
                 SELECT entry_id FROM outbox WHERE parked_at IS NULL AND kind = $4 AND due_at <= $1 AND leased_until <= $1
                 ORDER BY due_at, entry_id LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE outbox o SET leased_until = $2, attempts = o.attempts + 1
             FROM due WHERE o.entry_id = due.entry_id
             RETURNING o.entry_id, o.attempts, o.transaction_id, o.payload",
            &[&now.unix_seconds(), &until.unix_seconds(), &i64::from(limit), &kind],
        )
        .await?;
    for row in rows {
        let work = match (row.try_get("transaction_id")?, row.try_get("payload")?) {
            (Some(transaction_id), None) => Work::Charge { transaction_id },
            (None, Some(message)) => Work::Pin { message },
            _ => return Err(corrupt("outbox entry")),
        };
        entries.push(Entry { entry_id: row.try_get("entry_id")?, attempts: count(&row, "attempts")?, work });
    }
    Ok(())
}

pub(super) async fn settle(
    tx: &Db<'_>,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<(), Broken> {
    match &entry.work {
        Work::Charge { transaction_id } => settle_charge(tx, now, transaction_id, outcome).await,
        Work::Pin { .. } => put_off_or_delete(tx, now, "entry_id = $1", &entry.entry_id, outcome).await,
    }
}

/// Writes what came of a hand-off. A charge that is settled already stays as it is: billing gives one transaction id
/// one verdict, so two leases of it that overlap have learned the same.
pub(super) async fn settle_charge(
    tx: &Db<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(), Broken> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Dropped => return Ok(()),
        HandOff::Later { .. } | HandOff::Parked => {
            // The charge before its entry, as everybody takes them: crosswise, two would wait for each other.
            ledger::lock(tx, transaction_id).await?;
            return put_off_or_delete(tx, now, "transaction_id = $1", &transaction_id, outcome).await;
        }
    };
    let settled = tx
        .row(
            "UPDATE transactions SET status = $2, decline_reason = $3, raw_code = $4, settled_at = $5
             WHERE transaction_id = $1 AND status = 'PENDING' RETURNING pai",
            &[
                &transaction_id,
                &status.as_str(),
                &reason.map(DeclineReason::as_str),
                raw_code,
                &now.unix_seconds(),
            ],
        )
        .await?;
    if let (Some(row), Some(reason)) = (settled, reason)
        && reason.ends_pai()
    {
        pais::close(tx, &read_pai(&row)?.to_string(), reason).await?;
    }
    put_off_or_delete(tx, now, "transaction_id = $1", &transaction_id, outcome).await
}

/// Whoever comes late finds no entry, or one of its own: there may be none to change, and never two.
async fn put_off_or_delete(
    tx: &Db<'_>,
    now: Timestamp,
    which: &str,
    key: &(dyn ToSql + Sync),
    outcome: &HandOff,
) -> Result<(), Broken> {
    let changed = match outcome {
        HandOff::Later { due_at } => {
            let sql = format!("UPDATE outbox SET due_at = $2, leased_until = 0 WHERE {which}");
            tx.change(&sql, &[key, &due_at.unix_seconds()]).await?
        }
        HandOff::Parked => {
            let sql = format!("UPDATE outbox SET parked_at = $2, leased_until = 0 WHERE {which}");
            tx.change(&sql, &[key, &now.unix_seconds()]).await?
        }
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Dropped => {
            tx.change(&format!("DELETE FROM outbox WHERE {which}"), &[key]).await?
        }
    };
    if changed > 1 { Err(corrupt("outbox entry")) } else { Ok(()) }
}

/// The next moment at which an entry is due and free.
pub(super) async fn next_due(db: &Db<'_>) -> Result<Option<Timestamp>, Broken> {
    let row = db
        .row("SELECT min(greatest(due_at, leased_until)) AS at FROM outbox WHERE parked_at IS NULL", &[])
        .await?
        .ok_or_else(|| corrupt("outbox"))?;
    Ok(row.try_get::<_, Option<i64>>("at")?.map(Timestamp::from_unix_seconds))
}
