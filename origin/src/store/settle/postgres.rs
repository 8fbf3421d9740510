//! What came of jobs, written with everything that follows from it.

use crate::store::billing_file::postgres as billing_file;
use crate::store::charge::postgres as charge;
use crate::store::coupon::postgres as coupon;
use crate::store::coupon_sms::postgres as coupon_sms;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_time;
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{
    Entry, HandOff, LEASE_SECONDS_MAX, Settling, Work, kept_if_refused, postgres as queue,
};
use crate::store::redemption::{RedemptionEnd, postgres as redemption};
use crate::store::refund::postgres as refund;
use crate::store::settle::{Errand, SeenTo};
use crate::store::spending::postgres as spending;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;

pub(super) async fn settle(
    tx: &PgConnection<'_>,
    now: Timestamp,
    entry: &Entry,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    let (settling, kind, id) = match &entry.work {
        Work::Charge { transaction_id } => (
            settle_charge(tx, now, transaction_id, entry.attempts, outcome).await?,
            "charge-notice",
            transaction_id,
        ),
        Work::Refund { refund_id } => {
            (settle_refund(tx, now, refund_id, entry.attempts, outcome).await?, "refund-notice", refund_id)
        }
        Work::ChargeNotice { .. }
        | Work::RefundNotice { .. }
        | Work::Pin { .. }
        | Work::Notification { .. } => {
            return queue::put_off_or_delete(tx, now, "job_id = $1", &entry.job_id, entry.attempts, outcome)
                .await;
        }
        Work::CouponReminder { .. } => {
            return queue::settle_telling(tx, now, entry, kept_if_refused(outcome)).await;
        }
        Work::PaiNotice { .. } | Work::PaiMapping { .. } => {
            return queue::settle_telling(tx, now, entry, outcome).await;
        }
        Work::Coupon { coupon_id, .. } => return settle_coupon(tx, now, entry, coupon_id, outcome).await,
    };
    tell(tx, now, kind, id, settling, outcome).await?;
    Ok(settling)
}

/// What the caller of an answer's use case has made of the outbox's entry: its first attempt.
const FIRST: u32 = 1;

pub(super) async fn answer_transaction(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, Settling), TxError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome).await?;
    let fixed = charge::fix_answer(tx, transaction_id).await?;
    if fixed.before {
        tell(tx, now, "charge-notice", transaction_id, settling, outcome).await?;
    }
    Ok((fixed.answer, settling))
}

pub(super) async fn answer_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, Settling), TxError> {
    let settling = settle_refund(tx, now, refund_id, FIRST, outcome).await?;
    let fixed = refund::fix_answer(tx, refund_id).await?;
    if fixed.before {
        tell(tx, now, "refund-notice", refund_id, settling, outcome).await?;
    }
    Ok((fixed.answer, settling))
}

pub(super) async fn answer_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(RedemptionEnd, Settling), TxError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome).await?;
    Ok((redemption::finish(tx, transaction_id).await?, settling))
}

/// An entry that became a line is in nobody's lease.
const NOBODYS: u32 = 0;

pub(super) async fn settle_line(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
    line: u32,
    verdict: &HandOff,
) -> Result<Settling, TxError> {
    let row = tx
        .query_optional(
            "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = $1 AND line = $2",
            &[&file_id, &i64::from(line)],
        )
        .await?
        .ok_or_else(|| missing_row("file_lines"))?;
    let (settling, kind, id): (_, _, &str) = match (row.try_get("transaction_id")?, row.try_get("refund_id")?)
    {
        (Some(id), None) => (settle_charge(tx, now, id, NOBODYS, verdict).await?, "charge-notice", id),
        (None, Some(id)) => (settle_refund(tx, now, id, NOBODYS, verdict).await?, "refund-notice", id),
        _ => return Err(inconsistent_row("file_lines.transaction_id").into()),
    };
    tell(tx, now, kind, id, settling, verdict).await?;
    Ok(settling)
}

/// Puts a notice in when a verdict was written: its post was answered before. What becomes of a coupon's charge is the
/// operator's affair: the coupon is spent, and no post of the partner's is open.
async fn tell(
    tx: &PgConnection<'_>,
    now: Timestamp,
    kind: &str,
    id: &str,
    settling: Settling,
    outcome: &HandOff,
) -> Result<(), TxError> {
    if settling == Settling::Written
        && outcome.is_verdict()
        && !(kind == "charge-notice" && redemption::coupon_of(tx, id).await?.is_some())
    {
        queue::put(tx, kind, id, now, 0).await?;
    }
    Ok(())
}

const CHARGE: &str = "kind = 'charge' AND transaction_id = $1";

const REFUND: &str = "kind = 'refund' AND refund_id = $1";

/// Writes what came of a hand-off by its `attempt`. The charge is locked before its entry, also where only the entry is
/// changed: crosswise, two would wait for each other.
async fn settle_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Sent { .. } | HandOff::Refused { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            charge::lock(tx, transaction_id).await?;
            return queue::put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome).await;
        }
    };
    let settling = write_charge_outcome(tx, now, transaction_id, status, reason, raw_code.as_deref()).await?;
    queue::put_off_or_delete(tx, now, CHARGE, &transaction_id, attempt, outcome).await?;
    Ok(settling)
}

/// Writes how billing decided, and closes the PAI where the reason says so; a declined charge counts against no limit.
/// One that is settled stays as it is. Its entry has gone with its settling, so then nothing has to be locked.
async fn write_charge_outcome(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    status: TransactionStatus,
    reason: Option<DeclineReason>,
    raw_code: Option<&str>,
) -> Result<Settling, TxError> {
    let settled = tx
        .query_optional(
            "UPDATE transactions SET status = $2, decline_reason = $3, raw_code = $4, settled_at = $5
             WHERE transaction_id = $1 AND status = 'PENDING' RETURNING pai",
            &[
                &transaction_id,
                &status.as_str(),
                &reason.map(DeclineReason::as_str),
                &raw_code,
                &now.unix_seconds(),
            ],
        )
        .await?;
    let Some(settled) = settled else {
        let row = tx
            .query_optional("SELECT status FROM transactions WHERE transaction_id = $1", &[&transaction_id])
            .await?
            .ok_or_else(|| missing_row("transactions"))?;
        let known: &str = row.try_get("status")?;
        return Ok(if known == status.as_str() { Settling::Late } else { Settling::Contradicted });
    };
    if let Some(reason) = reason {
        let settling = redemption::declined(tx, now, transaction_id).await?;
        spending::give_back_charge(tx, transaction_id).await?;
        if reason.closes_pai() {
            pai::close(tx, now, settled.try_get("pai")?, reason).await?;
        }
        return Ok(settling);
    }
    Ok(Settling::Written)
}

/// The same of a refund. Its charge stays locked.
async fn settle_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    refund::lock(tx, refund_id).await?;
    let (status, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, raw_code),
        HandOff::Refused { raw_code } => (TransactionStatus::Declined, raw_code),
        HandOff::Sent { .. } | HandOff::Declined { .. } | HandOff::Dropped => return Ok(Settling::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return queue::put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome).await;
        }
    };
    let settling = refund::settle(tx, now, refund_id, status, raw_code.as_deref()).await?;
    queue::put_off_or_delete(tx, now, REFUND, &refund_id, attempt, outcome).await?;
    Ok(settling)
}

/// A coupon may have another code by now, and this message be an old one: its entry is gone then. Who gives it another
/// code locks the coupon first, too.
async fn settle_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    entry: &Entry,
    coupon_id: &str,
    outcome: &HandOff,
) -> Result<Settling, TxError> {
    coupon::lock(tx, coupon_id).await?;
    let settling = queue::settle_telling(tx, now, entry, kept_if_refused(outcome)).await?;
    if settling != Settling::Written {
        return Ok(settling);
    }
    let (reason, code) = match outcome {
        HandOff::Sent { message_id } => {
            return coupon_sms::sent(tx, now, coupon_id, message_id.as_deref()).await;
        }
        HandOff::Refused { raw_code } => (UndeliveredReason::Refused, raw_code.as_deref()),
        HandOff::Parked => (UndeliveredReason::GivenUp, None),
        HandOff::Dropped => (UndeliveredReason::NotSent, None),
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Later { .. } => return Ok(settling),
    };
    coupon_sms::not_coming(tx, now, coupon_id, reason, code).await?;
    Ok(settling)
}

/// The charge or refund before its entry, as everybody takes them: crosswise, two would wait for each other.
pub(super) async fn see_to(
    tx: &PgConnection<'_>,
    now: Timestamp,
    errand: &Errand,
) -> Result<SeenTo, TxError> {
    let (kind, id) = errand.parts();
    let subject = queue::subject(kind);
    let table = if subject == "transaction_id" { "transactions" } else { "refunds" };
    let sql =
        format!("SELECT settled_at IS NOT NULL AS is_settled FROM {table} WHERE {subject} = $1 FOR UPDATE");
    let row = tx.query_optional(&sql, &[&id]).await?;
    let is_settled: Option<bool> = row.map(|row| row.try_get("is_settled")).transpose()?;
    if is_settled != Some(errand.wants_settled()) {
        return Ok(SeenTo::NotNeeded);
    }
    let sql = format!(
        "SELECT job_id, due_at, dead_lettered_at IS NOT NULL AS is_parked FROM outbox
         WHERE kind = $1 AND {subject} = $2 FOR UPDATE"
    );
    let Some(entry) = tx.query_optional(&sql, &[&kind, &id]).await? else {
        // Asked after the entry: whoever makes a file takes that away with the same commit.
        if !errand.wants_settled() && billing_file::is_in_a_file(tx, subject, id).await? {
            return Ok(SeenTo::UnderWay);
        }
        queue::put(tx, kind, id, now, 1).await?;
        return Ok(SeenTo::PutBack);
    };
    let job_id: i64 = entry.try_get("job_id")?;
    if entry.try_get("is_parked")? {
        queue::redrive(tx, now, job_id).await?;
        return Ok(SeenTo::Redriven);
    }
    if read_time(&entry, "outbox.due_at")? <= now.plus_seconds(LEASE_SECONDS_MAX) {
        return Ok(SeenTo::UnderWay);
    }
    let sql = "UPDATE outbox SET due_at = $2 WHERE job_id = $1";
    tx.execute_one("outbox", sql, &[&job_id, &now.unix_seconds()]).await?;
    Ok(SeenTo::Hurried)
}
