//! Charges in SQL.

use super::sqlite_payer::{Payer, find_payer};
use super::sqlite_response::read_response;
pub(in crate::store) use super::sqlite_response::{encode_response, find_charge_response, store_response};
use crate::config::Booking;
use crate::store::charge::{Charge, Decline, Mandate, NewCharge, PostChargeResult, PostedAmount};
use crate::store::clock_skew::lasts;
use crate::store::coupon::sqlite as coupon;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::nonce::sqlite as nonce;
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, sqlite as queue};
use crate::store::spending::sqlite as spending;
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_booking, read_pai, read_subscriber, read_tax,
    read_time,
};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::tax::TaxRate;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use rusqlite::{Connection, Row, params};

pub(super) fn post_charge(
    tx: &Connection,
    nonce: &Nonce,
    now: Timestamp,
    new: &NewCharge,
) -> Result<PostChargeResult, StoreError> {
    nonce::spend_nonce(tx, Some(nonce))?;
    let mut select =
        tx.prepare_cached("SELECT * FROM transactions WHERE partner = ?1 AND ext_transaction_id = ?2")?;
    let mut rows = select.query(params![new.partner.as_str(), new.request.ext_transaction_id.as_str()])?;
    if let Some(row) = rows.next()? {
        return replay_charge(tx, now, new, row);
    }
    let Some(payer) = find_payer(tx, new)? else {
        return Ok(PostChargeResult::PaiNotFound);
    };
    if payer.is_dark {
        return Ok(PostChargeResult::NotCutOver);
    }
    if new.limits.is_none() {
        return Ok(PostChargeResult::CurrencyNotBilled);
    }
    let booking = new.book(payer.mandate.as_ref());
    let decline = find_decline(tx, now, new, &payer)?;
    insert_charge(tx, now, new, (&booking, payer.mandate.as_ref()), decline)?;
    if decline.is_some() {
        return Ok(PostChargeResult::Declined(store_response(tx, &new.transaction_id)?.answer));
    }
    let job = Job::Charge { transaction_id: new.transaction_id.clone() };
    queue::put_leased(tx, &job, now, new.responding_until)?;
    Ok(PostChargeResult::Created(Box::new(to_pending_charge(new, payer, booking))))
}

/// Counts the charge against the limits if nothing else declines it.
fn find_decline(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
    payer: &Payer,
) -> Result<Option<Decline>, StoreError> {
    if let Some(decline) = payer.find_decline(new) {
        return Ok(Some(decline));
    }
    if coupon::is_paid_within(tx, new.request.pai, new.request.service_period)? {
        return Ok(Some(Decline::PAID_AHEAD));
    }
    let is_charged = payer.mandate.as_ref().is_some_and(|mandate| mandate.is_charged);
    if let Some(gap) = new.find_repeat(is_charged) {
        return Ok(Some(gap.into()));
    }
    let limits = new.limits.unwrap_or_default();
    let counted = spending::count_charge_against_limits(
        tx,
        now,
        &payer.subscriber_id,
        &new.transaction_id,
        new.request.amount,
        &limits,
    )?;
    Ok(counted.err().map(Decline::from))
}

/// Records the charge of a coupon, to which no limits apply and which needs no mandate. Gives the
/// reason if its PAI declines it.
pub(in crate::store) fn record_coupon_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
) -> Result<Option<(Charge, Option<DeclineReason>)>, StoreError> {
    let Some(payer) = find_payer(tx, new)? else { return Ok(None) };
    let decline_reason = payer.decline_reason;
    let booking = new.book(payer.mandate.as_ref());
    insert_charge(tx, now, new, (&booking, None), decline_reason.map(Decline::from))?;
    Ok(Some((to_pending_charge(new, payer, booking), decline_reason)))
}

fn to_pending_charge(new: &NewCharge, payer: Payer, booking: Booking) -> Charge {
    let is_charged = payer.mandate.is_some_and(|mandate| mandate.is_charged);
    Charge {
        transaction_id: new.transaction_id.clone(),
        partner: new.partner.clone(),
        ext_transaction_id: new.request.ext_transaction_id.clone(),
        handle: payer.handle,
        subscriber: payer.subscriber,
        closed: None,
        amount: new.request.amount,
        description: new.request.description.clone(),
        service_period: new.request.service_period,
        repeats_period: is_charged && new.minds_repeats(),
        tax: new.tax(),
        booking,
    }
}

/// The id was claimed before: the same contents get the stored response, others are refused.
fn replay_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
    row: &Row<'_>,
) -> Result<PostChargeResult, StoreError> {
    if pai::is_dark(tx, &row.get::<_, String>("pai")?)? {
        return Ok(PostChargeResult::NotCutOver);
    }
    if !is_replay(row, new)? {
        return Ok(PostChargeResult::Conflict);
    }
    if is_undecided_claim(row)? {
        return Ok(PostChargeResult::NotCutOver);
    }
    if let Some(answer) = row.get::<_, Option<Vec<u8>>>("stored_response")? {
        return Ok(PostChargeResult::Replayed(answer));
    }
    if lasts(now, read_time(row, "transactions.responding_until")?, LEASE_SECONDS_MAX) {
        return Ok(PostChargeResult::InProgress);
    }
    // The call that recorded it never answered, so this is the first response.
    let transaction_id: String = row.get("transaction_id")?;
    Ok(PostChargeResult::Replayed(store_response(tx, &transaction_id)?.answer))
}

/// Whether another system has posted it, and its result is not known yet.
fn is_undecided_claim(row: &Row<'_>) -> Result<bool, StoreError> {
    let is_claim = row.get::<_, Option<i64>>("migration_file")?.is_some();
    let status = parse_column(row, "transactions.status", TransactionStatus::parse)?;
    Ok(is_claim && status == TransactionStatus::Pending)
}

/// Whether a claim is for the days that are posted.
fn is_for_days_of(row: &Row<'_>, new: &NewCharge) -> Result<bool, StoreError> {
    let days = new.request.service_period;
    let is_claim = row.get::<_, Option<i64>>("migration_file")?.is_some();
    Ok(!is_claim
        || row.get::<_, String>("period_from")? == days.from().to_string()
            && row.get::<_, String>("period_to")? == days.to().to_string())
}

/// Whether the recorded charge is the one that is posted. An adopted one and a claim have no fingerprint.
fn is_replay(row: &Row<'_>, new: &NewCharge) -> Result<bool, StoreError> {
    Ok(match row.get::<_, Option<[u8; 32]>>("fingerprint")? {
        Some(fingerprint) => fingerprint == new.fingerprint,
        None => {
            read_pai(row, "transactions.pai")? == new.request.pai
                && read_amount(row, "transactions.currency")? == new.request.amount
                && is_for_days_of(row, new)?
        }
    })
}

fn insert_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
    (booking, mandate): (&Booking, Option<&Mandate>),
    decline: Option<Decline>,
) -> Result<(), StoreError> {
    let request = &new.request;
    let status = if decline.is_some() { TransactionStatus::Declined } else { TransactionStatus::Pending };
    let raw = decline.and_then(|decline| decline.raw);
    tx.prepare_cached(
        "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
             currency, tax_minor, description, period_from, period_to, status, decline_reason, responding_until,
             created_at, settled_at, raw_scope, raw_code, mandate_id, tax_rate, offer, plan, charge_code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
             ?22, ?23)",
    )?
    .execute(params![
        new.transaction_id,
        new.partner.as_str(),
        request.ext_transaction_id.as_str(),
        new.fingerprint,
        request.pai.to_string(),
        request.amount.amount_minor,
        request.amount.currency.as_str(),
        request.tax.as_ref().map(|tax| tax.amount_minor),
        request.description,
        request.service_period.from().to_string(),
        request.service_period.to().to_string(),
        status.as_str(),
        decline.map(|decline| decline.reason.as_str()),
        new.responding_until.unix_seconds(),
        now.unix_seconds(),
        decline.map(|_| now.unix_seconds()),
        raw.map(|(scope, _)| scope),
        raw.map(|(_, code)| code),
        mandate.map(|mandate| &mandate.id),
        request.tax.as_ref().and_then(|tax| tax.rate.as_ref()).map(TaxRate::as_str),
        booking.offer.as_ref().map(OfferId::as_str),
        booking.plan.as_ref().map(ExtId::as_str),
        booking.charge_code.as_ref().map(ChargeCode::as_str),
    ])?;
    Ok(())
}

/// The partner's id of a charge that is neither settled nor answered.
pub(in crate::store) fn find_unanswered(
    tx: &Connection,
    transaction_id: &str,
) -> Result<Option<ExtId>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT ext_transaction_id FROM transactions
         WHERE transaction_id = ?1 AND status = 'PENDING' AND stored_response IS NULL",
    )?;
    let mut rows = select.query([transaction_id])?;
    rows.next()?.map(|row| parse_column(row, "transactions.ext_transaction_id", ExtId::parse)).transpose()
}

pub(in crate::store) fn find_charge_webhook(
    db: &Connection,
    transaction_id: &str,
) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError> {
    let mut select = db.prepare_cached("SELECT * FROM transactions WHERE transaction_id = ?1")?;
    let mut rows = select.query([transaction_id])?;
    rows.next()?
        .map(|row| Ok((parse_column(row, "transactions.partner", PartnerId::parse)?, read_response(row)?)))
        .transpose()
}

pub(super) fn find_posted_amount(
    db: &Connection,
    transaction_id: &str,
) -> Result<Option<PostedAmount>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT partner, amount_minor, currency, created_at FROM transactions WHERE transaction_id = ?1",
    )?;
    let mut rows = select.query([transaction_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(PostedAmount {
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        amount: read_amount(row, "transactions.currency")?,
        posted_at: read_time(row, "transactions.created_at")?,
    }))
}

/// With the number of the PAI's subscriber, who may have another number today than the one that
/// signed up.
pub(in crate::store) const CHARGE: &str =
    "SELECT t.*, h.handle, h.number_index, h.number_sealed, h.subscriber_ref,
        p.closed_reason
    FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)";

/// A pending claim is left out: billing may have it from the other system, and would bill it twice.
pub(in crate::store) fn find_pending_charge(
    db: &Connection,
    transaction_id: &str,
) -> Result<Option<Charge>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "{CHARGE} WHERE t.transaction_id = ?1 AND t.status = 'PENDING' AND t.migration_file IS NULL"
    ))?;
    let mut rows = select.query([transaction_id])?;
    rows.next()?.map(read_charge).transpose()
}

pub(in crate::store) fn read_charge(row: &Row<'_>) -> Result<Charge, StoreError> {
    let (from, to) = (
        parse_column(row, "transactions.period_from", Day::parse)?,
        parse_column(row, "transactions.period_to", Day::parse)?,
    );
    Ok(Charge {
        transaction_id: row.get("transaction_id")?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        handle: row.get("handle")?,
        subscriber: read_subscriber(row)?,
        closed: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        amount: read_amount(row, "transactions.currency")?,
        description: row.get("description")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        repeats_period: false,
        tax: read_tax(row)?,
        booking: read_booking(row)?,
    })
}
