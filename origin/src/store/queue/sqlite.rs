//! The outbox's rows. A row is deleted in the transaction that writes what came of it.

use crate::store::error::{StoreError, inconsistent_row};
use crate::store::queue::{Entry, HandOff, Lane, PUT_OFF_SECONDS_MAX, ParkedEntry, Settling, Work};
use crate::store::sqlite::rows::{parse_column, read_pai, read_time};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// The column that names what a kind of entry is about.
pub(in crate::store) fn subject(kind: &str) -> &'static str {
    if kind.starts_with("charge") { "transaction_id" } else { "refund_id" }
}

/// An entry that its caller works on at once, as the first of its attempts, until it is due for everybody.
pub(in crate::store) fn put_leased(
    tx: &Connection,
    kind: &str,
    id: &str,
    until: Timestamp,
) -> Result<(), StoreError> {
    put(tx, kind, id, until, 1)
}

pub(in crate::store) fn put(
    tx: &Connection,
    kind: &str,
    id: &str,
    due_at: Timestamp,
    attempts: u32,
) -> Result<(), StoreError> {
    let subject = subject(kind);
    tx.prepare_cached(&format!(
        "INSERT INTO outbox (kind, {subject}, due_at, attempts) VALUES (?1, ?2, ?3, ?4)"
    ))?
    .execute(params![kind, id, due_at.unix_seconds(), attempts])?;
    Ok(())
}

/// A text message of a coupon's.
pub(in crate::store) fn put_text(
    tx: &Connection,
    kind: &str,
    coupon_id: &str,
    message: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (kind, coupon_id, payload, due_at, attempts) VALUES (?1, ?2, ?3, ?4, 0)",
    )?
    .execute(params![kind, coupon_id, message, now.unix_seconds()])?;
    Ok(())
}

/// A coupon's text message is not to be sent any more.
pub(in crate::store) fn drop_text(tx: &Connection, kind: &str, coupon_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM outbox WHERE kind = ?1 AND coupon_id = ?2")?
        .execute(params![kind, coupon_id])?;
    Ok(())
}

/// Has the edge told how a PAI stands, and the partner if it has ever had a subscription for it: a sign-up that was never
/// finished is nothing to it. Whoever is telling them at this moment may not know yet: the attempts go on counting, so
/// that its entry does not go with an older word.
pub(in crate::store) fn tell_of_pai(tx: &Connection, now: Timestamp, pai: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (kind, pai, due_at, attempts)
         SELECT kind, ?1, ?2, 0 FROM (SELECT 'pai-notice' AS kind UNION ALL SELECT 'pai-mapping')
         WHERE kind = 'pai-mapping' OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = ?1)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = attempts + 1, dead_lettered_at = NULL",
    )?
    .execute(params![pai, now.unix_seconds()])?;
    Ok(())
}

pub(in crate::store) fn lease_due(
    tx: &Connection,
    lane: Lane,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for kind in lane.kinds() {
        lease_kind(tx, kind, now, until, limit, &mut entries)?;
    }
    entries.sort_by_key(|entry| entry.job_id);
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
        "UPDATE outbox SET due_at = ?2, attempts = attempts + 1
         WHERE job_id IN (SELECT job_id FROM outbox WHERE dead_lettered_at IS NULL AND kind = ?4 AND due_at <= ?1
                            ORDER BY due_at, job_id LIMIT ?3)
         RETURNING job_id, attempts, transaction_id, refund_id, pai, coupon_id, notification_id, payload",
    )?;
    let mut rows = lease.query(params![now.unix_seconds(), until.unix_seconds(), limit, kind])?;
    while let Some(row) = rows.next()? {
        let work = match kind {
            "charge" => Work::Charge { transaction_id: row.get("transaction_id")? },
            "charge-notice" => Work::ChargeNotice { transaction_id: row.get("transaction_id")? },
            "refund" => Work::Refund { refund_id: row.get("refund_id")? },
            "refund-notice" => Work::RefundNotice { refund_id: row.get("refund_id")? },
            "pai-notice" => Work::PaiNotice { pai: read_pai(row, "outbox.pai")? },
            "pai-mapping" => Work::PaiMapping { pai: read_pai(row, "outbox.pai")? },
            "pin" => Work::Pin { message: row.get("payload")? },
            "coupon" => Work::Coupon { coupon_id: row.get("coupon_id")?, message: row.get("payload")? },
            "coupon-reminder" => {
                Work::CouponReminder { coupon_id: row.get("coupon_id")?, message: row.get("payload")? }
            }
            "notification" => Work::Notification {
                notification_id: row.get("notification_id")?,
                message: row.get("payload")?,
            },
            _ => return Err(inconsistent_row("outbox.kind")),
        };
        entries.push(Entry { job_id: row.get("job_id")?, attempts: row.get("attempts")?, work });
    }
    Ok(())
}

/// What was told of a PAI may be old by now: then its entry has been put back since, and stays.
pub(in crate::store) fn settle_telling(
    tx: &Connection,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let has_it: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE job_id = ?1 AND attempts = ?2)")?
        .query_row(params![entry.job_id, entry.attempts], |row| row.get(0))?;
    if has_it {
        put_off_or_delete(tx, now, "job_id = ?1", &entry.job_id, entry.attempts, outcome)
    } else {
        Ok(Settling::Late)
    }
}

/// A verdict takes the entry away, whoever has it. It is put off or parked only by who has it: the number of the attempt
/// tells, so that a late comer does not free the lease of the next.
pub(in crate::store) fn put_off_or_delete(
    tx: &Connection,
    now: Timestamp,
    which: &str,
    key: &dyn rusqlite::ToSql,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let changed = match outcome {
        HandOff::Later { due_at } => tx
            .prepare_cached(&format!("UPDATE outbox SET due_at = ?2 WHERE {which} AND attempts = ?3"))?
            .execute(params![key, due_at.unix_seconds(), attempt])?,
        HandOff::Parked => tx
            .prepare_cached(&format!(
                "UPDATE outbox SET dead_lettered_at = ?2 WHERE {which} AND attempts = ?3"
            ))?
            .execute(params![key, now.unix_seconds(), attempt])?,
        HandOff::Done { .. }
        | HandOff::Sent { .. }
        | HandOff::Declined { .. }
        | HandOff::Refused { .. }
        | HandOff::Dropped => {
            tx.prepare_cached(&format!("DELETE FROM outbox WHERE {which}"))?.execute([key])?
        }
    };
    Ok(if changed == 0 { Settling::Late } else { Settling::Written })
}

/// Makes due what was put off for longer than anything is.
pub(in crate::store) fn take_back(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(
        "UPDATE outbox SET due_at = ?2 WHERE dead_lettered_at IS NULL AND kind = ?1 AND due_at > ?3",
    )?;
    let latest = now.plus_seconds(PUT_OFF_SECONDS_MAX);
    for kind in Lane::All.kinds() {
        update.execute(params![kind, now.unix_seconds(), latest.unix_seconds()])?;
    }
    Ok(())
}

/// The next moment at which an entry is due.
pub(in crate::store) fn next_due(db: &Connection, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT min(due_at) FROM outbox WHERE dead_lettered_at IS NULL AND kind = ?1")?;
    let mut next: Option<i64> = None;
    for kind in lane.kinds() {
        let at: Option<i64> = select.query_row([kind], |row| row.get(0))?;
        next = next.into_iter().chain(at).min();
    }
    Ok(next.map(Timestamp::from_unix_seconds))
}

const PARKED: &str = "SELECT o.job_id, o.kind, coalesce(o.transaction_id, o.refund_id, o.coupon_id) AS id,
        coalesce(t.partner, r.partner, p.partner) AS partner,
        coalesce(t.ext_transaction_id, r.ext_refund_id, c.ext_coupon_id) AS ext_id,
        o.attempts, o.dead_lettered_at
    FROM outbox o LEFT JOIN transactions t ON t.transaction_id = o.transaction_id
        LEFT JOIN refunds r ON r.refund_id = o.refund_id
        LEFT JOIN coupons c ON c.coupon_id = o.coupon_id LEFT JOIN pais p ON p.pai = c.pai
    WHERE o.dead_lettered_at IS NOT NULL AND o.job_id > ?1 ORDER BY o.job_id LIMIT ?2";

pub(super) fn parked(
    db: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<ParkedEntry>, StoreError> {
    let mut select = db.prepare_cached(PARKED)?;
    let mut rows = select.query(params![after.unwrap_or(i64::MIN), limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(ParkedEntry {
            job_id: row.get("job_id")?,
            kind: row.get("kind")?,
            id: row.get("id")?,
            partner: parse_column(row, "outbox.partner", PartnerId::parse)?,
            ext_id: parse_column(row, "outbox.ext_id", ExtId::parse)?,
            attempts: row.get("attempts")?,
            dead_lettered_at: read_time(row, "outbox.dead_lettered_at")?,
        });
    }
    Ok(entries)
}

pub(in crate::store) fn redrive(tx: &Connection, now: Timestamp, job_id: i64) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET dead_lettered_at = NULL, due_at = ?2, attempts = 1
             WHERE job_id = ?1 AND dead_lettered_at IS NOT NULL",
        )?
        .execute(params![job_id, now.unix_seconds()])?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn dead_letters_are_read_along_their_index() {
        for step in query_plan(PARKED) {
            assert!(!step.contains("SCAN o") || step.contains("outbox_dead_letters"), "{step}");
            assert!(!step.starts_with("SCAN t") && !step.contains("TEMP B-TREE"), "{step}");
        }
    }
}
