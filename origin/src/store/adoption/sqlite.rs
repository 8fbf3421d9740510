//! Adoption of what was lost, in SQL.

use super::{AdoptResult, FollowResult, LostCharge, LostPai, LostRedemption, LostRefund, compare_states};
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, WebhookJob, sqlite as queue};
use crate::store::redemption_outcome::charge_name;
use crate::store::spending::sqlite as spending;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_amount};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::tax::tax_given_back;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, Row, params};

/// The columns of an adopted charge.
const INSERT_CHARGE: &str =
    "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, tax_minor,
         description, period_from, period_to, status, responding_until, created_at, settled_at, offer, plan,
         charge_code)
     SELECT ?1, p.partner, ?2, p.pai, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, iif(?10 = 'APPROVED', ?11, NULL),
         ?12, ?13, ?14
     FROM pais p WHERE p.pai = ?3 ON CONFLICT DO NOTHING";

fn status_word(is_billed: bool) -> &'static str {
    if is_billed { TransactionStatus::Approved.as_str() } else { TransactionStatus::Pending.as_str() }
}

pub(super) fn adopt_charge(
    tx: &Connection,
    now: Timestamp,
    lost: &LostCharge,
) -> Result<AdoptResult, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT p.subscriber_id, p.dark_since IS NOT NULL AS is_dark, m.offer, m.plan FROM pais p
             LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
             LEFT JOIN mandates m ON m.sequence = (
                 SELECT c.sequence FROM mandates c WHERE c.partner_subscription_id = s.partner_subscription_id
                 ORDER BY c.in_force_from > ?3, CASE WHEN c.in_force_from <= ?3 THEN c.in_force_from END DESC,
                     c.in_force_from, c.sequence DESC
                 LIMIT 1)
         WHERE p.partner = ?1 AND p.pai = ?2",
    )?;
    let mut rows = select.query(params![
        lost.partner.as_str(),
        lost.pai.to_string(),
        lost.service_period.from().to_string()
    ])?;
    let Some(payer) = rows.next()? else { return Ok(AdoptResult::PaiNotFound) };
    if payer.get("is_dark")? && !lost.is_billed {
        return Ok(AdoptResult::NotCutOver);
    }
    let subscriber_id: String = payer.get("subscriber_id")?;
    let booking = lost.codes.book(
        &lost.partner,
        parse_optional_column(payer, "mandates.offer", OfferId::parse)?,
        parse_optional_column(payer, "mandates.plan", ExtId::parse)?,
    );
    let written = tx.prepare_cached(INSERT_CHARGE)?.execute(params![
        lost.transaction_id,
        lost.ext_transaction_id.as_str(),
        lost.pai.to_string(),
        lost.amount.amount_minor,
        lost.amount.currency.as_str(),
        lost.tax_minor,
        lost.description,
        lost.service_period.from().to_string(),
        lost.service_period.to().to_string(),
        status_word(lost.is_billed),
        now.unix_seconds(),
        booking.offer.as_ref().map(OfferId::as_str),
        booking.plan.as_ref().map(ExtId::as_str),
        booking.charge_code.as_ref().map(ChargeCode::as_str),
    ])?;
    if written == 0 {
        return Ok(AdoptResult::Present);
    }
    // It was within the limits when it was posted, and counts against them.
    let _ = spending::count_charge_against_limits(
        tx,
        now,
        &subscriber_id,
        &lost.transaction_id,
        lost.amount,
        &SpendingLimits::default(),
    )?;
    let transaction_id = lost.transaction_id.clone();
    if !lost.is_billed {
        // As after a first attempt: the next one asks billing first.
        queue::put(tx, &Job::Charge { transaction_id }, now, 1)?;
    } else if lost.informs_partner {
        queue::put(tx, &Job::Webhook(WebhookJob::Charge { transaction_id }), now, 0)?;
    }
    Ok(AdoptResult::Adopted)
}

pub(super) fn adopt_refund(
    tx: &Connection,
    now: Timestamp,
    lost: &LostRefund,
) -> Result<AdoptResult, StoreError> {
    let is_present = tx
        .prepare_cached("SELECT 1 FROM refunds WHERE partner = ?1 AND ext_refund_id = ?2")?
        .exists(params![lost.partner.as_str(), lost.ext_refund_id.as_str()])?;
    if is_present {
        return Ok(AdoptResult::Present);
    }
    let mut select = tx.prepare_cached(
        "SELECT transaction_id, pai, amount_minor, currency, refunded_minor, tax_minor FROM transactions
         WHERE partner = ?1 AND ext_transaction_id = ?2 AND status = 'APPROVED'",
    )?;
    let mut rows = select.query(params![lost.partner.as_str(), lost.ext_transaction_id.as_str()])?;
    let Some(charge) = rows.next()? else { return Ok(AdoptResult::ChargeNotFound) };
    if !lost.is_billed && pai::is_dark(tx, &charge.get::<_, String>("pai")?)? {
        return Ok(AdoptResult::NotCutOver);
    }
    let Money { amount_minor, currency } = read_amount(charge, "transactions.currency")?;
    let refunded_minor: i64 = charge.get("refunded_minor")?;
    let left = amount_minor - refunded_minor;
    if lost.amount.currency != currency || !(1..=left).contains(&lost.amount.amount_minor) {
        return Ok(AdoptResult::NotWithinRemainder);
    }
    let transaction_id: String = charge.get("transaction_id")?;
    let tax_minor = charge
        .get::<_, Option<i64>>("tax_minor")?
        .map(|tax| tax_given_back(amount_minor, tax, refunded_minor, lost.amount.amount_minor));
    tx.prepare_cached(
        "UPDATE transactions SET refunded_minor = refunded_minor + ?2 WHERE transaction_id = ?1",
    )?
    .execute(params![transaction_id, lost.amount.amount_minor])?;
    tx.prepare_cached(
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, transaction_id, amount_minor, reason, status,
             responding_until, created_at, settled_at, tax_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, iif(?7 = 'APPROVED', ?8, NULL), ?9)",
    )?
    .execute(params![
        lost.refund_id,
        lost.partner.as_str(),
        lost.ext_refund_id.as_str(),
        transaction_id,
        lost.amount.amount_minor,
        lost.reason,
        status_word(lost.is_billed),
        now.unix_seconds(),
        tax_minor,
    ])?;
    let refund_id = lost.refund_id.clone();
    if lost.is_billed {
        spending::release_refund(tx, &transaction_id, lost.amount.amount_minor)?;
        if lost.informs_partner {
            queue::put(tx, &Job::Webhook(WebhookJob::Refund { refund_id }), now, 0)?;
        }
    } else {
        queue::put(tx, &Job::Refund { refund_id }, now, 1)?;
    }
    Ok(AdoptResult::Adopted)
}

pub(super) fn adopt_redemption(
    tx: &Connection,
    now: Timestamp,
    lost: &LostRedemption,
) -> Result<AdoptResult, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT c.*, p.partner FROM coupons c JOIN pais p USING (pai) WHERE c.ext_coupon_id = ?1",
    )?;
    let mut rows = select.query([lost.ext_coupon_id.as_str()])?;
    let Some(coupon) = rows.next()? else { return Ok(AdoptResult::CouponNotFound) };
    if coupon.get::<_, Option<String>>("transaction_id")?.is_some() {
        return Ok(AdoptResult::Present);
    }
    if !lost.is_billed && pai::is_dark(tx, &coupon.get::<_, String>("pai")?)? {
        return Ok(AdoptResult::NotCutOver);
    }
    let amount = read_amount(coupon, "coupons.currency")?;
    if coupon.get::<_, Option<i64>>("voided_at")?.is_some() || amount != lost.amount {
        return Ok(AdoptResult::CouponDiffers);
    }
    let period = match lost.service_period {
        Some(period) => period,
        None => ServicePeriod::from_months(Day::of_timestamp(now), coupon.get("months")?)
            .ok_or_else(|| inconsistent_row("coupons.months"))?,
    };
    let ext_transaction_id = charge_name(&lost.transaction_id)
        .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?;
    let booking = lost.codes.book(
        &parse_column(coupon, "pais.partner", PartnerId::parse)?,
        Some(parse_column(coupon, "coupons.offer", OfferId::parse)?),
        None,
    );
    let written = tx.prepare_cached(INSERT_CHARGE)?.execute(params![
        lost.transaction_id,
        ext_transaction_id.as_str(),
        coupon.get::<_, String>("pai")?,
        amount.amount_minor,
        amount.currency.as_str(),
        None::<i64>,
        coupon.get::<_, String>("description")?,
        period.from().to_string(),
        period.to().to_string(),
        status_word(lost.is_billed),
        now.unix_seconds(),
        booking.offer.as_ref().map(OfferId::as_str),
        booking.plan.as_ref().map(ExtId::as_str),
        booking.charge_code.as_ref().map(ChargeCode::as_str),
    ])?;
    if written == 0 {
        return Ok(AdoptResult::Present);
    }
    spend_coupon(tx, now, lost, coupon, period)?;
    if !lost.is_billed {
        queue::put(tx, &Job::Charge { transaction_id: lost.transaction_id.clone() }, now, 1)?;
    }
    Ok(AdoptResult::Adopted)
}

/// Records the redemption, and that the coupon is spent.
fn spend_coupon(
    tx: &Connection,
    now: Timestamp,
    lost: &LostRedemption,
    coupon: &Row<'_>,
    period: ServicePeriod,
) -> Result<(), StoreError> {
    let coupon_id: String = coupon.get("coupon_id")?;
    tx.prepare_cached(
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, pai, period_from,
             period_to, outcome, responding_until)
         VALUES (?1, ?2, ?3, ?4, ?5, (SELECT pai FROM pais WHERE pai = ?6), ?7, ?8, 'REDEEMED', ?9)",
    )?
    .execute(params![
        lost.transaction_id,
        coupon_id,
        coupon.get::<_, String>("partner")?,
        lost.ext_reference.as_ref().map(ExtId::as_str),
        coupon.get::<_, Vec<u8>>("code_hash")?,
        lost.pai.map(|pai| pai.to_string()),
        period.from().to_string(),
        period.to().to_string(),
        now.unix_seconds(),
    ])?;
    tx.prepare_cached("UPDATE coupons SET redeemed_at = ?2, transaction_id = ?3 WHERE coupon_id = ?1")?
        .execute(params![coupon_id, now.unix_seconds(), lost.transaction_id])?;
    Ok(())
}

pub(super) fn adopt_pai(tx: &Connection, now: Timestamp, lost: &LostPai) -> Result<AdoptResult, StoreError> {
    let wanted = lost.new.fresh.pai;
    let (row, is_new) = pai::find_or_create_pai(tx, now, &lost.new)?;
    if row.pai != wanted {
        return Ok(AdoptResult::OtherPai);
    }
    if !is_new {
        return Ok(AdoptResult::Present);
    }
    follow_edge(tx, now, wanted, lost.state, lost.version)?;
    // The edge may know the subscriber by another handle: this one is later.
    tx.prepare_cached("UPDATE pais SET version = version + 1 WHERE pai = ?1")?
        .execute([wanted.to_string()])?;
    queue::put_pai_change(tx, now, &wanted.to_string())?;
    Ok(AdoptResult::Adopted)
}

pub(super) fn follow_edge(
    tx: &Connection,
    now: Timestamp,
    pai: Pai,
    state: PaiState,
    version: u64,
) -> Result<FollowResult, StoreError> {
    let pai_text = pai.to_string();
    let mut select = tx.prepare_cached("SELECT state FROM pais WHERE pai = ?1")?;
    let mut rows = select.query([&pai_text])?;
    let row = rows.next()?.ok_or_else(|| missing_row("pais"))?;
    let result = compare_states(parse_column(row, "pais.state", PaiState::parse)?, state);
    match result {
        FollowResult::Closed => pai::close_pai_row(tx, now, &pai_text, DeclineReason::AccountClosed)?,
        FollowResult::Suspended => {
            tx.prepare_cached("UPDATE pais SET state = 'SUSPENDED', version = version + 1 WHERE pai = ?1")?
                .execute([&pai_text])?;
        }
        FollowResult::Renumbered | FollowResult::ActiveAtEdge => {}
    }
    let version = i64::try_from(version).map_err(|_| inconsistent_row("pais.version"))?;
    tx.prepare_cached("UPDATE pais SET version = max(version, ?2) WHERE pai = ?1")?
        .execute(params![pai_text, version])?;
    Ok(result)
}
