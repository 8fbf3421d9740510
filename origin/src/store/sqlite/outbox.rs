//! The outbox: leased, tried, settled. A row is deleted in the transaction that writes what came of it.

use super::rows::pai as read_pai;
use super::{corrupt, pais};
use crate::store::{Entry, HandOff, StoreError, Work};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn lease_due(
    tx: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for kind in ["pin", "charge"] {
        lease_kind(tx, kind, now, until, limit, &mut entries)?;
    }
    entries.sort_by_key(|entry| entry.entry_id);
    Ok(entries)
}

fn lease_kind(
    tx: &Connection,
    kind: &str,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    entries: &mut Vec<Entry>,
) -> Result<(), StoreError> {
    let mut lease = tx.prepare_cached(
        "UPDATE outbox SET leased_until = ?2, attempts = attempts + 1
         WHERE entry_id IN (SELECT entry_id FROM outbox WHERE parked_at IS NULL AND kind = ?4 AND due_at <= ?1
                            AND leased_until <= ?1 ORDER BY due_at, entry_id LIMIT ?3)
         RETURNING entry_id, attempts, transaction_id, payload",
    )?;
    let mut rows = lease.query(params![now.unix_seconds(), until.unix_seconds(), limit, kind])?;
    while let Some(row) = rows.next()? {
        let work = match (row.get("transaction_id")?, row.get("payload")?) {
            (Some(transaction_id), None) => Work::Charge { transaction_id },
            (None, Some(message)) => Work::Pin { message },
            _ => return Err(corrupt("outbox entry")),
        };
        entries.push(Entry { entry_id: row.get("entry_id")?, attempts: row.get("attempts")?, work });
    }
    Ok(())
}

pub(super) fn settle(
    tx: &Connection,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<(), StoreError> {
    match &entry.work {
        Work::Charge { transaction_id } => settle_charge(tx, now, transaction_id, outcome),
        Work::Pin { .. } => {
            put_off_or_delete(tx, now, "entry_id = ?1", &entry.entry_id, outcome)?;
            Ok(())
        }
    }
}

/// Writes what came of a hand-off. A charge that is settled already stays as it is: billing gives one transaction id
/// one verdict, so two leases of it that overlap have learned the same.
pub(super) fn settle_charge(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(), StoreError> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Dropped => return Ok(()),
        HandOff::Later { .. } | HandOff::Parked => {
            return put_off_or_delete(tx, now, "transaction_id = ?1", &transaction_id, outcome);
        }
    };
    let pai = tx
        .prepare_cached(
            "UPDATE transactions SET status = ?2, decline_reason = ?3, raw_code = ?4, settled_at = ?5
             WHERE transaction_id = ?1 AND status = 'PENDING' RETURNING pai",
        )?
        .query_row(
            params![
                transaction_id,
                status.as_str(),
                reason.map(onbill_domain::decline::DeclineReason::as_str),
                raw_code,
                now.unix_seconds()
            ],
            |row| Ok(read_pai(row)),
        )
        .optional()?
        .transpose()?;
    if let (Some(pai), Some(reason)) = (pai, reason)
        && reason.ends_pai()
    {
        pais::close(tx, &pai.to_string(), reason)?;
    }
    put_off_or_delete(tx, now, "transaction_id = ?1", &transaction_id, outcome)
}

fn put_off_or_delete(
    tx: &Connection,
    now: Timestamp,
    which: &str,
    key: &dyn rusqlite::ToSql,
    outcome: &HandOff,
) -> Result<(), StoreError> {
    match outcome {
        HandOff::Later { due_at } => tx
            .prepare_cached(&format!("UPDATE outbox SET due_at = ?2, leased_until = 0 WHERE {which}"))?
            .execute(params![key, due_at.unix_seconds()])?,
        HandOff::Parked => tx
            .prepare_cached(&format!("UPDATE outbox SET parked_at = ?2, leased_until = 0 WHERE {which}"))?
            .execute(params![key, now.unix_seconds()])?,
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Dropped => {
            tx.prepare_cached(&format!("DELETE FROM outbox WHERE {which}"))?.execute([key])?
        }
    };
    Ok(())
}

/// The next moment at which an entry is due and free.
pub(super) fn next_due(db: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = db
        .prepare_cached("SELECT min(max(due_at, leased_until)) FROM outbox WHERE parked_at IS NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(at.map(Timestamp::from_unix_seconds))
}
