//! Charges in SQL.

use crate::store::charge::{Charge, NewCharge, PostChargeResult, StoredResponse};
use crate::store::clock_skew::lasts;
use crate::store::coupon::sqlite as coupon;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::nonce::sqlite as nonce;
use crate::store::number::BilledSubscriber;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, sqlite as queue};
use crate::store::spending::sqlite as spending;
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_pai, read_raw_result, read_subscriber, read_time,
};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
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
    let Some(payer) = find_payer(tx, &new.partner, new.request.pai)? else {
        return Ok(PostChargeResult::PaiNotFound);
    };
    let Some(limits) = &new.limits else { return Ok(PostChargeResult::CurrencyNotBilled) };
    if payer.decline_reason.is_none()
        && let Some(until) = coupon::find_paid_within(tx, new.request.pai, new.request.service_period)?
    {
        return Ok(PostChargeResult::PaidByCoupon { until });
    }
    let decline_reason = match payer.decline_reason {
        Some(reason) => Some(reason),
        None => spending::count_charge_against_limits(
            tx,
            now,
            &payer.subscriber_id,
            &new.transaction_id,
            new.request.amount,
            limits,
        )?
        .err(),
    };
    insert_charge(tx, now, new, decline_reason)?;
    if decline_reason.is_some() {
        return Ok(PostChargeResult::Declined(store_response(tx, &new.transaction_id)?.answer));
    }
    let job = Job::Charge { transaction_id: new.transaction_id.clone() };
    queue::put_leased(tx, &job, new.responding_until)?;
    Ok(PostChargeResult::Created(Box::new(to_pending_charge(new, payer))))
}

/// Records the charge of a coupon, to which no limits apply. Gives the reason if its PAI declines
/// it.
pub(in crate::store) fn record_coupon_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
) -> Result<Option<(Charge, Option<DeclineReason>)>, StoreError> {
    let Some(payer) = find_payer(tx, &new.partner, new.request.pai)? else { return Ok(None) };
    let decline_reason = payer.decline_reason;
    insert_charge(tx, now, new, decline_reason)?;
    Ok(Some((to_pending_charge(new, payer), decline_reason)))
}

fn to_pending_charge(new: &NewCharge, payer: Payer) -> Charge {
    Charge {
        transaction_id: new.transaction_id.clone(),
        partner: new.partner.clone(),
        handle: payer.handle,
        subscriber: payer.subscriber,
        closed: None,
        amount: new.request.amount,
        description: new.request.description.clone(),
        service_period: new.request.service_period,
    }
}

/// The id was claimed before: the same contents get the stored response, others are refused.
fn replay_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
    row: &Row<'_>,
) -> Result<PostChargeResult, StoreError> {
    if !is_replay(row, new)? {
        return Ok(PostChargeResult::Conflict);
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

/// Whether the recorded charge is the one that is posted. An adopted one has no fingerprint.
fn is_replay(row: &Row<'_>, new: &NewCharge) -> Result<bool, StoreError> {
    Ok(match row.get::<_, Option<[u8; 32]>>("fingerprint")? {
        Some(fingerprint) => fingerprint == new.fingerprint,
        None => {
            read_pai(row, "transactions.pai")? == new.request.pai
                && read_amount(row, "transactions.currency")? == new.request.amount
        }
    })
}

/// Who pays a charge, and why the PAI declines it, if it does.
struct Payer {
    subscriber_id: String,
    handle: String,
    subscriber: Option<BilledSubscriber>,
    decline_reason: Option<DeclineReason>,
}

fn find_payer(tx: &Connection, partner: &PartnerId, pai: Pai) -> Result<Option<Payer>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT p.state, p.closed_reason, h.subscriber_id, h.handle, h.number_index, h.number_sealed, h.subscriber_ref
         FROM pais p JOIN subscribers h USING (subscriber_id) WHERE p.partner = ?1 AND p.pai = ?2",
    )?;
    let mut rows = select.query(params![partner.as_str(), pai.to_string()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Payer {
        subscriber_id: row.get("subscriber_id")?,
        handle: row.get("handle")?,
        subscriber: read_subscriber(row)?,
        decline_reason: read_decline_reason_of_pai(row)?,
    }))
}

/// Reads why a PAI's state declines its charges: it is suspended or closed.
fn read_decline_reason_of_pai(row: &Row<'_>) -> Result<Option<DeclineReason>, StoreError> {
    match parse_column(row, "pais.state", PaiState::parse)? {
        PaiState::Active => Ok(None),
        PaiState::Suspended => Ok(Some(DeclineReason::AccountOnHold)),
        PaiState::Closed => Ok(Some(parse_column(row, "pais.closed_reason", DeclineReason::parse)?)),
    }
}

fn insert_charge(
    tx: &Connection,
    now: Timestamp,
    new: &NewCharge,
    decline_reason: Option<DeclineReason>,
) -> Result<(), StoreError> {
    let request = &new.request;
    let status =
        if decline_reason.is_some() { TransactionStatus::Declined } else { TransactionStatus::Pending };
    tx.prepare_cached(
        "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
             currency, tax_minor, description, period_from, period_to, status, decline_reason, responding_until,
             created_at, settled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        new.transaction_id,
        new.partner.as_str(),
        request.ext_transaction_id.as_str(),
        new.fingerprint,
        request.pai.to_string(),
        request.amount.amount_minor,
        request.amount.currency.as_str(),
        request.tax.map(|tax| tax.amount_minor),
        request.description,
        request.service_period.from().to_string(),
        request.service_period.to().to_string(),
        status.as_str(),
        decline_reason.map(DeclineReason::as_str),
        new.responding_until.unix_seconds(),
        now.unix_seconds(),
        decline_reason.map(|_| now.unix_seconds()),
    ])?;
    Ok(())
}

/// Stores the response that every replay gets, from the present state, unless there is one.
pub(in crate::store) fn store_response(
    tx: &Connection,
    transaction_id: &str,
) -> Result<StoredResponse, StoreError> {
    let mut select = tx.prepare_cached("SELECT * FROM transactions WHERE transaction_id = ?1")?;
    let mut rows = select.query([transaction_id])?;
    let row = rows.next()?.ok_or_else(|| missing_row("transactions"))?;
    if let Some(answer) = row.get::<_, Option<Vec<u8>>>("stored_response")? {
        return Ok(StoredResponse { answer, before: true });
    }
    let answer = encode_response(&read_response(row)?)?;
    tx.prepare_cached("UPDATE transactions SET stored_response = ?2 WHERE transaction_id = ?1")?
        .execute(params![transaction_id, answer])?;
    Ok(StoredResponse { answer, before: false })
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

/// The bytes of a response.
pub(in crate::store) fn encode_response(response: &TransactionResponse) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(response).map_err(|_| inconsistent_row("transactions.stored_response"))
}

pub(in crate::store) fn find_charge_response(
    db: &Connection,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<Option<TransactionResponse>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT * FROM transactions WHERE partner = ?1 AND ext_transaction_id = ?2")?;
    let mut rows = select.query(params![partner.as_str(), id.as_str()])?;
    rows.next()?.map(read_response).transpose()
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

fn read_response(row: &Row<'_>) -> Result<TransactionResponse, StoreError> {
    Ok(TransactionResponse {
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        decline_reason: parse_optional_column(row, "transactions.decline_reason", DeclineReason::parse)?,
        raw_result: read_raw_result(row)?,
    })
}

/// With the number of the PAI's subscriber, who may have another number today than the one that
/// signed up.
pub(in crate::store) const CHARGE: &str =
    "SELECT t.*, h.handle, h.number_index, h.number_sealed, h.subscriber_ref,
        p.closed_reason
    FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)";

pub(in crate::store) fn find_pending_charge(
    db: &Connection,
    transaction_id: &str,
) -> Result<Option<Charge>, StoreError> {
    let mut select =
        db.prepare_cached(&format!("{CHARGE} WHERE t.transaction_id = ?1 AND t.status = 'PENDING'"))?;
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
        handle: row.get("handle")?,
        subscriber: read_subscriber(row)?,
        closed: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        amount: read_amount(row, "transactions.currency")?,
        description: row.get("description")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
    })
}
