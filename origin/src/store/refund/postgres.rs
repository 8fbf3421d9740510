//! Refunds: claimed once, answered once, and together never more than their charge. Whoever decides about a refund locks
//! its charge, and by that all refunds of it: a refund has no lock of its own.

use crate::store::charge::Fixed;
use crate::store::error::StoreError;
use crate::store::postgres::failure::{Broken, corrupt};
use crate::store::postgres::rows::{amount, hash, raw_result, text, time};
use crate::store::postgres::statements::Db;
use crate::store::queue::{Settling, postgres as queue};
use crate::store::refund::{NewRefund, Refund, RefundPosting};
use crate::store::spending::postgres as spending;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use tokio_postgres::Row;

pub(in crate::store) async fn post(
    tx: &Db<'_>,
    now: Timestamp,
    new: &NewRefund,
) -> Result<RefundPosting, Broken> {
    // The charge is locked before its refunds are read, so the same id at once is found by whoever comes second. At once
    // for another charge, it is caught by the index of names.
    let charge = lock_charge(tx, new).await?;
    if let Some(row) = claimed(tx, new).await? {
        return repeat(tx, now, new, &row).await;
    }
    let Some(charge) = charge else { return Ok(RefundPosting::TransactionNotFound) };
    let Money { amount_minor, currency } = amount(&charge)?;
    let left = match text(&charge, "status", TransactionStatus::parse)? {
        TransactionStatus::Pending => return Ok(RefundPosting::ChargePending),
        TransactionStatus::Declined => 0,
        TransactionStatus::Approved => amount_minor - charge.try_get::<_, i64>("refunded_minor")?,
    };
    let remaining = Money { amount_minor: left, currency };
    let wanted = new.request.amount.unwrap_or(remaining);
    if wanted.currency != currency || !(1..=left).contains(&wanted.amount_minor) {
        return Ok(RefundPosting::NotWithinRemainder { remaining });
    }
    let refund = Refund {
        refund_id: new.refund_id.clone(),
        transaction_id: charge.try_get("transaction_id")?,
        amount: wanted,
    };
    insert(tx, now, new, &refund).await?;
    tokio::try_join!(
        take_off(tx, &refund.transaction_id, wanted.amount_minor),
        queue::put_leased(tx, "refund", &refund.refund_id, new.answering_until)
    )?;
    Ok(RefundPosting::Created(refund))
}

async fn lock_charge(tx: &Db<'_>, new: &NewRefund) -> Result<Option<Row>, Broken> {
    tx.row(
        "SELECT transaction_id, amount_minor, currency, status, refunded_minor FROM transactions
         WHERE partner = $1 AND ext_transaction_id = $2 FOR UPDATE",
        &[&new.partner.as_str(), &new.ext_transaction_id.as_str()],
    )
    .await
}

async fn claimed(tx: &Db<'_>, new: &NewRefund) -> Result<Option<Row>, Broken> {
    tx.row(
        "SELECT refund_id, fingerprint, answer, answering_until FROM refunds
         WHERE partner = $1 AND ext_refund_id = $2",
        &[&new.partner.as_str(), &new.request.ext_refund_id.as_str()],
    )
    .await
}

/// The same id again: the same contents get the first answer, others are refused. The charge's name is one of the
/// contents, so the charge that is locked is the right one.
async fn repeat(tx: &Db<'_>, now: Timestamp, new: &NewRefund, row: &Row) -> Result<RefundPosting, Broken> {
    if hash(row, "fingerprint")? != new.fingerprint {
        return Ok(RefundPosting::Conflict);
    }
    if let Some(answer) = row.try_get("answer")? {
        return Ok(RefundPosting::Replayed(answer));
    }
    if now < time(row, "answering_until")? {
        return Ok(RefundPosting::InProgress);
    }
    // Whoever took the post never answered it: this is the first answer.
    Ok(RefundPosting::Replayed(fix_answer(tx, row.try_get("refund_id")?).await?.answer))
}

/// Takes an amount off what is left of a charge; a negative one is put back.
async fn take_off(tx: &Db<'_>, transaction_id: &str, amount_minor: i64) -> Result<(), Broken> {
    tx.change_one(
        "transaction_id",
        "UPDATE transactions SET refunded_minor = refunded_minor + $2 WHERE transaction_id = $1",
        &[&transaction_id, &amount_minor],
    )
    .await
}

async fn insert(tx: &Db<'_>, now: Timestamp, new: &NewRefund, refund: &Refund) -> Result<(), Broken> {
    tx.change_one(
        "refund",
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor, reason,
             status, answering_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'PENDING', $8, $9)",
        &[
            &refund.refund_id,
            &new.partner.as_str(),
            &new.request.ext_refund_id.as_str(),
            &new.fingerprint.as_slice(),
            &refund.transaction_id,
            &refund.amount.amount_minor,
            &new.request.reason,
            &new.answering_until.unix_seconds(),
            &now.unix_seconds(),
        ],
    )
    .await
}

/// Keeps everybody else from deciding about this refund, and about its charge, until the commit.
pub(in crate::store) async fn lock(tx: &Db<'_>, refund_id: &str) -> Result<(), Broken> {
    let row = tx
        .row(
            "SELECT 1 FROM transactions
             WHERE transaction_id = (SELECT transaction_id FROM refunds WHERE refund_id = $1) FOR UPDATE",
            &[&refund_id],
        )
        .await?;
    row.map(|_| ()).ok_or_else(|| corrupt("refund_id"))
}

/// Everything that an answer tells.
const ANSWER: &str =
    "SELECT r.refund_id, r.partner, r.ext_refund_id, r.status, r.raw_code, r.answer, r.amount_minor,
        t.currency, t.ext_transaction_id, t.amount_minor - t.refunded_minor AS remaining_minor
    FROM refunds r JOIN transactions t USING (transaction_id)";

/// Fixes the answer that every replay gets: the state the refund has now, unless it was fixed before. Whoever calls this
/// has the lock.
pub(in crate::store) async fn fix_answer(tx: &Db<'_>, refund_id: &str) -> Result<Fixed, Broken> {
    let row = tx
        .row(&format!("{ANSWER} WHERE r.refund_id = $1"), &[&refund_id])
        .await?
        .ok_or_else(|| corrupt("refund_id"))?;
    if let Some(answer) = row.try_get("answer")? {
        return Ok(Fixed { answer, before: true });
    }
    let answer = serde_json::to_vec(&read(&row)?).map_err(|error| StoreError::Failed(error.to_string()))?;
    tx.change_one("refund_id", "UPDATE refunds SET answer = $2 WHERE refund_id = $1", &[&refund_id, &answer])
        .await?;
    Ok(Fixed { answer, before: false })
}

pub(in crate::store) async fn find(
    db: &Db<'_>,
    partner: &PartnerId,
    transaction: &ExtId,
    refund: &ExtId,
) -> Result<Option<RefundResponse>, Broken> {
    let sql = format!("{ANSWER} WHERE r.partner = $1 AND r.ext_refund_id = $2 AND t.ext_transaction_id = $3");
    let row = db.row(&sql, &[&partner.as_str(), &refund.as_str(), &transaction.as_str()]).await?;
    row.as_ref().map(read).transpose()
}

/// Whom to tell how a refund stands now.
pub(in crate::store) async fn told(
    db: &Db<'_>,
    refund_id: &str,
) -> Result<Option<(PartnerId, RefundResponse)>, Broken> {
    let row = db.row(&format!("{ANSWER} WHERE r.refund_id = $1"), &[&refund_id]).await?;
    row.map(|row| Ok((text(&row, "partner", PartnerId::parse)?, read(&row)?))).transpose()
}

fn read(row: &Row) -> Result<RefundResponse, Broken> {
    let amount = amount(row)?;
    Ok(RefundResponse {
        refund_id: row.try_get("refund_id")?,
        ext_refund_id: text(row, "ext_refund_id", ExtId::parse)?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        status: text(row, "status", TransactionStatus::parse)?,
        amount,
        remaining: Money { amount_minor: row.try_get("remaining_minor")?, ..amount },
        raw_result: raw_result(row)?,
    })
}

pub(in crate::store) const REFUND: &str = "SELECT r.refund_id, r.transaction_id, r.amount_minor, t.currency
    FROM refunds r JOIN transactions t USING (transaction_id)";

/// The refund, while it is on its way.
pub(in crate::store) async fn refund(db: &Db<'_>, refund_id: &str) -> Result<Option<Refund>, Broken> {
    let sql = format!("{REFUND} WHERE r.refund_id = $1 AND r.status = 'PENDING'");
    db.row(&sql, &[&refund_id]).await?.as_ref().map(read_refund).transpose()
}

pub(in crate::store) fn read_refund(row: &Row) -> Result<Refund, Broken> {
    Ok(Refund {
        refund_id: row.try_get("refund_id")?,
        transaction_id: row.try_get("transaction_id")?,
        amount: amount(row)?,
    })
}

/// Writes how billing decided. What is declined is off the charge no more; what is given back counts against no limit.
/// A refund that is settled stays as it is. Whoever calls this has the lock.
pub(in crate::store) async fn settle(
    tx: &Db<'_>,
    now: Timestamp,
    refund_id: &str,
    status: TransactionStatus,
    raw_code: Option<&str>,
) -> Result<Settling, Broken> {
    let settled = tx
        .row(
            "UPDATE refunds SET status = $2, raw_code = $3, settled_at = $4
             WHERE refund_id = $1 AND status = 'PENDING' RETURNING transaction_id, amount_minor",
            &[&refund_id, &status.as_str(), &raw_code, &now.unix_seconds()],
        )
        .await?;
    let Some(settled) = settled else {
        let row = tx
            .row("SELECT status FROM refunds WHERE refund_id = $1", &[&refund_id])
            .await?
            .ok_or_else(|| corrupt("refund_id"))?;
        let known: &str = row.try_get("status")?;
        return Ok(if known == status.as_str() { Settling::Late } else { Settling::Contradicted });
    };
    let (transaction_id, amount_minor): (&str, i64) =
        (settled.try_get("transaction_id")?, settled.try_get("amount_minor")?);
    if status == TransactionStatus::Approved {
        spending::give_back_refund(tx, transaction_id, amount_minor).await?;
    } else {
        take_off(tx, transaction_id, -amount_minor).await?;
    }
    Ok(Settling::Written)
}
