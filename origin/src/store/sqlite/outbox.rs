//! The outbox: leased, tried, settled. A row is deleted in the transaction that writes what came of it.

use super::rows::pai as read_pai;
use super::{charges, corrupt, coupon_texts, redemptions, refunds};
use crate::store::outbox::kept_if_refused;
use crate::store::{Entry, HandOff, Lane, PUT_OFF_SECONDS_MAX, Settling, StoreError, Work};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, params};

/// The column that names what a kind of entry is about.
pub(super) fn subject(kind: &str) -> &'static str {
    if kind.starts_with("charge") { "transaction_id" } else { "refund_id" }
}

/// An entry that its caller works on at once, as the first of its attempts, until it is due for everybody.
pub(super) fn put_leased(tx: &Connection, kind: &str, id: &str, until: Timestamp) -> Result<(), StoreError> {
    put(tx, kind, id, until, 1)
}

pub(super) fn put(
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
pub(super) fn put_text(
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
pub(super) fn drop_text(tx: &Connection, kind: &str, coupon_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM outbox WHERE kind = ?1 AND coupon_id = ?2")?
        .execute(params![kind, coupon_id])?;
    Ok(())
}

/// Has the edge told how a PAI stands, and the partner if it has ever had a subscription for it: a sign-up that was never
/// finished is nothing to it. Whoever is telling them at this moment may not know yet: the attempts go on counting, so
/// that its entry does not go with an older word.
pub(super) fn tell_of_pai(tx: &Connection, now: Timestamp, pai: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (kind, pai, due_at, attempts)
         SELECT kind, ?1, ?2, 0 FROM (SELECT 'pai-notice' AS kind UNION ALL SELECT 'pai-mapping')
         WHERE kind = 'pai-mapping' OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = ?1)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = attempts + 1, parked_at = NULL",
    )?
    .execute(params![pai, now.unix_seconds()])?;
    Ok(())
}

pub(super) fn lease_due(
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
        "UPDATE outbox SET due_at = ?2, attempts = attempts + 1
         WHERE entry_id IN (SELECT entry_id FROM outbox WHERE parked_at IS NULL AND kind = ?4 AND due_at <= ?1
                            ORDER BY due_at, entry_id LIMIT ?3)
         RETURNING entry_id, attempts, transaction_id, refund_id, pai, coupon_id, notification_id, payload",
    )?;
    let mut rows = lease.query(params![now.unix_seconds(), until.unix_seconds(), limit, kind])?;
    while let Some(row) = rows.next()? {
        let work = match kind {
            "charge" => Work::Charge { transaction_id: row.get("transaction_id")? },
            "charge-notice" => Work::ChargeNotice { transaction_id: row.get("transaction_id")? },
            "refund" => Work::Refund { refund_id: row.get("refund_id")? },
            "refund-notice" => Work::RefundNotice { refund_id: row.get("refund_id")? },
            "pai-notice" => Work::PaiNotice { pai: read_pai(row)? },
            "pai-mapping" => Work::PaiMapping { pai: read_pai(row)? },
            "pin" => Work::Pin { message: row.get("payload")? },
            "coupon" => Work::Coupon { coupon_id: row.get("coupon_id")?, message: row.get("payload")? },
            "coupon-reminder" => {
                Work::CouponReminder { coupon_id: row.get("coupon_id")?, message: row.get("payload")? }
            }
            "notification" => Work::Notification {
                notification_id: row.get("notification_id")?,
                message: row.get("payload")?,
            },
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
) -> Result<Settling, StoreError> {
    let (settling, kind, id) = match &entry.work {
        Work::Charge { transaction_id } => (
            settle_charge(tx, now, transaction_id, entry.attempts, outcome)?,
            "charge-notice",
            transaction_id,
        ),
        Work::Refund { refund_id } => {
            (settle_refund(tx, now, refund_id, entry.attempts, outcome)?, "refund-notice", refund_id)
        }
        Work::ChargeNotice { .. }
        | Work::RefundNotice { .. }
        | Work::Pin { .. }
        | Work::Notification { .. } => {
            return put_off_or_delete(tx, now, "entry_id = ?1", &entry.entry_id, entry.attempts, outcome);
        }
        Work::CouponReminder { .. } => return settle_telling(tx, now, entry, kept_if_refused(outcome)),
        Work::PaiNotice { .. } | Work::PaiMapping { .. } => return settle_telling(tx, now, entry, outcome),
        Work::Coupon { coupon_id, .. } => return settle_coupon(tx, now, entry, coupon_id, outcome),
    };
    tell(tx, now, kind, id, settling, outcome)?;
    Ok(settling)
}

/// Puts a notice in when a verdict was written: its post was answered before. What becomes of a coupon's charge is the
/// operator's affair: the coupon is spent, and no post of the partner's is open.
pub(super) fn tell(
    tx: &Connection,
    now: Timestamp,
    kind: &str,
    id: &str,
    settling: Settling,
    outcome: &HandOff,
) -> Result<(), StoreError> {
    if settling == Settling::Written
        && outcome.is_verdict()
        && !(kind == "charge-notice" && redemptions::is_coupons(tx, id)?)
    {
        put(tx, kind, id, now, 0)?;
    }
    Ok(())
}

/// Writes what came of a hand-off by its `attempt`.
pub(super) fn settle_charge(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Sent { .. } | HandOff::Refused { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome);
        }
    };
    let settling = charges::settle(tx, now, transaction_id, status, reason, raw_code.as_deref())?;
    put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome)?;
    Ok(settling)
}

/// The same of a refund.
pub(super) fn settle_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let (status, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, raw_code),
        HandOff::Refused { raw_code } => (TransactionStatus::Declined, raw_code),
        HandOff::Sent { .. } | HandOff::Declined { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome);
        }
    };
    let settling = refunds::settle(tx, now, refund_id, status, raw_code.as_deref())?;
    put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome)?;
    Ok(settling)
}

/// A coupon may have another code by now, and this message be an old one: its entry is gone then.
fn settle_coupon(
    tx: &Connection,
    now: Timestamp,
    entry: &Entry,
    coupon_id: &str,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let settling = settle_telling(tx, now, entry, kept_if_refused(outcome))?;
    if settling != Settling::Written {
        return Ok(settling);
    }
    let (reason, code) = match outcome {
        HandOff::Sent { message_id } => return coupon_texts::sent(tx, now, coupon_id, message_id.as_deref()),
        HandOff::Refused { raw_code } => (UndeliveredReason::Refused, raw_code.as_deref()),
        HandOff::Parked => (UndeliveredReason::GivenUp, None),
        HandOff::Dropped => (UndeliveredReason::NotSent, None),
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Later { .. } => return Ok(settling),
    };
    coupon_texts::not_coming(tx, now, coupon_id, reason, code)?;
    Ok(settling)
}

/// What was told of a PAI may be old by now: then its entry has been put back since, and stays.
fn settle_telling(
    tx: &Connection,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, StoreError> {
    let has_it: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE entry_id = ?1 AND attempts = ?2)")?
        .query_row(params![entry.entry_id, entry.attempts], |row| row.get(0))?;
    if has_it {
        put_off_or_delete(tx, now, "entry_id = ?1", &entry.entry_id, entry.attempts, outcome)
    } else {
        Ok(Settling::Late)
    }
}

const CHARGE: &str = "kind = 'charge' AND transaction_id = ?1";
const REFUND: &str = "kind = 'refund' AND refund_id = ?1";

/// A verdict takes the entry away, whoever has it. It is put off or parked only by who has it: the number of the attempt
/// tells, so that a late comer does not free the lease of the next.
fn put_off_or_delete(
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
            .prepare_cached(&format!("UPDATE outbox SET parked_at = ?2 WHERE {which} AND attempts = ?3"))?
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
pub(super) fn take_back(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(
        "UPDATE outbox SET due_at = ?2 WHERE parked_at IS NULL AND kind = ?1 AND due_at > ?3",
    )?;
    let latest = now.plus_seconds(PUT_OFF_SECONDS_MAX);
    for kind in Lane::All.kinds() {
        update.execute(params![kind, now.unix_seconds(), latest.unix_seconds()])?;
    }
    Ok(())
}

/// The next moment at which an entry is due.
pub(super) fn next_due(db: &Connection, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT min(due_at) FROM outbox WHERE parked_at IS NULL AND kind = ?1")?;
    let mut next: Option<i64> = None;
    for kind in lane.kinds() {
        let at: Option<i64> = select.query_row([kind], |row| row.get(0))?;
        next = next.into_iter().chain(at).min();
    }
    Ok(next.map(Timestamp::from_unix_seconds))
}
