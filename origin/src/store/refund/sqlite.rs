//! Refunds in SQL.

use crate::store::charge::StoredResponse;
use crate::store::clock_skew::lasts;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, SettleResult, sqlite as queue};
use crate::store::refund::{NewRefund, PostRefundResult, Refund};
use crate::store::spending::sqlite as spending;
use crate::store::sqlite::rows::{
    parse_column, parse_optional_column, read_amount, read_charge_code, read_raw_result, read_tax, read_time,
};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::tax::{TaxRate, tax_given_back};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use rusqlite::{Connection, Row, params};

pub(in crate::store) fn post_refund(
    tx: &Connection,
    now: Timestamp,
    new: &NewRefund,
) -> Result<PostRefundResult, StoreError> {
    let mut select = tx.prepare_cached("SELECT * FROM refunds WHERE partner = ?1 AND ext_refund_id = ?2")?;
    let mut rows = select.query(params![new.partner.as_str(), new.request.ext_refund_id.as_str()])?;
    if let Some(row) = rows.next()? {
        return replay_refund(tx, now, new, row);
    }
    let mut select =
        tx.prepare_cached("SELECT * FROM transactions WHERE partner = ?1 AND ext_transaction_id = ?2")?;
    let mut rows = select.query(params![new.partner.as_str(), new.ext_transaction_id.as_str()])?;
    let Some(charge) = rows.next()? else { return Ok(PostRefundResult::TransactionNotFound) };
    if pai::is_dark(tx, &charge.get::<_, String>("pai")?)? {
        return Ok(PostRefundResult::NotCutOver);
    }
    let Money { amount_minor, currency } = read_amount(charge, "transactions.currency")?;
    let refunded_minor: i64 = charge.get("refunded_minor")?;
    let left = match parse_column(charge, "transactions.status", TransactionStatus::parse)? {
        TransactionStatus::Pending => return Ok(PostRefundResult::ChargePending),
        TransactionStatus::Declined => 0,
        TransactionStatus::Approved => amount_minor - refunded_minor,
    };
    let remaining = Money { amount_minor: left, currency };
    let wanted = new.request.amount.unwrap_or(remaining);
    if wanted.currency != currency || !(1..=left).contains(&wanted.amount_minor) {
        return Ok(PostRefundResult::NotWithinRemainder { remaining });
    }
    let transaction_id: String = charge.get("transaction_id")?;
    if let Some(ceiling) = new.find_ceiling(currency) {
        let before_minor = sum_of_operators(tx, &transaction_id)?;
        if before_minor.saturating_add(wanted.amount_minor) > ceiling.amount_minor {
            return Ok(PostRefundResult::AboveCeiling { ceiling });
        }
    }
    let tax_minor = charge
        .get::<_, Option<i64>>("tax_minor")?
        .map(|tax| tax_given_back(amount_minor, tax, refunded_minor, wanted.amount_minor));
    let tax_rate = parse_optional_column(charge, "transactions.tax_rate", TaxRate::parse)?;
    let refund = Refund {
        refund_id: new.refund_id.clone(),
        transaction_id: charge
            .get::<_, Option<String>>("billing_ref")?
            .unwrap_or_else(|| transaction_id.clone()),
        amount: wanted,
        partner: new.partner.clone(),
        charge_code: read_charge_code(charge)?,
        tax: tax_minor.map(|tax_minor| BillTax::within(wanted, tax_minor, tax_rate)),
    };
    insert_refund(tx, now, new, (&transaction_id, wanted, tax_minor))?;
    let job = Job::Refund { refund_id: new.refund_id.clone() };
    queue::put_leased(tx, &job, now, new.responding_until)?;
    Ok(PostRefundResult::Created(refund))
}

/// Inserts the refund of this amount, with the tax in it, and counts it against its charge.
fn insert_refund(
    tx: &Connection,
    now: Timestamp,
    new: &NewRefund,
    (transaction_id, amount, tax_minor): (&str, Money, Option<i64>),
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE transactions SET refunded_minor = refunded_minor + ?2 WHERE transaction_id = ?1",
    )?
    .execute(params![transaction_id, amount.amount_minor])?;
    tx.prepare_cached(
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason,
             status, responding_until, created_at, tax_minor, borne_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'PENDING', ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        new.refund_id,
        new.partner.as_str(),
        new.request.ext_refund_id.as_str(),
        new.fingerprint,
        transaction_id,
        amount.amount_minor,
        new.request.reason,
        new.responding_until.unix_seconds(),
        now.unix_seconds(),
        tax_minor,
        new.borne_by.map(BorneBy::as_str),
    ])?;
    Ok(())
}

/// What the operator has given back of a charge, and may give back while it is pending. Counted
/// together, so that nothing is gained by many small ones.
fn sum_of_operators(tx: &Connection, transaction_id: &str) -> Result<i64, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT coalesce(sum(amount_minor), 0) FROM refunds
         WHERE transaction_id = ?1 AND borne_by IS NOT NULL AND status <> 'DECLINED'",
    )?;
    Ok(select.query_row([transaction_id], |row| row.get(0))?)
}

/// The id was claimed before: the same contents get the stored response, others are refused.
fn replay_refund(
    tx: &Connection,
    now: Timestamp,
    new: &NewRefund,
    row: &Row<'_>,
) -> Result<PostRefundResult, StoreError> {
    if !is_replay(tx, row, new)? {
        return Ok(PostRefundResult::Conflict);
    }
    if let Some(answer) = row.get::<_, Option<Vec<u8>>>("stored_response")? {
        return Ok(PostRefundResult::Replayed(answer));
    }
    if lasts(now, read_time(row, "refunds.responding_until")?, LEASE_SECONDS_MAX) {
        return Ok(PostRefundResult::InProgress);
    }
    // The call that recorded it never answered, so this is the first response.
    let refund_id: String = row.get("refund_id")?;
    Ok(PostRefundResult::Replayed(store_response(tx, &refund_id)?.answer))
}

/// Whether the recorded refund is the one that is posted. An adopted one has no fingerprint.
fn is_replay(tx: &Connection, row: &Row<'_>, new: &NewRefund) -> Result<bool, StoreError> {
    if let Some(fingerprint) = row.get::<_, Option<[u8; 32]>>("fingerprint")? {
        return Ok(fingerprint == new.fingerprint);
    }
    let wanted = new.request.amount;
    Ok(tx
        .prepare_cached(
            "SELECT 1 FROM refunds r JOIN transactions t USING (transaction_id)
             WHERE r.refund_id = ?1 AND t.ext_transaction_id = ?2 AND coalesce(r.amount_minor = ?3, TRUE)
                 AND coalesce(t.currency = ?4, TRUE)",
        )?
        .exists(params![
            row.get::<_, String>("refund_id")?,
            new.ext_transaction_id.as_str(),
            wanted.map(|amount| amount.amount_minor),
            wanted.map(|amount| amount.currency.as_str().to_owned()),
        ])?)
}

const ANSWER: &str =
    "SELECT r.refund_id, r.partner, r.ext_refund_id, r.status, r.raw_code, r.stored_response, r.amount_minor,
        t.currency, t.ext_transaction_id, t.amount_minor - t.refunded_minor AS remaining_minor
    FROM refunds r JOIN transactions t USING (transaction_id)";

/// Stores the response that every replay gets, from the present state, unless there is one.
pub(in crate::store) fn store_response(
    tx: &Connection,
    refund_id: &str,
) -> Result<StoredResponse, StoreError> {
    let mut select = tx.prepare_cached(&format!("{ANSWER} WHERE r.refund_id = ?1"))?;
    let mut rows = select.query([refund_id])?;
    let row = rows.next()?.ok_or_else(|| missing_row("refunds"))?;
    if let Some(answer) = row.get::<_, Option<Vec<u8>>>("stored_response")? {
        return Ok(StoredResponse { answer, before: true });
    }
    let answer =
        serde_json::to_vec(&read_response(row)?).map_err(|_| inconsistent_row("refunds.stored_response"))?;
    tx.prepare_cached("UPDATE refunds SET stored_response = ?2 WHERE refund_id = ?1")?
        .execute(params![refund_id, answer])?;
    Ok(StoredResponse { answer, before: false })
}

/// Whether the operator has asked for it, so that the partner does not know of it.
pub(in crate::store) fn is_operators(tx: &Connection, refund_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM refunds WHERE refund_id = ?1 AND borne_by IS NOT NULL";
    Ok(tx.prepare_cached(sql)?.exists([refund_id])?)
}

pub(in crate::store) fn find_refund_response(
    db: &Connection,
    partner: &PartnerId,
    transaction: &ExtId,
    refund: &ExtId,
) -> Result<Option<RefundResponse>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "{ANSWER} WHERE r.partner = ?1 AND r.ext_refund_id = ?2 AND t.ext_transaction_id = ?3"
    ))?;
    let mut rows = select.query(params![partner.as_str(), refund.as_str(), transaction.as_str()])?;
    rows.next()?.map(read_response).transpose()
}

pub(in crate::store) fn find_refund_webhook(
    db: &Connection,
    refund_id: &str,
) -> Result<Option<(PartnerId, RefundResponse)>, StoreError> {
    let mut select = db.prepare_cached(&format!("{ANSWER} WHERE r.refund_id = ?1"))?;
    let mut rows = select.query([refund_id])?;
    rows.next()?
        .map(|row| Ok((parse_column(row, "refunds.partner", PartnerId::parse)?, read_response(row)?)))
        .transpose()
}

fn read_response(row: &Row<'_>) -> Result<RefundResponse, StoreError> {
    let amount = read_amount(row, "transactions.currency")?;
    Ok(RefundResponse {
        refund_id: row.get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        amount,
        remaining: Money { amount_minor: row.get("remaining_minor")?, ..amount },
        raw_result: read_raw_result(row)?,
    })
}

pub(in crate::store) const REFUND: &str =
    "SELECT r.refund_id, coalesce(t.billing_ref, r.transaction_id) AS billed_as, r.partner, r.amount_minor,
        r.tax_minor, t.currency, t.tax_rate,
        t.charge_code
    FROM refunds r JOIN transactions t USING (transaction_id)";

pub(in crate::store) fn find_pending_refund(
    db: &Connection,
    refund_id: &str,
) -> Result<Option<Refund>, StoreError> {
    let mut select =
        db.prepare_cached(&format!("{REFUND} WHERE r.refund_id = ?1 AND r.status = 'PENDING'"))?;
    let mut rows = select.query([refund_id])?;
    rows.next()?.map(read_refund).transpose()
}

pub(in crate::store) fn read_refund(row: &Row<'_>) -> Result<Refund, StoreError> {
    Ok(Refund {
        refund_id: row.get("refund_id")?,
        transaction_id: row.get("billed_as")?,
        amount: read_amount(row, "transactions.currency")?,
        partner: parse_column(row, "refunds.partner", PartnerId::parse)?,
        charge_code: read_charge_code(row)?,
        tax: read_tax(row)?,
    })
}

/// Records billing's decision. A declined refund's amount is put back to the charge; an approved
/// one counts against no limit any more. A settled refund stays as it is.
pub(in crate::store) fn write_refund_state(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    status: TransactionStatus,
    raw_code: Option<&str>,
) -> Result<SettleResult, StoreError> {
    let settled = tx
        .prepare_cached(
            "UPDATE refunds SET status = ?2, raw_code = ?3, settled_at = ?4 WHERE refund_id = ?1 AND status = 'PENDING'",
        )?
        .execute(params![refund_id, status.as_str(), raw_code, now.unix_seconds()])?;
    let (known, transaction_id, amount_minor): (String, String, i64) = tx
        .prepare_cached("SELECT status, transaction_id, amount_minor FROM refunds WHERE refund_id = ?1")?
        .query_row([refund_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if settled == 0 {
        return Ok(if known == status.as_str() { SettleResult::Late } else { SettleResult::Contradicted });
    }
    if status == TransactionStatus::Approved {
        spending::release_refund(tx, &transaction_id, amount_minor)?;
    } else {
        tx.prepare_cached(
            "UPDATE transactions SET refunded_minor = refunded_minor - ?2 WHERE transaction_id = ?1",
        )?
        .execute(params![transaction_id, amount_minor])?;
    }
    Ok(SettleResult::Written)
}
