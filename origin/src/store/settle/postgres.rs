//! The outcomes of jobs, written with everything that follows from them.

use crate::store::billing_file::postgres as billing_file;
use crate::store::charge::postgres as charge;
use crate::store::coupon::postgres as coupon;
use crate::store::coupon_sms::postgres as coupon_sms;
use crate::store::dead_letter::postgres as dead_letter;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_time;
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{
    BillingOutcome, ChargeDecision, ChargeOutcome, DeliveryOutcome, Job, JobKey, JobKind, LEASE_SECONDS_MAX,
    Lease, LineDecision, NextStep, RefundDecision, RefundOutcome, SettleResult, SmsJob, SmsOutcome,
    WebhookJob, WebhookOutcome, postgres as queue,
};
use crate::store::redemption_outcome::{RedemptionOutcome, postgres as redemption_outcome};
use crate::store::refund::postgres as refund;
use crate::store::settle::{DecisionParts, RedriveParts, RedriveResult, RedriveTarget};
use crate::store::spending::postgres as spending;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;

pub(super) async fn settle(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lease: Lease,
    outcome: &DeliveryOutcome,
) -> Result<SettleResult, TxError> {
    match outcome {
        DeliveryOutcome::Charge { transaction_id, outcome } => {
            let result = settle_charge(tx, now, transaction_id, lease.attempt, outcome).await?;
            if outcome.is_decided() {
                report_charge(tx, now, transaction_id, result).await?;
            }
            Ok(result)
        }
        DeliveryOutcome::Refund { refund_id, outcome } => {
            let result = settle_refund(tx, now, refund_id, lease.attempt, outcome).await?;
            if outcome.is_decided() {
                report_refund(tx, now, refund_id, result).await?;
            }
            Ok(result)
        }
        DeliveryOutcome::Webhook { job, outcome } => end_webhook_job(tx, now, lease, job, *outcome).await,
        DeliveryOutcome::Sms { job, outcome } => end_sms_job(tx, now, lease, job, outcome).await,
    }
}

/// The attempt of a post that submits to billing before it is answered.
const FIRST_ATTEMPT: u32 = 1;

pub(super) async fn answer_transaction(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &ChargeOutcome,
) -> Result<(Vec<u8>, SettleResult), TxError> {
    let result = settle_charge(tx, now, transaction_id, FIRST_ATTEMPT, outcome).await?;
    let fixed = charge::store_response(tx, transaction_id).await?;
    if fixed.before && outcome.is_decided() {
        report_charge(tx, now, transaction_id, result).await?;
    }
    Ok((fixed.answer, result))
}

pub(super) async fn answer_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    outcome: &RefundOutcome,
) -> Result<(Vec<u8>, SettleResult), TxError> {
    let result = settle_refund(tx, now, refund_id, FIRST_ATTEMPT, outcome).await?;
    let fixed = refund::store_response(tx, refund_id).await?;
    if outcome.is_decided() && (fixed.before || refund::is_operators(tx, refund_id).await?) {
        report_refund(tx, now, refund_id, result).await?;
    }
    Ok((fixed.answer, result))
}

pub(super) async fn answer_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    outcome: &ChargeOutcome,
) -> Result<(RedemptionOutcome, SettleResult), TxError> {
    let result = settle_charge(tx, now, transaction_id, FIRST_ATTEMPT, outcome).await?;
    Ok((redemption_outcome::store_outcome(tx, transaction_id).await?, result))
}

/// A job that became a line of a file is no longer in the queue.
pub(super) async fn settle_line(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
    line: u32,
    decision: &LineDecision,
) -> Result<SettleResult, TxError> {
    let row = tx
        .query_optional(
            "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = $1 AND line = $2",
            &[&file_id, &i64::from(line)],
        )
        .await?
        .ok_or_else(|| missing_row("file_lines"))?;
    match (row.try_get("transaction_id")?, row.try_get("refund_id")?, decision) {
        (Some(transaction_id), None, LineDecision::Charge(decision)) => {
            let result = write_charge_decision(tx, now, transaction_id, decision).await?;
            report_charge(tx, now, transaction_id, result).await?;
            Ok(result)
        }
        (None, Some(refund_id), LineDecision::Refund(decision)) => {
            refund::lock_refund(tx, refund_id).await?;
            let result = write_refund_decision(tx, now, refund_id, decision).await?;
            report_refund(tx, now, refund_id, result).await?;
            Ok(result)
        }
        _ => Err(inconsistent_row("file_lines.transaction_id").into()),
    }
}

/// Reports a decision to the partner that was written now, because its post was answered before.
/// The charge of a coupon is not reported: the coupon is spent, and the outcome of the charge is
/// between the operator and its customer.
async fn report_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    result: SettleResult,
) -> Result<(), TxError> {
    if result != SettleResult::Written
        || redemption_outcome::find_coupon_of_charge(tx, transaction_id).await?.is_some()
    {
        return Ok(());
    }
    let webhook = WebhookJob::Charge { transaction_id: transaction_id.to_owned() };
    queue::put(tx, &Job::Webhook(webhook), now, 0).await
}

/// Reports a decision to the partner that was written now, because its post was answered before, or the
/// operator has asked for the refund.
async fn report_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    result: SettleResult,
) -> Result<(), TxError> {
    if result != SettleResult::Written {
        return Ok(());
    }
    let webhook = WebhookJob::Refund { refund_id: refund_id.to_owned() };
    queue::put(tx, &Job::Webhook(webhook), now, 0).await
}

/// Writes the outcome of an attempt at a charge. The charge is locked before its job, even where
/// only the job is changed: two transactions that lock in opposite orders would deadlock.
async fn settle_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &ChargeOutcome,
) -> Result<SettleResult, TxError> {
    match outcome {
        BillingOutcome::Decided(decision) => write_charge_decision(tx, now, transaction_id, decision).await,
        BillingOutcome::Undecided(NextStep::Drop) => Ok(SettleResult::Late),
        BillingOutcome::Undecided(step @ (NextStep::RetryAt(_) | NextStep::DeadLetter)) => {
            charge::lock_charge(tx, transaction_id).await?;
            let key = JobKey::Subject(JobKind::Charge, transaction_id);
            queue::write_next_step(tx, now, key, attempt, *step).await
        }
    }
}

/// Writes a decision, and deletes the job even when another lease of it has begun.
async fn write_charge_decision(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    decision: &ChargeDecision,
) -> Result<SettleResult, TxError> {
    let result = write_charge_state(tx, now, transaction_id, DecisionParts::of(decision)).await?;
    queue::delete(tx, JobKind::Charge, transaction_id).await?;
    Ok(result)
}

/// Writes billing's decision, and closes the PAI where the reason requires it; a declined charge
/// counts against no limit. A settled charge stays as it is: its job was deleted with that, and
/// nothing has to be locked.
async fn write_charge_state(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    parts: DecisionParts<'_>,
) -> Result<SettleResult, TxError> {
    let DecisionParts { status, reason, raw_scope, raw_code, billed_on } = parts;
    let settled = tx
        .query_optional(
            "UPDATE transactions SET status = $2, decline_reason = $3, raw_code = $4, settled_at = $5,
                 billed_on = $6, raw_scope = $7
             WHERE transaction_id = $1 AND settled_at IS NULL RETURNING pai",
            &[
                &transaction_id,
                &status.as_str(),
                &reason.map(DeclineReason::as_str),
                &raw_code,
                &now.unix_seconds(),
                &billed_on.map(|day| day.to_string()),
                &raw_scope,
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
        let result = redemption_outcome::release_coupon(tx, now, transaction_id).await?;
        spending::release_charge(tx, transaction_id).await?;
        if reason.closes_pai() {
            pai::close_pai_row(tx, now, settled.try_get("pai")?, reason).await?;
        }
        return Ok(result);
    }
    Ok(SettleResult::Written)
}

/// Writes the outcome of an attempt at a refund. Its charge stays locked.
async fn settle_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &RefundOutcome,
) -> Result<SettleResult, TxError> {
    refund::lock_refund(tx, refund_id).await?;
    match outcome {
        BillingOutcome::Decided(decision) => write_refund_decision(tx, now, refund_id, decision).await,
        BillingOutcome::Undecided(NextStep::Drop) => Ok(SettleResult::Late),
        BillingOutcome::Undecided(step @ (NextStep::RetryAt(_) | NextStep::DeadLetter)) => {
            queue::write_next_step(tx, now, JobKey::Subject(JobKind::Refund, refund_id), attempt, *step).await
        }
    }
}

/// Writes a decision, and deletes the job even when another lease of it has begun.
async fn write_refund_decision(
    tx: &PgConnection<'_>,
    now: Timestamp,
    refund_id: &str,
    decision: &RefundDecision,
) -> Result<SettleResult, TxError> {
    let (status, raw_code) = match decision {
        RefundDecision::Approved { raw_code } => (TransactionStatus::Approved, raw_code),
        RefundDecision::Declined { raw_code } => (TransactionStatus::Declined, raw_code),
    };
    let result = refund::write_refund_state(tx, now, refund_id, status, raw_code.as_deref()).await?;
    queue::delete(tx, JobKind::Refund, refund_id).await?;
    Ok(result)
}

/// The state of a PAI or a dispute that was reported may be outdated by now: then a newer job has replaced this
/// one, and stays.
async fn end_webhook_job(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lease: Lease,
    job: &WebhookJob,
    outcome: WebhookOutcome,
) -> Result<SettleResult, TxError> {
    let may_be_newer = match job {
        WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. } | WebhookJob::Dispute { .. } => true,
        WebhookJob::Charge { .. } | WebhookJob::Refund { .. } => false,
    };
    if may_be_newer && !queue::holds_lease(tx, lease).await? {
        return Ok(SettleResult::Late);
    }
    let key = JobKey::Id(lease.job_id);
    queue::write_next_step(tx, now, key, lease.attempt, outcome.next_step()).await
}

async fn end_sms_job(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lease: Lease,
    job: &SmsJob,
    outcome: &SmsOutcome,
) -> Result<SettleResult, TxError> {
    let (key, step) = (JobKey::Id(lease.job_id), outcome.next_step(job));
    match job {
        SmsJob::Pin { .. } | SmsJob::Notification { .. } => {
            queue::write_next_step(tx, now, key, lease.attempt, step).await
        }
        SmsJob::CouponReminder { .. } => {
            if !queue::holds_lease(tx, lease).await? {
                return Ok(SettleResult::Late);
            }
            queue::write_next_step(tx, now, key, lease.attempt, step).await
        }
        SmsJob::Coupon { coupon_id, .. } => {
            end_coupon_sms_job(tx, now, lease, coupon_id, step, outcome).await
        }
    }
}

/// A coupon may have got another code meanwhile, so that this is the SMS of the old one: then its
/// job is gone. Sending another code locks the coupon first, too.
async fn end_coupon_sms_job(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lease: Lease,
    coupon_id: &str,
    step: NextStep,
    outcome: &SmsOutcome,
) -> Result<SettleResult, TxError> {
    coupon::lock_coupon(tx, coupon_id).await?;
    if !queue::holds_lease(tx, lease).await? {
        return Ok(SettleResult::Late);
    }
    let result = queue::write_next_step(tx, now, JobKey::Id(lease.job_id), lease.attempt, step).await?;
    let (reason, code) = match outcome {
        SmsOutcome::Sent { message_id } => {
            return coupon_sms::mark_sent(tx, now, coupon_id, message_id.as_deref()).await;
        }
        SmsOutcome::Refused { code } => (UndeliveredReason::Refused, code.as_deref()),
        SmsOutcome::NotSent(NextStep::DeadLetter) => (UndeliveredReason::GivenUp, None),
        SmsOutcome::NotSent(NextStep::Drop) => (UndeliveredReason::NotSent, None),
        SmsOutcome::NotSent(NextStep::RetryAt(_)) => return Ok(result),
    };
    coupon_sms::mark_undelivered(tx, now, coupon_id, reason, code).await?;
    Ok(result)
}

/// The charge or refund is locked before its job, in the order that every function here uses: two
/// transactions that lock in opposite orders would deadlock.
pub(super) async fn redrive(
    tx: &PgConnection<'_>,
    now: Timestamp,
    target: &RedriveTarget,
) -> Result<RedriveResult, TxError> {
    let RedriveParts { job, table, column, id, which } = target.parts();
    let sql = format!(
        "SELECT settled_at IS NOT NULL AS is_settled FROM {table} WHERE {column} = $1 {which} FOR UPDATE"
    );
    let row = tx.query_optional(&sql, &[&id]).await?;
    let is_settled: Option<bool> = row.map(|row| row.try_get("is_settled")).transpose()?;
    if is_settled != Some(target.wants_settled()) {
        return Ok(RedriveResult::NotNeeded);
    }
    let sql = format!(
        "SELECT job_id, due_at, dead_lettered_at IS NOT NULL AS is_dead_letter FROM outbox
         WHERE kind = $1 AND {column} = $2 FOR UPDATE"
    );
    let Some(row) = tx.query_optional(&sql, &[&job.kind().as_str(), &id]).await? else {
        // Checked after the job is looked for: making a file deletes the job in the same commit.
        if !target.wants_settled() && billing_file::is_in_file(tx, column, id).await? {
            return Ok(RedriveResult::InProgress);
        }
        queue::put(tx, &job, now, 1).await?;
        return Ok(RedriveResult::Requeued);
    };
    let job_id: i64 = row.try_get("job_id")?;
    if row.try_get("is_dead_letter")? {
        dead_letter::redrive_dead_letter(tx, now, job_id).await?;
        return Ok(RedriveResult::Redriven);
    }
    if read_time(&row, "outbox.due_at")? <= now.plus_seconds(LEASE_SECONDS_MAX) {
        return Ok(RedriveResult::InProgress);
    }
    queue::make_due(tx, now, job_id).await?;
    Ok(RedriveResult::MadeDue)
}
