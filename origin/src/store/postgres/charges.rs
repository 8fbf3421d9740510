//! Charges: claimed once, answered once, for ever.

use super::failure::{Broken, corrupt};
use super::rows::{amount, hash, number, optional_text, text, time};
use super::statements::Db;
use crate::store::{Charge, NewCharge, Posting, StoreError};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RawResult, TransactionAnswer, TransactionStatus};
use tokio_postgres::Row;

pub(super) async fn post(tx: &Db<'_>, now: Timestamp, new: &NewCharge) -> Result<Posting, Broken> {
    // Both look-ups share a round trip.
    let (claimed, verdict) =
        tokio::try_join!(claimed(tx, new), verdict_of_pai(tx, &new.partner, new.request.pai))?;
    if let Some(row) = claimed {
        return repeat(tx, now, new, &row).await;
    }
    let Some(verdict) = verdict else { return Ok(Posting::PaiNotFound) };
    if !claim(tx, now, new, verdict).await? {
        // Somebody claimed the id since, and has committed: it is there to be read.
        let row = self::claimed(tx, new).await?.ok_or_else(|| corrupt("claim"))?;
        return repeat(tx, now, new, &row).await;
    }
    if verdict.is_some() {
        return Ok(Posting::Decided(fix_answer(tx, &new.transaction_id).await?));
    }
    tx.change_one(
        "outbox entry",
        "INSERT INTO outbox (kind, transaction_id, due_at, leased_until, attempts) VALUES ('charge', $1, $2, $3, 1)",
        &[&new.transaction_id, &now.unix_seconds(), &new.answering_until.unix_seconds()],
    )
    .await?;
    Ok(Posting::Created)
}

async fn claimed(tx: &Db<'_>, new: &NewCharge) -> Result<Option<Row>, Broken> {
    tx.row(
        "SELECT transaction_id, fingerprint, answer, answering_until FROM transactions
         WHERE partner = $1 AND ext_transaction_id = $2",
        &[&new.partner.as_str(), &new.request.ext_transaction_id.as_str()],
    )
    .await
}

/// The same id again: the same contents get the first answer, others are refused.
async fn repeat(tx: &Db<'_>, now: Timestamp, new: &NewCharge, row: &Row) -> Result<Posting, Broken> {
    if hash(row, "fingerprint")? != new.fingerprint {
        return Ok(Posting::Conflict);
    }
    if let Some(answer) = row.try_get("answer")? {
        return Ok(Posting::Replayed(answer));
    }
    if now < time(row, "answering_until")? {
        return Ok(Posting::InProgress);
    }
    // Whoever took the post never answered it: this is the first answer.
    Ok(Posting::Replayed(fix_answer(tx, row.try_get("transaction_id")?).await?))
}

/// What the PAI's state decides: `None` no such PAI, `Some(None)` nothing, `Some(Some(..))` a decline.
async fn verdict_of_pai(
    tx: &Db<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<Option<DeclineReason>>, Broken> {
    let row = tx
        .row(
            "SELECT state, closed_reason FROM pais WHERE partner = $1 AND pai = $2",
            &[&partner.as_str(), &pai.to_string()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(match text(&row, "state", PaiState::parse)? {
        PaiState::Active => None,
        PaiState::Suspended => Some(DeclineReason::AccountOnHold),
        PaiState::Closed => Some(text(&row, "closed_reason", DeclineReason::parse)?),
    }))
}

/// Writes the charge. Not when its id is claimed: whoever is about to claim it is waited for.
async fn claim(
    tx: &Db<'_>,
    now: Timestamp,
    new: &NewCharge,
    verdict: Option<DeclineReason>,
) -> Result<bool, Broken> {
    let request = &new.request;
    let status = if verdict.is_some() { TransactionStatus::Declined } else { TransactionStatus::Pending };
    let written = tx
        .change(
            "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
                 currency, tax_minor, description, period_from, period_to, status, decline_reason, answering_until,
                 created_at, settled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (partner, ext_transaction_id) DO NOTHING",
            &[
                &new.transaction_id,
                &new.partner.as_str(),
                &request.ext_transaction_id.as_str(),
                &new.fingerprint.as_slice(),
                &request.pai.to_string(),
                &request.amount.amount_minor,
                &request.amount.currency.as_str(),
                &request.tax.map(|tax| tax.amount_minor),
                &request.description,
                &request.service_period.from().to_string(),
                &request.service_period.to().to_string(),
                &status.as_str(),
                &verdict.map(DeclineReason::as_str),
                &new.answering_until.unix_seconds(),
                &now.unix_seconds(),
                &verdict.map(|_| now.unix_seconds()),
            ],
        )
        .await?;
    Ok(written == 1)
}

/// Keeps everybody else from deciding about this charge until the commit.
pub(super) async fn lock(tx: &Db<'_>, transaction_id: &str) -> Result<(), Broken> {
    let row =
        tx.row("SELECT 1 FROM transactions WHERE transaction_id = $1 FOR UPDATE", &[&transaction_id]).await?;
    row.map(|_| ()).ok_or_else(|| corrupt("transaction_id"))
}

/// Fixes the answer that every replay gets: the state the charge has now, unless it was fixed before.
pub(super) async fn fix_answer(tx: &Db<'_>, transaction_id: &str) -> Result<Vec<u8>, Broken> {
    let row = tx
        .row(
            "SELECT transaction_id, ext_transaction_id, status, decline_reason, raw_code, answer FROM transactions
             WHERE transaction_id = $1 FOR UPDATE",
            &[&transaction_id],
        )
        .await?
        .ok_or_else(|| corrupt("transaction_id"))?;
    if let Some(answer) = row.try_get("answer")? {
        return Ok(answer);
    }
    let answer = serde_json::to_vec(&read(&row)?).map_err(|error| StoreError::Failed(error.to_string()))?;
    tx.change_one(
        "transaction_id",
        "UPDATE transactions SET answer = $2 WHERE transaction_id = $1",
        &[&transaction_id, &answer],
    )
    .await?;
    Ok(answer)
}

pub(super) async fn find(
    db: &Db<'_>,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<Option<TransactionAnswer>, Broken> {
    let row = db
        .row(
            "SELECT transaction_id, ext_transaction_id, status, decline_reason, raw_code FROM transactions
             WHERE partner = $1 AND ext_transaction_id = $2",
            &[&partner.as_str(), &id.as_str()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<TransactionAnswer, Broken> {
    let raw_code: Option<String> = row.try_get("raw_code")?;
    Ok(TransactionAnswer {
        transaction_id: row.try_get("transaction_id")?,
        ext_transaction_id: text(row, "ext_transaction_id", ExtId::parse)?,
        status: text(row, "status", TransactionStatus::parse)?,
        decline_reason: optional_text(row, "decline_reason", DeclineReason::parse)?,
        raw_result: raw_code.map(|raw_code| RawResult { scope: "billing".to_owned(), raw_code }),
    })
}

/// The charge with the number of the PAI's own subscriber: not of whoever holds that number today.
pub(super) async fn charge(db: &Db<'_>, transaction_id: &str) -> Result<Option<Charge>, Broken> {
    let row = db
        .row(
            "SELECT t.transaction_id, t.amount_minor, t.currency, t.description, t.period_from, t.period_to,
                 h.number_index, h.number_sealed, h.generation
             FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
             WHERE t.transaction_id = $1 AND t.status = 'PENDING'",
            &[&transaction_id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (from, to) = (text(&row, "period_from", Day::parse)?, text(&row, "period_to", Day::parse)?);
    Ok(Some(Charge {
        transaction_id: row.try_get("transaction_id")?,
        number: number(&row)?,
        generation: row.try_get("generation")?,
        amount: amount(&row)?,
        description: row.try_get("description")?,
        service_period: ServicePeriod::new(from, to).map_err(|_| corrupt("service period"))?,
    }))
}
