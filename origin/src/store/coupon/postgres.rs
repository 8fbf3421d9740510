//! Coupons in SQL.
//!
//! A coupon's row is the lock for everything about it, its redemptions included. It is locked after
//! an existing charge, and before PAIs and jobs.

use crate::store::coupon::{
    ChangeCouponResult, CouponBuyer, CouponCodeSms, CouponFilter, CouponRow, IssueCouponResult, NewCoupon,
};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::number::Hash;
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_count, read_hash, read_locale, read_number,
    read_pai, read_place, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, JobKind, SmsJob, postgres as queue};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{Undelivered, UndeliveredReason};
use tokio_postgres::Row;

pub(super) async fn issue_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewCoupon,
) -> Result<IssueCouponResult, TxError> {
    if let Some(row) = find_coupon(tx, &new.ext_coupon_id).await? {
        return Ok(if row.is_of(&new.fingerprint) {
            IssueCouponResult::Replayed(Box::new(row))
        } else {
            IssueCouponResult::Conflict
        });
    }
    let buyer = pai::put_pai(tx, now, &new.buyer).await?;
    // The same id at the same moment violates the unique index here, and the use case starts again.
    tx.execute_one(
        "coupons",
        "INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale,
             amount_minor, currency, code_hash, sms_count, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14)",
        &[
            &new.coupon_id,
            &new.ext_coupon_id.as_str(),
            &new.fingerprint.as_slice(),
            &buyer.pai.to_string(),
            &new.plan.as_str(),
            &i64::from(new.months),
            &new.offer.as_str(),
            &new.description,
            &new.locale.as_str(),
            &new.amount.amount_minor,
            &new.amount.currency.as_str(),
            &new.text.code.as_slice(),
            &now.unix_seconds(),
            &new.expires_at.unix_seconds(),
        ],
    )
    .await?;
    put_sms(tx, now, &new.coupon_id, &new.text.message).await?;
    let row = find_coupon(tx, &new.ext_coupon_id).await?.ok_or_else(|| missing_row("coupons"))?;
    Ok(IssueCouponResult::Created(Box::new(row)))
}

const COUPON: &str = "SELECT c.*, r.period_from, r.period_to,
        r.transaction_id IS NOT NULL AND r.pai IS DISTINCT FROM c.pai AS is_gift
    FROM coupons c LEFT JOIN coupon_redemptions r ON r.transaction_id = c.transaction_id";

pub(super) async fn find_coupon(db: &PgConnection<'_>, id: &ExtId) -> Result<Option<CouponRow>, TxError> {
    let row = db.query_optional(&format!("{COUPON} WHERE c.ext_coupon_id = $1"), &[&id.as_str()]).await?;
    row.as_ref().map(read_coupon).transpose()
}

async fn lock_and_find_coupon(tx: &PgConnection<'_>, id: &ExtId) -> Result<Option<CouponRow>, TxError> {
    tx.query_optional("SELECT 1 FROM coupons WHERE ext_coupon_id = $1 FOR UPDATE", &[&id.as_str()]).await?;
    find_coupon(tx, id).await
}

pub(in crate::store) async fn lock_coupon(tx: &PgConnection<'_>, coupon_id: &str) -> Result<(), TxError> {
    tx.query_optional("SELECT 1 FROM coupons WHERE coupon_id = $1 FOR UPDATE", &[&coupon_id]).await?;
    Ok(())
}

/// A void or redeemed coupon needs no SMS.
const UNDELIVERED: &str =
    "AND c.undelivered_at IS NOT NULL AND c.voided_at IS NULL AND c.redeemed_at IS NULL";

pub(super) async fn list_coupons(
    db: &PgConnection<'_>,
    after: Option<&ExtId>,
    which: CouponFilter,
    limit: u32,
) -> Result<Vec<CouponRow>, TxError> {
    let (these, now) = match which {
        CouponFilter::All => ("", None),
        CouponFilter::Unpaid => ("AND c.unpaid_at IS NOT NULL", None),
        CouponFilter::Undelivered(now) => (UNDELIVERED, Some(now.unix_seconds())),
    };
    let sql = format!(
        "{COUPON} WHERE c.ext_coupon_id > $1 AND coalesce(c.expires_at > $3, TRUE) {these}
         ORDER BY c.ext_coupon_id LIMIT $2"
    );
    let rows = db.query(&sql, &[&after.map_or("", ExtId::as_str), &i64::from(limit), &now]).await?;
    rows.iter().map(read_coupon).collect()
}

fn read_coupon(row: &Row) -> Result<CouponRow, TxError> {
    let when =
        |column| Ok::<_, TxError>(row.try_get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_seconds));
    let days = (
        parse_optional_column(row, "coupon_redemptions.period_from", Day::parse)?,
        parse_optional_column(row, "coupon_redemptions.period_to", Day::parse)?,
    );
    let service_period = match days {
        (Some(from), Some(to)) => {
            Some(ServicePeriod::new(from, to).map_err(|_| inconsistent_row("coupon_redemptions.period_to"))?)
        }
        _ => None,
    };
    let undelivered =
        match parse_optional_column(row, "coupons.undelivered_reason", UndeliveredReason::parse)? {
            None => None,
            Some(reason) => {
                let at = when("undelivered_at")?.ok_or_else(|| inconsistent_row("coupons.undelivered_at"))?;
                Some(Undelivered { at, reason, code: row.try_get("undelivered_code")? })
            }
        };
    Ok(CouponRow {
        coupon_id: row.try_get("coupon_id")?,
        ext_coupon_id: parse_column(row, "coupons.ext_coupon_id", ExtId::parse)?,
        fingerprint: read_fingerprint(row)?,
        pai: read_pai(row, "coupons.pai")?,
        plan: parse_column(row, "coupons.plan", ExtId::parse)?,
        months: read_months(row)?,
        offer: parse_column(row, "coupons.offer", OfferId::parse)?,
        description: row.try_get("description")?,
        amount: read_amount(row, "coupons.currency")?,
        texts: read_count(row, "coupons.sms_count")?,
        issued_at: read_time(row, "coupons.issued_at")?,
        expires_at: read_time(row, "coupons.expires_at")?,
        sent_at: when("sent_at")?,
        delivered_at: when("delivered_at")?,
        undelivered,
        voided_at: when("voided_at")?,
        redeemed_at: when("redeemed_at")?,
        transaction_id: row.try_get("transaction_id")?,
        service_period,
        is_gift: row.try_get("is_gift")?,
        unpaid_at: when("unpaid_at")?,
    })
}

fn read_fingerprint(row: &Row) -> Result<Option<Hash>, TxError> {
    match row.try_get::<_, Option<&[u8]>>("fingerprint")? {
        None => Ok(None),
        Some(_) => read_hash(row, "coupons.fingerprint").map(Some),
    }
}

pub(in crate::store) fn read_months(row: &Row) -> Result<u8, TxError> {
    u8::try_from(read_count(row, "coupons.months")?).map_err(|_| inconsistent_row("coupons.months").into())
}

pub(super) async fn find_coupon_buyer(
    db: &PgConnection<'_>,
    id: &ExtId,
) -> Result<Option<CouponBuyer>, TxError> {
    let row = db
        .query_optional(
            "SELECT h.number_index, h.number_sealed, h.subscriber_ref, c.locale
             FROM coupons c JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
             WHERE c.ext_coupon_id = $1 AND p.state <> 'CLOSED'",
            &[&id.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(CouponBuyer {
        number: read_number(&row, "subscribers.number_index")?,
        subscriber_ref: row.try_get("subscriber_ref")?,
        locale: read_locale(&row, "coupons.locale")?,
    }))
}

pub(in crate::store) async fn resend_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    id: &ExtId,
    resend_id: Option<&ExtId>,
    new: &CouponCodeSms,
) -> Result<ChangeCouponResult, TxError> {
    let Some(row) = lock_and_find_coupon(tx, id).await? else { return Ok(ChangeCouponResult::NotFound) };
    if let Some(resend_id) = resend_id {
        let sql = "SELECT 1 FROM coupon_resends WHERE coupon_id = $1 AND resend_id = $2";
        if tx.query_optional(sql, &[&row.coupon_id, &resend_id.as_str()]).await?.is_some() {
            return Ok(ChangeCouponResult::Repeated(Box::new(row)));
        }
    }
    if row.voided_at.is_some()
        || row.redeemed_at.is_some()
        || now >= row.expires_at
        || row.texts >= COUPON_SMS_MAX
    {
        return Ok(ChangeCouponResult::NotAllowed(Box::new(row)));
    }
    match lock_open_pai(tx, row.pai).await? {
        Some(false) => {}
        Some(true) => return Ok(ChangeCouponResult::NotCutOver(row.pai)),
        None => return Ok(ChangeCouponResult::BuyerGone(row.pai)),
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET code_hash = $2, sms_count = sms_count + 1, message_id = NULL, sent_at = NULL,
             delivered_at = NULL, undelivered_at = NULL, undelivered_reason = NULL, undelivered_code = NULL
         WHERE coupon_id = $1",
        &[&row.coupon_id, &new.code.as_slice()],
    )
    .await?;
    if let Some(resend_id) = resend_id {
        let sql = "INSERT INTO coupon_resends (coupon_id, resend_id) VALUES ($1, $2)";
        tx.execute_one("coupon_resends", sql, &[&row.coupon_id, &resend_id.as_str()]).await?;
    }
    queue::delete(tx, JobKind::CouponSms, &row.coupon_id).await?;
    put_sms(tx, now, &row.coupon_id, &new.message).await?;
    to_changed(tx, id).await
}

/// Whether the PAI is dark; `None` if it is not open. The lock keeps an erasure off until the SMS is
/// queued, so that it deletes the SMS too.
async fn lock_open_pai(tx: &PgConnection<'_>, pai: Pai) -> Result<Option<bool>, TxError> {
    let sql = "SELECT dark_since IS NOT NULL AS is_dark FROM pais WHERE pai = $1 AND state <> 'CLOSED'
         FOR NO KEY UPDATE";
    let row = tx.query_optional(sql, &[&pai.to_string()]).await?;
    Ok(row.map(|row| row.try_get("is_dark")).transpose()?)
}

async fn put_sms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    coupon_id: &str,
    message: &[u8],
) -> Result<(), TxError> {
    let sms = SmsJob::Coupon { coupon_id: coupon_id.to_owned(), message: message.to_vec() };
    queue::put(tx, &Job::Sms(sms), now, 0).await
}

/// Deletes the fingerprints of an erased buyer's coupons. It comes before their PAIs are
/// closed, as coupons are locked before PAIs.
pub(in crate::store) async fn delete_fingerprints(
    tx: &PgConnection<'_>,
    subscribers: &[&str],
) -> Result<(), TxError> {
    tx.execute(
        // Looked up for each PAI, and then by id: PostgreSQL would else read all coupons.
        "UPDATE coupons SET fingerprint = NULL WHERE coupon_id = ANY (ARRAY
             (SELECT c.coupon_id FROM pais p CROSS JOIN LATERAL
                 (SELECT l.coupon_id FROM coupons l WHERE l.pai = p.pai OFFSET 0) c
              WHERE p.subscriber_id = ANY ($1)))",
        &[&subscribers],
    )
    .await?;
    Ok(())
}

/// Deletes queued SMS to erased subscribers: the number is in them.
pub(in crate::store) async fn delete_queued_sms(
    tx: &PgConnection<'_>,
    subscribers: &[&str],
) -> Result<(), TxError> {
    let (coupon, reminder) = (JobKind::CouponSms.sql(), JobKind::CouponReminderSms.sql());
    let sql = format!(
        "DELETE FROM outbox WHERE kind = {coupon} AND coupon_id = ANY (ARRAY
             (SELECT c.coupon_id FROM pais p CROSS JOIN LATERAL
                 (SELECT l.coupon_id FROM coupons l WHERE l.pai = p.pai OFFSET 0) c
              WHERE p.subscriber_id = ANY ($1)))"
    );
    tx.execute(&sql, &[&subscribers]).await?;
    let sql = format!(
        "DELETE FROM outbox WHERE kind = {reminder} AND coupon_id = ANY (ARRAY
             (SELECT r.coupon_id FROM pais p CROSS JOIN LATERAL
                 (SELECT l.coupon_id FROM coupon_redemptions l
                  WHERE l.pai = p.pai AND l.outcome <> 'DECLINED' OFFSET 0) r
              WHERE p.subscriber_id = ANY ($1)))"
    );
    tx.execute(&sql, &[&subscribers]).await?;
    Ok(())
}

pub(in crate::store) async fn void_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    id: &ExtId,
) -> Result<ChangeCouponResult, TxError> {
    let Some(row) = lock_and_find_coupon(tx, id).await? else { return Ok(ChangeCouponResult::NotFound) };
    if row.redeemed_at.is_some() {
        return Ok(ChangeCouponResult::NotAllowed(Box::new(row)));
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET voided_at = coalesce(voided_at, $2) WHERE coupon_id = $1",
        &[&row.coupon_id, &now.unix_seconds()],
    )
    .await?;
    queue::delete(tx, JobKind::CouponSms, &row.coupon_id).await?;
    to_changed(tx, id).await
}

async fn to_changed(tx: &PgConnection<'_>, id: &ExtId) -> Result<ChangeCouponResult, TxError> {
    let row = find_coupon(tx, id).await?.ok_or_else(|| missing_row("coupons"))?;
    Ok(ChangeCouponResult::Done(Box::new(row)))
}

pub(in crate::store) fn read_last_day(row: Option<Row>) -> Result<Option<Day>, TxError> {
    let day: Option<String> = row.ok_or_else(|| missing_row("coupon_redemptions"))?.try_get("until")?;
    day.map(|day| Day::parse(&day).ok_or_else(|| inconsistent_row("coupon_redemptions.period_to").into()))
        .transpose()
}

/// The last day that coupons have paid for, of the PAI `$1` and from the day `$2`. The days of a fully
/// refunded coupon are unpaid once billing has approved the refunds.
pub(in crate::store) const PAID: &str = "SELECT max(r.period_to) AS until
    FROM coupon_redemptions r JOIN transactions t ON t.transaction_id = r.transaction_id
    WHERE r.pai = $1 AND r.outcome <> 'DECLINED' AND r.period_to >= $2
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')";

pub(in crate::store) async fn find_paid_until(
    db: &PgConnection<'_>,
    pai: Pai,
    today: Day,
) -> Result<Option<Day>, TxError> {
    read_last_day(db.query_optional(PAID, &[&pai.to_string(), &today.to_string()]).await?)
}

/// Those of these PAIs and periods, by their place in the list, for which coupons may have paid: ones
/// that were refunded since are among them.
pub(in crate::store) async fn find_perhaps_paid_within(
    tx: &PgConnection<'_>,
    periods: &[(Pai, ServicePeriod)],
) -> Result<Vec<usize>, TxError> {
    let pais: Vec<String> = periods.iter().map(|(pai, _)| pai.to_string()).collect();
    let (from, to): (Vec<_>, Vec<_>) =
        periods.iter().map(|(_, period)| (period.from().to_string(), period.to().to_string())).unzip();
    let rows = tx
        .query(
            "SELECT c.place FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[]) WITH ORDINALITY
                 AS c (pai, period_from, period_to, place)
                 JOIN coupon_redemptions r ON r.pai = c.pai AND r.outcome <> 'DECLINED'
                     AND r.period_to >= c.period_from AND r.period_from <= c.period_to",
            &[&pais, &from, &to],
        )
        .await?;
    rows.iter().map(read_place).collect()
}
