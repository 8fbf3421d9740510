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
    HandOff, Job, JobKey, JobKind, LEASE_SECONDS_MAX, LeasedJob, SettleResult, SmsJob, WebhookJob,
    kept_if_refused, postgres as queue,
};
use crate::store::redemption::{RedemptionOutcome, postgres as redemption};
use crate::store::refund::postgres as refund;
use crate::store::settle::{RedriveParts, RedriveResult, RedriveTarget};
use crate::store::spending::postgres as spending;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;

pub(super) async fn settle(
    tx: &PgConnection<'_>,
    now: Timestamp,
    entry: &LeasedJob,
    outcome: &HandOff,
) -> Result<SettleResult, TxError> {
    let (settling, webhook) = match &entry.job {
        Job::Charge { transaction_id } => (
            settle_charge(tx, now, transaction_id, entry.attempts, outcome).await?,
            WebhookJob::Charge { transaction_id: transaction_id.clone() },
        ),
        Job::Refund { refund_id } => (
            settle_refund(tx, now, refund_id, entry.attempts, outcome).await?,
            WebhookJob::Refund { refund_id: refund_id.clone() },
        ),
        Job::Webhook(WebhookJob::Charge { .. })
        | Job::Webhook(WebhookJob::Refund { .. })
        | Job::Sms(SmsJob::Pin { .. })
        | Job::Sms(SmsJob::Notification { .. }) => {
            return queue::put_off_or_delete(tx, now, JobKey::Id(entry.job_id), entry.attempts, outcome)
                .await;
        }
        Job::Sms(SmsJob::CouponReminder { .. }) => {
            return queue::settle_telling(tx, now, entry, kept_if_refused(outcome)).await;
        }
        Job::Webhook(WebhookJob::Pai { .. }) | Job::Webhook(WebhookJob::PaiMapping { .. }) => {
            return queue::settle_telling(tx, now, entry, outcome).await;
        }
        Job::Sms(SmsJob::Coupon { coupon_id, .. }) => {
            return settle_coupon(tx, now, entry, coupon_id, outcome).await;
        }
    };
    put_webhook(tx, now, webhook, settling, outcome).await?;
    Ok(settling)
}

/// What the caller of an answer's use case has made of the outbox's entry: its first attempt.
const FIRST: u32 = 1;

pub(super) async fn answer_transaction(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, SettleResult), TxError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome).await?;
    let fixed = charge::store_response(tx, transaction_id).await?;
    if fixed.before {
        let webhook = WebhookJob::Charge { transaction_id: transaction_id.to_owned() };
        put_webhook(tx, now, webhook, settling, outcome).await?;
    }
    Ok((fixed.answer, settling))
}

pub(super) async fn answer_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, SettleResult), TxError> {
    let settling = settle_refund(tx, now, refund_id, FIRST, outcome).await?;
    let fixed = refund::store_response(tx, refund_id).await?;
    if fixed.before {
        let webhook = WebhookJob::Refund { refund_id: refund_id.to_owned() };
        put_webhook(tx, now, webhook, settling, outcome).await?;
    }
    Ok((fixed.answer, settling))
}

pub(super) async fn answer_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(RedemptionOutcome, SettleResult), TxError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome).await?;
    Ok((redemption::store_outcome(tx, transaction_id).await?, settling))
}

/// An entry that became a line is in nobody's lease.
const NOBODYS: u32 = 0;

pub(super) async fn settle_line(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
    line: u32,
    verdict: &HandOff,
) -> Result<SettleResult, TxError> {
    let row = tx
        .query_optional(
            "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = $1 AND line = $2",
            &[&file_id, &i64::from(line)],
        )
        .await?
        .ok_or_else(|| missing_row("file_lines"))?;
    let (settling, webhook) = match (row.try_get("transaction_id")?, row.try_get("refund_id")?) {
        (Some(id), None) => {
            let settling = settle_charge(tx, now, id, NOBODYS, verdict).await?;
            (settling, WebhookJob::Charge { transaction_id: id.to_owned() })
        }
        (None, Some(id)) => {
            let settling = settle_refund(tx, now, id, NOBODYS, verdict).await?;
            (settling, WebhookJob::Refund { refund_id: id.to_owned() })
        }
        _ => return Err(inconsistent_row("file_lines.transaction_id").into()),
    };
    put_webhook(tx, now, webhook, settling, verdict).await?;
    Ok(settling)
}

/// Tells the partner of a verdict that was written now: its post was answered before. The partner is told nothing of a
/// coupon's charge: the coupon is spent, and what becomes of the charge is between the operator and its customer.
async fn put_webhook(
    tx: &PgConnection<'_>,
    now: Timestamp,
    webhook: WebhookJob,
    settling: SettleResult,
    outcome: &HandOff,
) -> Result<(), TxError> {
    if settling != SettleResult::Written || !outcome.is_verdict() {
        return Ok(());
    }
    if let WebhookJob::Charge { transaction_id } = &webhook
        && redemption::find_coupon_of_charge(tx, transaction_id).await?.is_some()
    {
        return Ok(());
    }
    queue::put(tx, &Job::Webhook(webhook), now, 0).await
}

/// Writes what came of a hand-off by its `attempt`. The charge is locked before its entry, also where only the entry is
/// changed: crosswise, two would wait for each other.
async fn settle_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<SettleResult, TxError> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Sent { .. } | HandOff::Refused { .. } | HandOff::Dropped => return Ok(SettleResult::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            charge::lock_charge(tx, transaction_id).await?;
            return queue::put_off_or_delete(
                tx,
                now,
                JobKey::Subject(JobKind::Charge, transaction_id),
                attempt,
                outcome,
            )
            .await;
        }
    };
    let settling = write_charge_outcome(tx, now, transaction_id, status, reason, raw_code.as_deref()).await?;
    queue::put_off_or_delete(tx, now, JobKey::Subject(JobKind::Charge, transaction_id), attempt, outcome)
        .await?;
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
) -> Result<SettleResult, TxError> {
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
        return Ok(if known == status.as_str() { SettleResult::Late } else { SettleResult::Contradicted });
    };
    if let Some(reason) = reason {
        let settling = redemption::release_coupon(tx, now, transaction_id).await?;
        spending::release_charge(tx, transaction_id).await?;
        if reason.closes_pai() {
            pai::close_pai_row(tx, now, settled.try_get("pai")?, reason).await?;
        }
        return Ok(settling);
    }
    Ok(SettleResult::Written)
}

/// The same of a refund. Its charge stays locked.
async fn settle_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<SettleResult, TxError> {
    refund::lock_refund(tx, refund_id).await?;
    let (status, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, raw_code),
        HandOff::Refused { raw_code } => (TransactionStatus::Declined, raw_code),
        HandOff::Sent { .. } | HandOff::Declined { .. } | HandOff::Dropped => return Ok(SettleResult::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return queue::put_off_or_delete(
                tx,
                now,
                JobKey::Subject(JobKind::Refund, refund_id),
                attempt,
                outcome,
            )
            .await;
        }
    };
    let settling = refund::settle_refund(tx, now, refund_id, status, raw_code.as_deref()).await?;
    queue::put_off_or_delete(tx, now, JobKey::Subject(JobKind::Refund, refund_id), attempt, outcome).await?;
    Ok(settling)
}

/// A coupon may have another code by now, and this message be an old one: its entry is gone then. Who gives it another
/// code locks the coupon first, too.
async fn settle_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    entry: &LeasedJob,
    coupon_id: &str,
    outcome: &HandOff,
) -> Result<SettleResult, TxError> {
    coupon::lock_coupon(tx, coupon_id).await?;
    let settling = queue::settle_telling(tx, now, entry, kept_if_refused(outcome)).await?;
    if settling != SettleResult::Written {
        return Ok(settling);
    }
    let (reason, code) = match outcome {
        HandOff::Sent { message_id } => {
            return coupon_sms::mark_sent(tx, now, coupon_id, message_id.as_deref()).await;
        }
        HandOff::Refused { raw_code } => (UndeliveredReason::Refused, raw_code.as_deref()),
        HandOff::Parked => (UndeliveredReason::GivenUp, None),
        HandOff::Dropped => (UndeliveredReason::NotSent, None),
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Later { .. } => return Ok(settling),
    };
    coupon_sms::mark_undelivered(tx, now, coupon_id, reason, code).await?;
    Ok(settling)
}

/// The charge or refund is locked before its job, in the order that everything here locks them: two that lock crosswise
/// would wait for each other.
pub(super) async fn redrive(
    tx: &PgConnection<'_>,
    now: Timestamp,
    target: &RedriveTarget,
) -> Result<RedriveResult, TxError> {
    let RedriveParts { job, table, column, id } = target.parts();
    let sql =
        format!("SELECT settled_at IS NOT NULL AS is_settled FROM {table} WHERE {column} = $1 FOR UPDATE");
    let row = tx.query_optional(&sql, &[&id]).await?;
    let is_settled: Option<bool> = row.map(|row| row.try_get("is_settled")).transpose()?;
    if is_settled != Some(target.wants_settled()) {
        return Ok(RedriveResult::NotNeeded);
    }
    let sql = format!(
        "SELECT job_id, due_at, dead_lettered_at IS NOT NULL AS is_parked FROM outbox
         WHERE kind = $1 AND {column} = $2 FOR UPDATE"
    );
    let Some(entry) = tx.query_optional(&sql, &[&job.kind().as_str(), &id]).await? else {
        // Asked after the job is looked for: making a file deletes the job in the same commit.
        if !target.wants_settled() && billing_file::is_in_a_file(tx, column, id).await? {
            return Ok(RedriveResult::InProgress);
        }
        queue::put(tx, &job, now, 1).await?;
        return Ok(RedriveResult::Requeued);
    };
    let job_id: i64 = entry.try_get("job_id")?;
    if entry.try_get("is_parked")? {
        queue::redrive_dead_letter(tx, now, job_id).await?;
        return Ok(RedriveResult::Redriven);
    }
    if read_time(&entry, "outbox.due_at")? <= now.plus_seconds(LEASE_SECONDS_MAX) {
        return Ok(RedriveResult::InProgress);
    }
    queue::make_due(tx, now, job_id).await?;
    Ok(RedriveResult::MadeDue)
}
