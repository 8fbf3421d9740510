//! The outbox: leased, tried, settled. A row is deleted in the transaction that writes what came of it.
//!
//! An entry is the last that anybody locks: after the charge, what the account has spent, and the PAI.

use super::failure::{Broken, corrupt};
use super::rows::{count, pai as read_pai};
use super::statements::Db;
use super::{charges, coupon_texts, coupons, redemptions, refunds};
use crate::store::outbox::kept_if_refused;
use crate::store::{Entry, HandOff, Lane, PUT_OFF_SECONDS_MAX, Settling, Work};
use futures_util::future::try_join_all;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The column that names what a kind of entry is about.
pub(super) fn subject(kind: &str) -> &'static str {
    if kind.starts_with("charge") { "transaction_id" } else { "refund_id" }
}

/// An entry that its caller works on at once, as the first of its attempts, until it is due for everybody.
pub(super) async fn put_leased(tx: &Db<'_>, kind: &str, id: &str, until: Timestamp) -> Result<(), Broken> {
    put(tx, kind, id, until, 1).await
}

pub(super) async fn put(
    tx: &Db<'_>,
    kind: &str,
    id: &str,
    due_at: Timestamp,
    attempts: i64,
) -> Result<(), Broken> {
    let subject = subject(kind);
    tx.change_one(
        "outbox entry",
        &format!("INSERT INTO outbox (kind, {subject}, due_at, attempts) VALUES ($1, $2, $3, $4)"),
        &[&kind, &id, &due_at.unix_seconds(), &attempts],
    )
    .await
}

/// A text message of a coupon's.
pub(super) async fn put_text(
    tx: &Db<'_>,
    kind: &str,
    coupon_id: &str,
    message: &[u8],
    now: Timestamp,
) -> Result<(), Broken> {
    tx.change_one(
        "outbox entry",
        "INSERT INTO outbox (kind, coupon_id, payload, due_at, attempts) VALUES ($1, $2, $3, $4, 0)",
        &[&kind, &coupon_id, &message, &now.unix_seconds()],
    )
    .await
}

/// A coupon's text message is not to be sent any more.
pub(super) async fn drop_text(tx: &Db<'_>, kind: &str, coupon_id: &str) -> Result<(), Broken> {
    tx.change("DELETE FROM outbox WHERE kind = $1 AND coupon_id = $2", &[&kind, &coupon_id]).await?;
    Ok(())
}

/// Has the edge told how a PAI stands, and the partner if it has ever had a subscription for it: a sign-up that was never
/// finished is nothing to it. Whoever is telling them at this moment may not know yet: the attempts go on counting, so
/// that its entry does not go with an older word. Whoever calls this has the PAI locked, and so no subscription comes in
/// between.
pub(super) async fn tell_of_pai(tx: &Db<'_>, now: Timestamp, pai: &str) -> Result<(), Broken> {
    tx.change(
        "INSERT INTO outbox (kind, pai, due_at, attempts)
         SELECT kind, $1, $2, 0 FROM (VALUES ('pai-notice'), ('pai-mapping')) AS listeners (kind)
         WHERE kind = 'pai-mapping' OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = $1)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = outbox.attempts + 1, parked_at = NULL",
        &[&pai, &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// All kinds in one round trip.
pub(super) async fn lease_due(
    tx: &Db<'_>,
    lane: Lane,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, Broken> {
    let leases = lane.kinds().iter().map(|kind| lease_kind(tx, kind, now, until, limit));
    let mut entries = try_join_all(leases).await?.concat();
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
) -> Result<Vec<Entry>, Broken> {
    let rows = tx
        .rows(
            "WITH due AS (
                 SELECT entry_id FROM outbox WHERE parked_at IS NULL AND kind = $4 AND due_at <= $1
                 ORDER BY due_at, entry_id LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE outbox o SET due_at = $2, attempts = o.attempts + 1
             FROM due WHERE o.entry_id = due.entry_id
             RETURNING o.entry_id, o.attempts, o.transaction_id, o.refund_id, o.pai, o.coupon_id,
                 o.notification_id, o.payload",
            &[&now.unix_seconds(), &until.unix_seconds(), &i64::from(limit), &kind],
        )
        .await?;
    rows.iter().map(|row| read(kind, row)).collect()
}

fn read(kind: &str, row: &Row) -> Result<Entry, Broken> {
    let work = match kind {
        "charge" => Work::Charge { transaction_id: row.try_get("transaction_id")? },
        "charge-notice" => Work::ChargeNotice { transaction_id: row.try_get("transaction_id")? },
        "refund" => Work::Refund { refund_id: row.try_get("refund_id")? },
        "refund-notice" => Work::RefundNotice { refund_id: row.try_get("refund_id")? },
        "pai-notice" => Work::PaiNotice { pai: read_pai(row)? },
        "pai-mapping" => Work::PaiMapping { pai: read_pai(row)? },
        "pin" => Work::Pin { message: row.try_get("payload")? },
        "coupon" => Work::Coupon { coupon_id: row.try_get("coupon_id")?, message: row.try_get("payload")? },
        "coupon-reminder" => {
            Work::CouponReminder { coupon_id: row.try_get("coupon_id")?, message: row.try_get("payload")? }
        }
        "notification" => Work::Notification {
            notification_id: row.try_get("notification_id")?,
            message: row.try_get("payload")?,
        },
        _ => return Err(corrupt("outbox entry")),
    };
    Ok(Entry { entry_id: row.try_get("entry_id")?, attempts: count(row, "attempts")?, work })
}

pub(super) async fn settle(
    tx: &Db<'_>,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    let (settling, kind, id) = match &entry.work {
        Work::Charge { transaction_id } => (
            settle_charge(tx, now, transaction_id, entry.attempts, outcome).await?,
            "charge-notice",
            transaction_id,
        ),
        Work::Refund { refund_id } => {
            (settle_refund(tx, now, refund_id, entry.attempts, outcome).await?, "refund-notice", refund_id)
        }
        Work::ChargeNotice { .. }
        | Work::RefundNotice { .. }
        | Work::Pin { .. }
        | Work::Notification { .. } => {
            return put_off_or_delete(tx, now, "entry_id = $1", &entry.entry_id, entry.attempts, outcome)
                .await;
        }
        Work::CouponReminder { .. } => {
            return settle_telling(tx, now, entry, kept_if_refused(outcome)).await;
        }
        Work::PaiNotice { .. } | Work::PaiMapping { .. } => {
            return settle_telling(tx, now, entry, outcome).await;
        }
        Work::Coupon { coupon_id, .. } => return settle_coupon(tx, now, entry, coupon_id, outcome).await,
    };
    tell(tx, now, kind, id, settling, outcome).await?;
    Ok(settling)
}

/// Puts a notice in when a verdict was written: its post was answered before. What becomes of a coupon's charge is the
/// operator's affair: the coupon is spent, and no post of the partner's is open.
pub(super) async fn tell(
    tx: &Db<'_>,
    now: Timestamp,
    kind: &str,
    id: &str,
    settling: Settling,
    outcome: &HandOff,
) -> Result<(), Broken> {
    if settling == Settling::Written
        && outcome.is_verdict()
        && !(kind == "charge-notice" && redemptions::coupon_of(tx, id).await?.is_some())
    {
        put(tx, kind, id, now, 0).await?;
    }
    Ok(())
}

/// Writes what came of a hand-off by its `attempt`. The charge is locked before its entry, also where only the entry is
/// changed: crosswise, two would wait for each other.
pub(super) async fn settle_charge(
    tx: &Db<'_>,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Sent { .. } | HandOff::Refused { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            charges::lock(tx, transaction_id).await?;
            return put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome).await;
        }
    };
    let settling = charges::settle(tx, now, transaction_id, status, reason, raw_code.as_deref()).await?;
    put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome).await?;
    Ok(settling)
}

/// The same of a refund. Its charge stays locked.
pub(super) async fn settle_refund(
    tx: &Db<'_>,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    refunds::lock(tx, refund_id).await?;
    let (status, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, raw_code),
        HandOff::Refused { raw_code } => (TransactionStatus::Declined, raw_code),
        HandOff::Sent { .. } | HandOff::Declined { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome).await;
        }
    };
    let settling = refunds::settle(tx, now, refund_id, status, raw_code.as_deref()).await?;
    put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome).await?;
    Ok(settling)
}

/// A coupon may have another code by now, and this message be an old one: its entry is gone then. Who gives it another
/// code locks the coupon first, too.
async fn settle_coupon(
    tx: &Db<'_>,
    now: Timestamp,
    entry: &Entry,
    coupon_id: &str,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    coupons::lock(tx, coupon_id).await?;
    let settling = settle_telling(tx, now, entry, kept_if_refused(outcome)).await?;
    if settling != Settling::Written {
        return Ok(settling);
    }
    let (reason, code) = match outcome {
        HandOff::Sent { message_id } => {
            return coupon_texts::sent(tx, now, coupon_id, message_id.as_deref()).await;
        }
        HandOff::Refused { raw_code } => (UndeliveredReason::Refused, raw_code.as_deref()),
        HandOff::Parked => (UndeliveredReason::GivenUp, None),
        HandOff::Dropped => (UndeliveredReason::NotSent, None),
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Later { .. } => return Ok(settling),
    };
    coupon_texts::not_coming(tx, now, coupon_id, reason, code).await?;
    Ok(settling)
}

/// What was told of a PAI may be old by now: then its entry has been put back since, and stays.
async fn settle_telling(
    tx: &Db<'_>,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    let has_it = tx
        .row(
            "SELECT 1 FROM outbox WHERE entry_id = $1 AND attempts = $2 FOR UPDATE",
            &[&entry.entry_id, &i64::from(entry.attempts)],
        )
        .await?;
    match has_it {
        Some(_) => {
            put_off_or_delete(tx, now, "entry_id = $1", &entry.entry_id, entry.attempts, outcome).await
        }
        None => Ok(Settling::Late),
    }
}

const CHARGE: &str = "kind = 'charge' AND transaction_id = $1";
const REFUND: &str = "kind = 'refund' AND refund_id = $1";

/// A verdict takes the entry away, whoever has it. It is put off or parked only by who has it: the number of the attempt
/// tells, so that a late comer does not free the lease of the next.
async fn put_off_or_delete(
    tx: &Db<'_>,
    now: Timestamp,
    which: &str,
    key: &(dyn ToSql + Sync),
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, Broken> {
    let attempt = i64::from(attempt);
    let changed = match outcome {
        HandOff::Later { due_at } => {
            let sql = format!("UPDATE outbox SET due_at = $2 WHERE {which} AND attempts = $3");
            tx.change(&sql, &[key, &due_at.unix_seconds(), &attempt]).await?
        }
        HandOff::Parked => {
            let sql = format!("UPDATE outbox SET parked_at = $2 WHERE {which} AND attempts = $3");
            tx.change(&sql, &[key, &now.unix_seconds(), &attempt]).await?
        }
        HandOff::Done { .. }
        | HandOff::Sent { .. }
        | HandOff::Declined { .. }
        | HandOff::Refused { .. }
        | HandOff::Dropped => tx.change(&format!("DELETE FROM outbox WHERE {which}"), &[key]).await?,
    };
    Ok(if changed == 0 { Settling::Late } else { Settling::Written })
}

/// Makes due what was put off for longer than anything is.
pub(super) async fn take_back(tx: &Db<'_>, now: Timestamp) -> Result<(), Broken> {
    let latest = now.plus_seconds(PUT_OFF_SECONDS_MAX);
    tx.change(
        "UPDATE outbox SET due_at = $2 WHERE parked_at IS NULL AND kind = ANY($1) AND due_at > $3",
        &[&Lane::All.kinds(), &now.unix_seconds(), &latest.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// The next moment at which an entry is due: for each kind the first of its index, and of those the first.
pub(super) async fn next_due(db: &Db<'_>, lane: Lane) -> Result<Option<Timestamp>, Broken> {
    let row = db
        .row(
            "SELECT min(first.at) AS at FROM unnest($1::TEXT[]) AS kinds (kind) CROSS JOIN LATERAL
                 (SELECT min(due_at) AS at FROM outbox WHERE parked_at IS NULL AND kind = kinds.kind) AS first",
            &[&lane.kinds()],
        )
        .await?
        .ok_or_else(|| corrupt("outbox"))?;
    Ok(row.try_get::<_, Option<i64>>("at")?.map(Timestamp::from_unix_seconds))
}
