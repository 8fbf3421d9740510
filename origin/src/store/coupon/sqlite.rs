//! Coupons in SQL.

use crate::store::coupon::{
    ChangeCouponResult, CouponBuyer, CouponCodeSms, CouponFilter, CouponRow, IssueCouponResult, NewCoupon,
};
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, JobKind, SmsJob, sqlite as queue};
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_locale, read_number, read_pai,
};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{Undelivered, UndeliveredReason};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) fn issue_coupon(
    tx: &Connection,
    now: Timestamp,
    new: &NewCoupon,
) -> Result<IssueCouponResult, StoreError> {
    if let Some(row) = find_coupon(tx, &new.ext_coupon_id)? {
        return Ok(if row.is_of(&new.fingerprint) {
            IssueCouponResult::Replayed(Box::new(row))
        } else {
            IssueCouponResult::Conflict
        });
    }
    let buyer = pai::put_pai(tx, now, &new.buyer)?;
    tx.prepare_cached(
        "INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale,
             amount_minor, currency, code_hash, sms_count, issued_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?13, ?14)",
    )?
    .execute(params![
        new.coupon_id,
        new.ext_coupon_id.as_str(),
        new.fingerprint,
        buyer.pai.to_string(),
        new.plan.as_str(),
        new.months,
        new.offer.as_str(),
        new.description,
        new.locale.as_str(),
        new.amount.amount_minor,
        new.amount.currency.as_str(),
        new.text.code,
        now.unix_seconds(),
        new.expires_at.unix_seconds(),
    ])?;
    put_sms(tx, now, &new.coupon_id, &new.text.message)?;
    let row = find_coupon(tx, &new.ext_coupon_id)?.ok_or_else(|| missing_row("coupons"))?;
    Ok(IssueCouponResult::Created(Box::new(row)))
}

const COUPON: &str = "SELECT c.*, r.period_from, r.period_to,
        r.transaction_id IS NOT NULL AND r.pai IS NOT c.pai AS is_gift
    FROM coupons c LEFT JOIN coupon_redemptions r ON r.transaction_id = c.transaction_id";

pub(super) fn find_coupon(db: &Connection, id: &ExtId) -> Result<Option<CouponRow>, StoreError> {
    let mut select = db.prepare_cached(&format!("{COUPON} WHERE c.ext_coupon_id = ?1"))?;
    let mut rows = select.query([id.as_str()])?;
    rows.next()?.map(read_coupon).transpose()
}

/// A void or redeemed coupon needs no SMS.
const UNDELIVERED: &str =
    "AND c.undelivered_at IS NOT NULL AND c.voided_at IS NULL AND c.redeemed_at IS NULL";

pub(super) fn list_coupons(
    db: &Connection,
    after: Option<&ExtId>,
    which: CouponFilter,
    limit: u32,
) -> Result<Vec<CouponRow>, StoreError> {
    let (these, now) = match which {
        CouponFilter::All => ("", None),
        CouponFilter::Unpaid => ("AND c.unpaid_at IS NOT NULL", None),
        CouponFilter::Undelivered(now) => (UNDELIVERED, Some(now.unix_seconds())),
    };
    let mut select = db.prepare_cached(&format!(
        "{COUPON} WHERE c.ext_coupon_id > ?1 AND coalesce(c.expires_at > ?3, TRUE) {these}
         ORDER BY c.ext_coupon_id LIMIT ?2"
    ))?;
    let mut rows = select.query(params![after.map_or("", ExtId::as_str), limit, now])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(read_coupon(row)?);
    }
    Ok(page)
}

fn read_coupon(row: &Row<'_>) -> Result<CouponRow, StoreError> {
    let time = |column| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp::from_unix_seconds));
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
                let at = time("undelivered_at")?.ok_or_else(|| inconsistent_row("coupons.undelivered_at"))?;
                Some(Undelivered { at, reason, code: row.get("undelivered_code")? })
            }
        };
    Ok(CouponRow {
        coupon_id: row.get("coupon_id")?,
        ext_coupon_id: parse_column(row, "coupons.ext_coupon_id", ExtId::parse)?,
        fingerprint: row.get("fingerprint")?,
        pai: read_pai(row, "coupons.pai")?,
        plan: parse_column(row, "coupons.plan", ExtId::parse)?,
        months: row.get("months")?,
        offer: parse_column(row, "coupons.offer", OfferId::parse)?,
        description: row.get("description")?,
        amount: read_amount(row, "coupons.currency")?,
        texts: row.get("sms_count")?,
        issued_at: time("issued_at")?.ok_or_else(|| inconsistent_row("coupons.issued_at"))?,
        expires_at: time("expires_at")?.ok_or_else(|| inconsistent_row("coupons.expires_at"))?,
        sent_at: time("sent_at")?,
        delivered_at: time("delivered_at")?,
        undelivered,
        voided_at: time("voided_at")?,
        redeemed_at: time("redeemed_at")?,
        transaction_id: row.get("transaction_id")?,
        service_period,
        is_gift: row.get("is_gift")?,
        unpaid_at: time("unpaid_at")?,
    })
}

pub(super) fn find_coupon_buyer(db: &Connection, id: &ExtId) -> Result<Option<CouponBuyer>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT h.number_index, h.number_sealed, h.subscriber_ref, c.locale
         FROM coupons c JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
         WHERE c.ext_coupon_id = ?1 AND p.state <> 'CLOSED'",
    )?;
    let mut rows = select.query([id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(CouponBuyer {
        number: read_number(row)?,
        subscriber_ref: row.get("subscriber_ref")?,
        locale: read_locale(row, "coupons.locale")?,
    }))
}

pub(in crate::store) fn resend_coupon(
    tx: &Connection,
    now: Timestamp,
    id: &ExtId,
    resend_id: Option<&ExtId>,
    new: &CouponCodeSms,
) -> Result<ChangeCouponResult, StoreError> {
    let Some(row) = find_coupon(tx, id)? else { return Ok(ChangeCouponResult::NotFound) };
    if let Some(resend_id) = resend_id
        && tx
            .prepare_cached("SELECT 1 FROM coupon_resends WHERE coupon_id = ?1 AND resend_id = ?2")?
            .exists([row.coupon_id.as_str(), resend_id.as_str()])?
    {
        return Ok(ChangeCouponResult::Repeated(Box::new(row)));
    }
    if row.voided_at.is_some()
        || row.redeemed_at.is_some()
        || now >= row.expires_at
        || row.texts >= COUPON_SMS_MAX
    {
        return Ok(ChangeCouponResult::NotAllowed(Box::new(row)));
    }
    let is_dark: Option<bool> = tx
        .prepare_cached("SELECT dark_since IS NOT NULL FROM pais WHERE pai = ?1 AND state <> 'CLOSED'")?
        .query_row([row.pai.to_string()], |buyer| buyer.get(0))
        .optional()?;
    match is_dark {
        Some(false) => {}
        Some(true) => return Ok(ChangeCouponResult::NotCutOver(row.pai)),
        None => return Ok(ChangeCouponResult::BuyerGone(row.pai)),
    }
    tx.prepare_cached(
        "UPDATE coupons SET code_hash = ?2, sms_count = sms_count + 1, message_id = NULL, sent_at = NULL,
             delivered_at = NULL, undelivered_at = NULL, undelivered_reason = NULL, undelivered_code = NULL
         WHERE coupon_id = ?1",
    )?
    .execute(params![row.coupon_id, new.code])?;
    if let Some(resend_id) = resend_id {
        tx.prepare_cached("INSERT INTO coupon_resends (coupon_id, resend_id) VALUES (?1, ?2)")?
            .execute([row.coupon_id.as_str(), resend_id.as_str()])?;
    }
    queue::delete(tx, JobKind::CouponSms, &row.coupon_id)?;
    put_sms(tx, now, &row.coupon_id, &new.message)?;
    to_changed(tx, id)
}

fn put_sms(tx: &Connection, now: Timestamp, coupon_id: &str, message: &[u8]) -> Result<(), StoreError> {
    let sms = SmsJob::Coupon { coupon_id: coupon_id.to_owned(), message: message.to_vec() };
    queue::put(tx, &Job::Sms(sms), now, 0)
}

/// Deletes the fingerprints of an erased buyer's coupons, and queued SMS to them: the number is in
/// those.
pub(in crate::store) fn erase_buyer(tx: &Connection, subscriber_id: &str) -> Result<(), StoreError> {
    let (coupon, reminder) = (JobKind::CouponSms.sql(), JobKind::CouponReminderSms.sql());
    for sql in [
        "UPDATE coupons SET fingerprint = NULL WHERE pai IN (SELECT pai FROM pais WHERE subscriber_id = ?1)",
        &format!(
            "DELETE FROM outbox WHERE kind = {coupon} AND coupon_id IN
                 (SELECT c.coupon_id FROM coupons c JOIN pais p USING (pai) WHERE p.subscriber_id = ?1)"
        ),
        &format!(
            "DELETE FROM outbox WHERE kind = {reminder} AND coupon_id IN
                 (SELECT r.coupon_id FROM coupon_redemptions r JOIN pais p USING (pai)
                  WHERE p.subscriber_id = ?1 AND r.outcome <> 'DECLINED')"
        ),
    ] {
        tx.prepare_cached(sql)?.execute([subscriber_id])?;
    }
    Ok(())
}

pub(in crate::store) fn void_coupon(
    tx: &Connection,
    now: Timestamp,
    id: &ExtId,
) -> Result<ChangeCouponResult, StoreError> {
    let Some(row) = find_coupon(tx, id)? else { return Ok(ChangeCouponResult::NotFound) };
    if row.redeemed_at.is_some() {
        return Ok(ChangeCouponResult::NotAllowed(Box::new(row)));
    }
    tx.prepare_cached("UPDATE coupons SET voided_at = coalesce(voided_at, ?2) WHERE coupon_id = ?1")?
        .execute(params![row.coupon_id, now.unix_seconds()])?;
    queue::delete(tx, JobKind::CouponSms, &row.coupon_id)?;
    to_changed(tx, id)
}

fn to_changed(tx: &Connection, id: &ExtId) -> Result<ChangeCouponResult, StoreError> {
    let row = find_coupon(tx, id)?.ok_or_else(|| missing_row("coupons"))?;
    Ok(ChangeCouponResult::Done(Box::new(row)))
}

/// The days of a fully refunded coupon are unpaid once billing has approved the refunds.
const PAID: &str = "FROM coupon_redemptions r JOIN transactions t USING (transaction_id)
    WHERE r.pai = ?1 AND r.outcome <> 'DECLINED'
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')";

pub(in crate::store) fn find_paid_until(
    db: &Connection,
    pai: Pai,
    today: Day,
) -> Result<Option<Day>, StoreError> {
    let until: Option<String> = db
        .prepare_cached(&format!("SELECT max(r.period_to) {PAID} AND r.period_to >= ?2"))?
        .query_row(params![pai.to_string(), today.to_string()], |row| row.get(0))?;
    until
        .map(|day| Day::parse(&day).ok_or_else(|| inconsistent_row("coupon_redemptions.period_to")))
        .transpose()
}

/// Whether coupons have paid for some of these days.
pub(in crate::store) fn is_paid_within(
    tx: &Connection,
    pai: Pai,
    period: ServicePeriod,
) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 {PAID} AND r.period_to >= ?2 AND r.period_from <= ?3");
    let days = params![pai.to_string(), period.from().to_string(), period.to().to_string()];
    Ok(tx.prepare_cached(&sql)?.exists(days)?)
}
