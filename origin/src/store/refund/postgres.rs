//! Refunds in SQL. A refund has no lock of its own: its charge is locked, and by that all refunds
//! of it. Before it the PAI is, so that it is not turned off meanwhile.

use crate::store::charge::StoredResponse;
use crate::store::clock_skew::lasts;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_charge_code, read_hash, read_raw_result, read_tax,
    read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, SettleResult, postgres as queue};
use crate::store::refund::{NewRefund, PostRefundResult, Refund};
use crate::store::spending::postgres as spending;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::tax::{TaxRate, tax_given_back};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use tokio_postgres::Row;

pub(in crate::store) async fn post_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRefund,
) -> Result<PostRefundResult, TxError> {
    // The charge is locked before its refunds are read, so that the second of two calls with one id
    // finds the first. For another charge the unique index catches it.
    // In one round trip, and in this order.
    let (is_dark, charge) = tokio::try_join!(
        biased;
        pai_lock::lock_switch_of_charge(tx, &new.partner, &new.ext_transaction_id),
        lock_charge(tx, new),
    )?;
    if let Some(row) = find_claim(tx, new).await? {
        return replay_refund(tx, now, new, &row).await;
    }
    let Some(charge) = charge else { return Ok(PostRefundResult::TransactionNotFound) };
    if is_dark {
        return Ok(PostRefundResult::NotCutOver);
    }
    let Money { amount_minor, currency } = read_amount(&charge, "transactions.currency")?;
    let refunded_minor: i64 = charge.try_get("refunded_minor")?;
    let left = match parse_column(&charge, "transactions.status", TransactionStatus::parse)? {
        TransactionStatus::Pending => return Ok(PostRefundResult::ChargePending),
        TransactionStatus::Declined => 0,
        TransactionStatus::Approved => amount_minor - refunded_minor,
    };
    let remaining = Money { amount_minor: left, currency };
    let wanted = new.request.amount.unwrap_or(remaining);
    if wanted.currency != currency || !(1..=left).contains(&wanted.amount_minor) {
        return Ok(PostRefundResult::NotWithinRemainder { remaining });
    }
    if let Some(ceiling) = new.find_ceiling(currency) {
        let before_minor = sum_of_operators(tx, charge.try_get("transaction_id")?).await?;
        if before_minor.saturating_add(wanted.amount_minor) > ceiling.amount_minor {
            return Ok(PostRefundResult::AboveCeiling { ceiling });
        }
    }
    let tax_minor = charge
        .try_get::<_, Option<i64>>("tax_minor")?
        .map(|tax| tax_given_back(amount_minor, tax, refunded_minor, wanted.amount_minor));
    let tax_rate = parse_optional_column(&charge, "transactions.tax_rate", TaxRate::parse)?;
    let transaction_id: String = charge.try_get("transaction_id")?;
    let refund = Refund {
        refund_id: new.refund_id.clone(),
        transaction_id: charge
            .try_get::<_, Option<String>>("billing_ref")?
            .unwrap_or_else(|| transaction_id.clone()),
        amount: wanted,
        partner: new.partner.clone(),
        charge_code: read_charge_code(&charge)?,
        tax: tax_minor.map(|tax_minor| BillTax::within(wanted, tax_minor, tax_rate)),
    };
    insert_refund(tx, now, new, &transaction_id, &refund).await?;
    let job = Job::Refund { refund_id: refund.refund_id.clone() };
    tokio::try_join!(
        reserve_amount(tx, &transaction_id, wanted.amount_minor),
        queue::put_leased(tx, &job, now, new.responding_until)
    )?;
    Ok(PostRefundResult::Created(refund))
}

/// What the operator has given back of a charge, and may give back while it is pending. Counted
/// together, so that nothing is gained by many small ones.
async fn sum_of_operators(tx: &PgConnection<'_>, transaction_id: &str) -> Result<i64, TxError> {
    let row = tx
        .query_optional(
            "SELECT coalesce(sum(amount_minor), 0)::BIGINT AS before_minor FROM refunds
             WHERE transaction_id = $1 AND borne_by IS NOT NULL AND status <> 'DECLINED'",
            &[&transaction_id],
        )
        .await?
        .ok_or_else(|| missing_row("refunds"))?;
    Ok(row.try_get("before_minor")?)
}

async fn lock_charge(tx: &PgConnection<'_>, new: &NewRefund) -> Result<Option<Row>, TxError> {
    tx.query_optional(
        "SELECT transaction_id, amount_minor, currency, status, refunded_minor, tax_minor, tax_rate, charge_code,
             billing_ref
         FROM transactions
         WHERE partner = $1 AND ext_transaction_id = $2 FOR UPDATE",
        &[&new.partner.as_str(), &new.ext_transaction_id.as_str()],
    )
    .await
}

async fn find_claim(tx: &PgConnection<'_>, new: &NewRefund) -> Result<Option<Row>, TxError> {
    tx.query_optional(
        "SELECT refund_id, fingerprint, stored_response, responding_until FROM refunds
         WHERE partner = $1 AND ext_refund_id = $2",
        &[&new.partner.as_str(), &new.request.ext_refund_id.as_str()],
    )
    .await
}

/// The id was claimed before: the same contents get the stored response, others are refused. The
/// contents include the charge's id, so the right charge is locked.
async fn replay_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRefund,
    row: &Row,
) -> Result<PostRefundResult, TxError> {
    if !is_replay(tx, row, new).await? {
        return Ok(PostRefundResult::Conflict);
    }
    if let Some(answer) = row.try_get("stored_response")? {
        return Ok(PostRefundResult::Replayed(answer));
    }
    if lasts(now, read_time(row, "refunds.responding_until")?, LEASE_SECONDS_MAX) {
        return Ok(PostRefundResult::InProgress);
    }
    // The call that recorded it never answered, so this is the first response.
    Ok(PostRefundResult::Replayed(store_response(tx, row.try_get("refund_id")?).await?.answer))
}

/// Whether the recorded refund is the one that is posted. An adopted one has no fingerprint.
async fn is_replay(tx: &PgConnection<'_>, row: &Row, new: &NewRefund) -> Result<bool, TxError> {
    if row.try_get::<_, Option<&[u8]>>("fingerprint")?.is_some() {
        return Ok(read_hash(row, "refunds.fingerprint")? == new.fingerprint);
    }
    let wanted = new.request.amount;
    let same = tx
        .query_optional(
            "SELECT 1 FROM refunds r JOIN transactions t USING (transaction_id)
             WHERE r.refund_id = $1 AND t.ext_transaction_id = $2 AND coalesce(r.amount_minor = $3, TRUE)
                 AND coalesce(t.currency = $4, TRUE)",
            &[
                &row.try_get::<_, &str>("refund_id")?,
                &new.ext_transaction_id.as_str(),
                &wanted.map(|amount| amount.amount_minor),
                &wanted.map(|amount| amount.currency.as_str().to_owned()),
            ],
        )
        .await?;
    Ok(same.is_some())
}

/// Takes an amount off what is left of the charge; a negative amount is put back.
async fn reserve_amount(
    tx: &PgConnection<'_>,
    transaction_id: &str,
    amount_minor: i64,
) -> Result<(), TxError> {
    tx.execute_one(
        "transactions",
        "UPDATE transactions SET refunded_minor = refunded_minor + $2 WHERE transaction_id = $1",
        &[&transaction_id, &amount_minor],
    )
    .await
}

async fn insert_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRefund,
    transaction_id: &str,
    refund: &Refund,
) -> Result<(), TxError> {
    tx.execute_one(
        "refunds",
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason,
             status, responding_until, created_at, tax_minor, borne_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'PENDING', $8, $9, $10, $11)",
        &[
            &refund.refund_id,
            &new.partner.as_str(),
            &new.request.ext_refund_id.as_str(),
            &new.fingerprint.as_slice(),
            &transaction_id,
            &refund.amount.amount_minor,
            &new.request.reason,
            &new.responding_until.unix_seconds(),
            &now.unix_seconds(),
            &refund.tax.as_ref().map(|tax| tax.amount.amount_minor),
            &new.borne_by.map(BorneBy::as_str),
        ],
    )
    .await
}

/// Locks the refund's charge.
pub(in crate::store) async fn lock_refund(tx: &PgConnection<'_>, refund_id: &str) -> Result<(), TxError> {
    let row = tx
        .query_optional(
            "SELECT 1 FROM transactions
             WHERE transaction_id = (SELECT transaction_id FROM refunds WHERE refund_id = $1) FOR UPDATE",
            &[&refund_id],
        )
        .await?;
    row.map(|_| ()).ok_or_else(|| missing_row("refunds").into())
}

const ANSWER: &str =
    "SELECT r.refund_id, r.partner, r.ext_refund_id, r.status, r.raw_code, r.stored_response, r.amount_minor,
        t.currency, t.ext_transaction_id, t.amount_minor - t.refunded_minor AS remaining_minor
    FROM refunds r JOIN transactions t USING (transaction_id)";

/// Stores the response that every replay gets, from the present state, unless there is one. The
/// caller has the lock.
pub(in crate::store) async fn store_response(
    tx: &PgConnection<'_>,
    refund_id: &str,
) -> Result<StoredResponse, TxError> {
    let row = tx
        .query_optional(&format!("{ANSWER} WHERE r.refund_id = $1"), &[&refund_id])
        .await?
        .ok_or_else(|| missing_row("refunds"))?;
    if let Some(answer) = row.try_get("stored_response")? {
        return Ok(StoredResponse { answer, before: true });
    }
    let answer =
        serde_json::to_vec(&read_response(&row)?).map_err(|_| inconsistent_row("refunds.stored_response"))?;
    tx.execute_one(
        "refunds",
        "UPDATE refunds SET stored_response = $2 WHERE refund_id = $1",
        &[&refund_id, &answer],
    )
    .await?;
    Ok(StoredResponse { answer, before: false })
}

/// Whether the operator has asked for it, so that the partner does not know of it.
pub(in crate::store) async fn is_operators(tx: &PgConnection<'_>, refund_id: &str) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM refunds WHERE refund_id = $1 AND borne_by IS NOT NULL";
    Ok(tx.query_optional(sql, &[&refund_id]).await?.is_some())
}

pub(in crate::store) async fn find_refund_response(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    transaction: &ExtId,
    refund: &ExtId,
) -> Result<Option<RefundResponse>, TxError> {
    let sql = format!("{ANSWER} WHERE r.partner = $1 AND r.ext_refund_id = $2 AND t.ext_transaction_id = $3");
    let row = db.query_optional(&sql, &[&partner.as_str(), &refund.as_str(), &transaction.as_str()]).await?;
    row.as_ref().map(read_response).transpose()
}

pub(in crate::store) async fn find_refund_webhook(
    db: &PgConnection<'_>,
    refund_id: &str,
) -> Result<Option<(PartnerId, RefundResponse)>, TxError> {
    let row = db.query_optional(&format!("{ANSWER} WHERE r.refund_id = $1"), &[&refund_id]).await?;
    row.map(|row| Ok((parse_column(&row, "refunds.partner", PartnerId::parse)?, read_response(&row)?)))
        .transpose()
}

fn read_response(row: &Row) -> Result<RefundResponse, TxError> {
    let amount = read_amount(row, "transactions.currency")?;
    Ok(RefundResponse {
        refund_id: row.try_get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        amount,
        remaining: Money { amount_minor: row.try_get("remaining_minor")?, ..amount },
        raw_result: read_raw_result(row)?,
    })
}

pub(in crate::store) const REFUND: &str =
    "SELECT r.refund_id, coalesce(t.billing_ref, r.transaction_id) AS billed_as, r.partner, r.amount_minor,
        r.tax_minor, t.currency, t.tax_rate,
        t.charge_code
    FROM refunds r JOIN transactions t USING (transaction_id)";

pub(in crate::store) async fn find_pending_refund(
    db: &PgConnection<'_>,
    refund_id: &str,
) -> Result<Option<Refund>, TxError> {
    let sql = format!("{REFUND} WHERE r.refund_id = $1 AND r.settled_at IS NULL");
    db.query_optional(&sql, &[&refund_id]).await?.as_ref().map(read_refund).transpose()
}

pub(in crate::store) fn read_refund(row: &Row) -> Result<Refund, TxError> {
    Ok(Refund {
        refund_id: row.try_get("refund_id")?,
        transaction_id: row.try_get("billed_as")?,
        amount: read_amount(row, "transactions.currency")?,
        partner: parse_column(row, "refunds.partner", PartnerId::parse)?,
        charge_code: read_charge_code(row)?,
        tax: read_tax(row)?,
    })
}

/// Records billing's decision. A declined refund's amount is put back to the charge; an approved
/// one counts against no limit any more. A settled refund stays as it is. The caller has the lock.
pub(in crate::store) async fn write_refund_state(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    status: TransactionStatus,
    raw_code: Option<&str>,
) -> Result<SettleResult, TxError> {
    let settled = tx
        .query_optional(
            "UPDATE refunds SET status = $2, raw_code = $3, settled_at = $4
             WHERE refund_id = $1 AND settled_at IS NULL RETURNING transaction_id, amount_minor",
            &[&refund_id, &status.as_str(), &raw_code, &now.unix_seconds()],
        )
        .await?;
    let Some(settled) = settled else {
        let row = tx
            .query_optional("SELECT status FROM refunds WHERE refund_id = $1", &[&refund_id])
            .await?
            .ok_or_else(|| missing_row("refunds"))?;
        let known: &str = row.try_get("status")?;
        return Ok(if known == status.as_str() { SettleResult::Late } else { SettleResult::Contradicted });
    };
    let (transaction_id, amount_minor): (&str, i64) =
        (settled.try_get("transaction_id")?, settled.try_get("amount_minor")?);
    if status == TransactionStatus::Approved {
        spending::release_refund(tx, transaction_id, amount_minor).await?;
    } else {
        reserve_amount(tx, transaction_id, -amount_minor).await?;
    }
    Ok(SettleResult::Written)
}
