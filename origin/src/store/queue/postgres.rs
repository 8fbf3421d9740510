//! The outbox's rows. A row is deleted in the transaction that writes what came of it.
//!
//! An entry is the last that anybody locks: after the charge, what the account has spent, and the PAI.

use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_count, read_pai, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Entry, HandOff, Lane, PUT_OFF_SECONDS_MAX, ParkedEntry, Settling, Work};
use futures_util::future::try_join_all;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The column that names what a kind of entry is about.
pub(in crate::store) fn subject(kind: &str) -> &'static str {
    if kind.starts_with("charge") { "transaction_id" } else { "refund_id" }
}

/// An entry that its caller works on at once, as the first of its attempts, until it is due for everybody.
pub(in crate::store) async fn put_leased(
    tx: &PgConnection<'_>,
    kind: &str,
    id: &str,
    until: Timestamp,
) -> Result<(), TxError> {
    put(tx, kind, id, until, 1).await
}

pub(in crate::store) async fn put(
    tx: &PgConnection<'_>,
    kind: &str,
    id: &str,
    due_at: Timestamp,
    attempts: i64,
) -> Result<(), TxError> {
    let subject = subject(kind);
    tx.execute_one(
        "outbox",
        &format!("INSERT INTO outbox (kind, {subject}, due_at, attempts) VALUES ($1, $2, $3, $4)"),
        &[&kind, &id, &due_at.unix_seconds(), &attempts],
    )
    .await
}

/// A text message of a coupon's.
pub(in crate::store) async fn put_text(
    tx: &PgConnection<'_>,
    kind: &str,
    coupon_id: &str,
    message: &[u8],
    now: Timestamp,
) -> Result<(), TxError> {
    tx.execute_one(
        "outbox",
        "INSERT INTO outbox (kind, coupon_id, payload, due_at, attempts) VALUES ($1, $2, $3, $4, 0)",
        &[&kind, &coupon_id, &message, &now.unix_seconds()],
    )
    .await
}

/// A coupon's text message is not to be sent any more.
pub(in crate::store) async fn drop_text(
    tx: &PgConnection<'_>,
    kind: &str,
    coupon_id: &str,
) -> Result<(), TxError> {
    tx.execute("DELETE FROM outbox WHERE kind = $1 AND coupon_id = $2", &[&kind, &coupon_id]).await?;
    Ok(())
}

/// Has the edge told how a PAI stands, and the partner if it has ever had a subscription for it: a sign-up that was never
/// finished is nothing to it. Whoever is telling them at this moment may not know yet: the attempts go on counting, so
/// that its entry does not go with an older word. Whoever calls this has the PAI locked, and so no subscription comes in
/// between.
pub(in crate::store) async fn tell_of_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: &str,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO outbox (kind, pai, due_at, attempts)
         SELECT kind, $1, $2, 0 FROM (VALUES ('pai-notice'), ('pai-mapping')) AS listeners (kind)
         WHERE kind = 'pai-mapping' OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = $1)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = outbox.attempts + 1, dead_lettered_at = NULL",
        &[&pai, &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// All kinds in one round trip.
pub(in crate::store) async fn lease_due(
    tx: &PgConnection<'_>,
    lane: Lane,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, TxError> {
    let leases = lane.kinds().iter().map(|kind| lease_kind(tx, kind, now, until, limit));
    let mut entries = try_join_all(leases).await?.concat();
    entries.sort_by_key(|entry| entry.job_id);
    Ok(entries)
}

/// Entries that another origin is about to lease or settle are passed over, not waited for.
async fn lease_kind(
    tx: &PgConnection<'_>,
    kind: &str,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Entry>, TxError> {
    let rows = tx
        .query(
            "WITH due AS (
                 SELECT job_id FROM outbox WHERE dead_lettered_at IS NULL AND kind = $4 AND due_at <= $1
                 ORDER BY due_at, job_id LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE outbox o SET due_at = $2, attempts = o.attempts + 1
             FROM due WHERE o.job_id = due.job_id
             RETURNING o.job_id, o.attempts, o.transaction_id, o.refund_id, o.pai, o.coupon_id,
                 o.notification_id, o.payload",
            &[&now.unix_seconds(), &until.unix_seconds(), &i64::from(limit), &kind],
        )
        .await?;
    rows.iter().map(|row| read(kind, row)).collect()
}

fn read(kind: &str, row: &Row) -> Result<Entry, TxError> {
    let work = match kind {
        "charge" => Work::Charge { transaction_id: row.try_get("transaction_id")? },
        "charge-notice" => Work::ChargeNotice { transaction_id: row.try_get("transaction_id")? },
        "refund" => Work::Refund { refund_id: row.try_get("refund_id")? },
        "refund-notice" => Work::RefundNotice { refund_id: row.try_get("refund_id")? },
        "pai-notice" => Work::PaiNotice { pai: read_pai(row, "outbox.pai")? },
        "pai-mapping" => Work::PaiMapping { pai: read_pai(row, "outbox.pai")? },
        "pin" => Work::Pin { message: row.try_get("payload")? },
        "coupon" => Work::Coupon { coupon_id: row.try_get("coupon_id")?, message: row.try_get("payload")? },
        "coupon-reminder" => {
            Work::CouponReminder { coupon_id: row.try_get("coupon_id")?, message: row.try_get("payload")? }
        }
        "notification" => Work::Notification {
            notification_id: row.try_get("notification_id")?,
            message: row.try_get("payload")?,
        },
        _ => return Err(inconsistent_row("outbox.kind").into()),
    };
    Ok(Entry { job_id: row.try_get("job_id")?, attempts: read_count(row, "outbox.attempts")?, work })
}

/// What was told of a PAI may be old by now: then its entry has been put back since, and stays.
pub(in crate::store) async fn settle_telling(
    tx: &PgConnection<'_>,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    let has_it = tx
        .query_optional(
            "SELECT 1 FROM outbox WHERE job_id = $1 AND attempts = $2 FOR UPDATE",
            &[&entry.job_id, &i64::from(entry.attempts)],
        )
        .await?;
    match has_it {
        Some(_) => put_off_or_delete(tx, now, "job_id = $1", &entry.job_id, entry.attempts, outcome).await,
        None => Ok(Settling::Late),
    }
}

/// A verdict takes the entry away, whoever has it. It is put off or parked only by who has it: the number of the attempt
/// tells, so that a late comer does not free the lease of the next.
pub(in crate::store) async fn put_off_or_delete(
    tx: &PgConnection<'_>,
    now: Timestamp,
    which: &str,
    key: &(dyn ToSql + Sync),
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    let attempt = i64::from(attempt);
    let changed = match outcome {
        HandOff::Later { due_at } => {
            let sql = format!("UPDATE outbox SET due_at = $2 WHERE {which} AND attempts = $3");
            tx.execute(&sql, &[key, &due_at.unix_seconds(), &attempt]).await?
        }
        HandOff::Parked => {
            let sql = format!("UPDATE outbox SET dead_lettered_at = $2 WHERE {which} AND attempts = $3");
            tx.execute(&sql, &[key, &now.unix_seconds(), &attempt]).await?
        }
        HandOff::Done { .. }
        | HandOff::Sent { .. }
        | HandOff::Declined { .. }
        | HandOff::Refused { .. }
        | HandOff::Dropped => tx.execute(&format!("DELETE FROM outbox WHERE {which}"), &[key]).await?,
    };
    Ok(if changed == 0 { Settling::Late } else { Settling::Written })
}

/// Makes due what was put off for longer than anything is.
pub(in crate::store) async fn take_back(tx: &PgConnection<'_>, now: Timestamp) -> Result<(), TxError> {
    let latest = now.plus_seconds(PUT_OFF_SECONDS_MAX);
    tx.execute(
        "UPDATE outbox SET due_at = $2 WHERE dead_lettered_at IS NULL AND kind = ANY($1) AND due_at > $3",
        &[&Lane::All.kinds(), &now.unix_seconds(), &latest.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// The next moment at which an entry is due: for each kind the first of its index, and of those the first.
pub(in crate::store) async fn next_due(
    db: &PgConnection<'_>,
    lane: Lane,
) -> Result<Option<Timestamp>, TxError> {
    let row = db
        .query_optional(
            "SELECT min(first.at) AS at FROM unnest($1::TEXT[]) AS kinds (kind) CROSS JOIN LATERAL
                 (SELECT min(due_at) AS at FROM outbox WHERE dead_lettered_at IS NULL AND kind = kinds.kind) AS first",
            &[&lane.kinds()],
        )
        .await?
        .ok_or_else(|| missing_row("outbox"))?;
    Ok(row.try_get::<_, Option<i64>>("at")?.map(Timestamp::from_unix_seconds))
}

const PARKED: &str = "SELECT o.job_id, o.kind, coalesce(o.transaction_id, o.refund_id, o.coupon_id) AS id,
        coalesce(t.partner, r.partner, p.partner) AS partner,
        coalesce(t.ext_transaction_id, r.ext_refund_id, c.ext_coupon_id) AS ext_id,
        o.attempts, o.dead_lettered_at
    FROM outbox o LEFT JOIN transactions t ON t.transaction_id = o.transaction_id
        LEFT JOIN refunds r ON r.refund_id = o.refund_id
        LEFT JOIN coupons c ON c.coupon_id = o.coupon_id LEFT JOIN pais p ON p.pai = c.pai
    WHERE o.dead_lettered_at IS NOT NULL AND o.job_id > $1 ORDER BY o.job_id LIMIT $2";

pub(super) async fn parked(
    db: &PgConnection<'_>,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<ParkedEntry>, TxError> {
    let rows = db.query(PARKED, &[&after.unwrap_or(i64::MIN), &i64::from(limit)]).await?;
    rows.iter().map(parked_entry).collect()
}

fn parked_entry(row: &Row) -> Result<ParkedEntry, TxError> {
    Ok(ParkedEntry {
        job_id: row.try_get("job_id")?,
        kind: row.try_get("kind")?,
        id: row.try_get("id")?,
        partner: parse_column(row, "outbox.partner", PartnerId::parse)?,
        ext_id: parse_column(row, "outbox.ext_id", ExtId::parse)?,
        attempts: read_count(row, "outbox.attempts")?,
        dead_lettered_at: read_time(row, "outbox.dead_lettered_at")?,
    })
}

pub(in crate::store) async fn redrive(
    tx: &PgConnection<'_>,
    now: Timestamp,
    job_id: i64,
) -> Result<bool, TxError> {
    let changed = tx
        .execute(
            "UPDATE outbox SET dead_lettered_at = NULL, due_at = $2, attempts = 1
             WHERE job_id = $1 AND dead_lettered_at IS NOT NULL",
            &[&job_id, &now.unix_seconds()],
        )
        .await?;
    Ok(changed == 1)
}
