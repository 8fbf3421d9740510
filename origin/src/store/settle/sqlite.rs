//! The outcomes of jobs, written with everything that follows from them.

use crate::store::billing_file::sqlite as billing_file;
use crate::store::charge::sqlite as charge;
use crate::store::coupon_sms::sqlite as coupon_sms;
use crate::store::dead_letter::sqlite as dead_letter;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{
    BillingOutcome, ChargeDecision, ChargeOutcome, DeliveryOutcome, Job, JobKey, JobKind, LEASE_SECONDS_MAX,
    Lease, LineDecision, NextStep, RefundDecision, RefundOutcome, SettleResult, SmsJob, SmsOutcome,
    WebhookJob, WebhookOutcome, sqlite as queue,
};
use crate::store::redemption_outcome::{RedemptionOutcome, sqlite as redemption_outcome};
use crate::store::refund::sqlite as refund;
use crate::store::settle::{DecisionParts, RedriveParts, RedriveResult, RedriveTarget};
use crate::store::spending::sqlite as spending;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::{RawResult, TransactionResponse, TransactionStatus};
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn settle(
    tx: &Connection,
    now: Timestamp,
    lease: Lease,
    outcome: &DeliveryOutcome,
) -> Result<SettleResult, StoreError> {
    match outcome {
        DeliveryOutcome::Charge { transaction_id, outcome } => {
            let result = settle_charge(tx, now, transaction_id, lease.attempt, outcome)?;
            if outcome.is_decided() {
                report_charge(tx, now, transaction_id, result)?;
            }
            Ok(result)
        }
        DeliveryOutcome::Refund { refund_id, outcome } => {
            let result = settle_refund(tx, now, refund_id, lease.attempt, outcome)?;
            if outcome.is_decided() {
                report_refund(tx, now, refund_id, result)?;
            }
            Ok(result)
        }
        DeliveryOutcome::Webhook { job, outcome } => end_webhook_job(tx, now, lease, job, *outcome),
        DeliveryOutcome::Sms { job, outcome } => end_sms_job(tx, now, lease, job, outcome),
    }
}

/// The attempt of a post that submits to billing before it is answered.
const FIRST_ATTEMPT: u32 = 1;

pub(super) fn answer_transaction(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    outcome: &ChargeOutcome,
) -> Result<(Vec<u8>, SettleResult), StoreError> {
    // A row of the ledger is long, and each update writes all of it: decision and response are one.
    if let BillingOutcome::Decided(decision) = outcome
        && let Some(ext_id) = charge::find_unanswered(tx, transaction_id)?
    {
        let DecisionParts { status, reason, raw_scope, raw_code, .. } = DecisionParts::of(decision);
        let answer = charge::encode_response(&TransactionResponse {
            transaction_id: transaction_id.to_owned(),
            ext_transaction_id: ext_id,
            status,
            decline_reason: reason,
            raw_result: raw_code.map(|code| RawResult {
                scope: raw_scope.unwrap_or("billing").to_owned(),
                raw_code: code.to_owned(),
            }),
        })?;
        let result = write_charge_decision(tx, now, transaction_id, decision, Some(&answer))?;
        return Ok((answer, result));
    }
    let result = settle_charge(tx, now, transaction_id, FIRST_ATTEMPT, outcome)?;
    let fixed = charge::store_response(tx, transaction_id)?;
    if fixed.before && outcome.is_decided() {
        report_charge(tx, now, transaction_id, result)?;
    }
    Ok((fixed.answer, result))
}

pub(super) fn answer_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    outcome: &RefundOutcome,
) -> Result<(Vec<u8>, SettleResult), StoreError> {
    let result = settle_refund(tx, now, refund_id, FIRST_ATTEMPT, outcome)?;
    let fixed = refund::store_response(tx, refund_id)?;
    if outcome.is_decided() && (fixed.before || refund::is_operators(tx, refund_id)?) {
        report_refund(tx, now, refund_id, result)?;
    }
    Ok((fixed.answer, result))
}

pub(super) fn answer_redemption(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    outcome: &ChargeOutcome,
) -> Result<(RedemptionOutcome, SettleResult), StoreError> {
    let result = settle_charge(tx, now, transaction_id, FIRST_ATTEMPT, outcome)?;
    Ok((redemption_outcome::store_outcome(tx, transaction_id)?, result))
}

/// A job that became a line of a file is no longer in the queue.
pub(super) fn settle_line(
    tx: &Connection,
    now: Timestamp,
    file_id: &str,
    line: u32,
    decision: &LineDecision,
) -> Result<SettleResult, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = ?1 AND line = ?2",
    )?;
    let row: (Option<String>, Option<String>) =
        select.query_row(params![file_id, line], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match (row, decision) {
        ((Some(transaction_id), None), LineDecision::Charge(decision)) => {
            let result = write_charge_decision(tx, now, &transaction_id, decision, None)?;
            report_charge(tx, now, &transaction_id, result)?;
            Ok(result)
        }
        ((None, Some(refund_id)), LineDecision::Refund(decision)) => {
            let result = write_refund_decision(tx, now, &refund_id, decision)?;
            report_refund(tx, now, &refund_id, result)?;
            Ok(result)
        }
        _ => Err(inconsistent_row("file_lines.transaction_id")),
    }
}

/// Reports a decision to the partner that was written now, because its post was answered before.
/// The charge of a coupon is not reported: the coupon is spent, and the outcome of the charge is
/// between the operator and its customer.
fn report_charge(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    result: SettleResult,
) -> Result<(), StoreError> {
    if result != SettleResult::Written || redemption_outcome::is_coupon_charge(tx, transaction_id)? {
        return Ok(());
    }
    let webhook = WebhookJob::Charge { transaction_id: transaction_id.to_owned() };
    queue::put(tx, &Job::Webhook(webhook), now, 0)
}

/// Reports a decision to the partner that was written now, because its post was answered before, or the
/// operator has asked for the refund.
fn report_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    result: SettleResult,
) -> Result<(), StoreError> {
    if result != SettleResult::Written {
        return Ok(());
    }
    let webhook = WebhookJob::Refund { refund_id: refund_id.to_owned() };
    queue::put(tx, &Job::Webhook(webhook), now, 0)
}

/// Writes the outcome of an attempt at a charge.
fn settle_charge(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &ChargeOutcome,
) -> Result<SettleResult, StoreError> {
    match outcome {
        BillingOutcome::Decided(decision) => write_charge_decision(tx, now, transaction_id, decision, None),
        BillingOutcome::Undecided(NextStep::Drop) => Ok(SettleResult::Late),
        BillingOutcome::Undecided(step @ (NextStep::RetryAt(_) | NextStep::DeadLetter)) => {
            let key = JobKey::Subject(JobKind::Charge, transaction_id);
            queue::write_next_step(tx, now, key, attempt, *step)
        }
    }
}

/// Writes a decision, with the response to the post if this is the first one, and deletes the job
/// even when another lease of it has begun.
fn write_charge_decision(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    decision: &ChargeDecision,
    response: Option<&[u8]>,
) -> Result<SettleResult, StoreError> {
    let result = write_charge_state(tx, now, transaction_id, decision, response)?;
    queue::delete(tx, JobKind::Charge, transaction_id)?;
    Ok(result)
}

/// Writes billing's decision, and closes the PAI where the reason requires it; a declined charge
/// counts against no limit. A settled charge stays as it is.
fn write_charge_state(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    decision: &ChargeDecision,
    response: Option<&[u8]>,
) -> Result<SettleResult, StoreError> {
    let DecisionParts { status, reason, raw_scope, raw_code, billed_on } = DecisionParts::of(decision);
    let settled = tx
        .prepare_cached(
            "UPDATE transactions SET status = ?2, decline_reason = ?3, raw_code = ?4, settled_at = ?5,
                 stored_response = coalesce(?6, stored_response), billed_on = ?7, raw_scope = ?8
             WHERE transaction_id = ?1 AND status = 'PENDING'",
        )?
        .execute(params![
            transaction_id,
            status.as_str(),
            reason.map(DeclineReason::as_str),
            raw_code,
            now.unix_seconds(),
            response,
            billed_on.map(|day| day.to_string()),
            raw_scope,
        ])?;
    if settled == 0 {
        let known: String = tx
            .prepare_cached("SELECT status FROM transactions WHERE transaction_id = ?1")?
            .query_row([transaction_id], |row| row.get(0))?;
        return Ok(if known == status.as_str() { SettleResult::Late } else { SettleResult::Contradicted });
    }
    if let Some(reason) = reason {
        spending::release_charge(tx, transaction_id)?;
        if reason.closes_pai() {
            let pai: String = tx
                .prepare_cached("SELECT pai FROM transactions WHERE transaction_id = ?1")?
                .query_row([transaction_id], |row| row.get(0))?;
            pai::close_pai_row(tx, now, &pai, reason)?;
        }
        return redemption_outcome::release_coupon(tx, now, transaction_id);
    }
    Ok(SettleResult::Written)
}

/// Writes the outcome of an attempt at a refund.
fn settle_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &RefundOutcome,
) -> Result<SettleResult, StoreError> {
    match outcome {
        BillingOutcome::Decided(decision) => write_refund_decision(tx, now, refund_id, decision),
        BillingOutcome::Undecided(NextStep::Drop) => Ok(SettleResult::Late),
        BillingOutcome::Undecided(step @ (NextStep::RetryAt(_) | NextStep::DeadLetter)) => {
            queue::write_next_step(tx, now, JobKey::Subject(JobKind::Refund, refund_id), attempt, *step)
        }
    }
}

/// Writes a decision, and deletes the job even when another lease of it has begun.
fn write_refund_decision(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    decision: &RefundDecision,
) -> Result<SettleResult, StoreError> {
    let (status, raw_code) = match decision {
        RefundDecision::Approved { raw_code } => (TransactionStatus::Approved, raw_code),
        RefundDecision::Declined { raw_code } => (TransactionStatus::Declined, raw_code),
    };
    let result = refund::write_refund_state(tx, now, refund_id, status, raw_code.as_deref())?;
    queue::delete(tx, JobKind::Refund, refund_id)?;
    Ok(result)
}

/// The state of a PAI or a dispute that was reported may be outdated by now: then a newer job has replaced this
/// one, and stays.
fn end_webhook_job(
    tx: &Connection,
    now: Timestamp,
    lease: Lease,
    job: &WebhookJob,
    outcome: WebhookOutcome,
) -> Result<SettleResult, StoreError> {
    let may_be_newer = match job {
        WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. } | WebhookJob::Dispute { .. } => true,
        WebhookJob::Charge { .. } | WebhookJob::Refund { .. } => false,
    };
    if may_be_newer && !queue::holds_lease(tx, lease)? {
        return Ok(SettleResult::Late);
    }
    let key = JobKey::Id(lease.job_id);
    queue::write_next_step(tx, now, key, lease.attempt, outcome.next_step())
}

fn end_sms_job(
    tx: &Connection,
    now: Timestamp,
    lease: Lease,
    job: &SmsJob,
    outcome: &SmsOutcome,
) -> Result<SettleResult, StoreError> {
    let (key, step) = (JobKey::Id(lease.job_id), outcome.next_step(job));
    match job {
        SmsJob::Pin { .. } | SmsJob::Notification { .. } => {
            queue::write_next_step(tx, now, key, lease.attempt, step)
        }
        SmsJob::CouponReminder { .. } => {
            if !queue::holds_lease(tx, lease)? {
                return Ok(SettleResult::Late);
            }
            queue::write_next_step(tx, now, key, lease.attempt, step)
        }
        SmsJob::Coupon { coupon_id, .. } => end_coupon_sms_job(tx, now, lease, coupon_id, step, outcome),
    }
}

/// A coupon may have got another code meanwhile, so that this is the SMS of the old one: then its
/// job is gone.
fn end_coupon_sms_job(
    tx: &Connection,
    now: Timestamp,
    lease: Lease,
    coupon_id: &str,
    step: NextStep,
    outcome: &SmsOutcome,
) -> Result<SettleResult, StoreError> {
    if !queue::holds_lease(tx, lease)? {
        return Ok(SettleResult::Late);
    }
    let result = queue::write_next_step(tx, now, JobKey::Id(lease.job_id), lease.attempt, step)?;
    let (reason, code) = match outcome {
        SmsOutcome::Sent { message_id } => {
            return coupon_sms::mark_sent(tx, now, coupon_id, message_id.as_deref());
        }
        SmsOutcome::Refused { code } => (UndeliveredReason::Refused, code.as_deref()),
        SmsOutcome::NotSent(NextStep::DeadLetter) => (UndeliveredReason::GivenUp, None),
        SmsOutcome::NotSent(NextStep::Drop) => (UndeliveredReason::NotSent, None),
        SmsOutcome::NotSent(NextStep::RetryAt(_)) => return Ok(result),
    };
    coupon_sms::mark_undelivered(tx, now, coupon_id, reason, code)?;
    Ok(result)
}

pub(super) fn redrive(
    tx: &Connection,
    now: Timestamp,
    target: &RedriveTarget,
) -> Result<RedriveResult, StoreError> {
    let RedriveParts { job, table, column, id, which } = target.parts();
    let is_settled: Option<bool> = tx
        .prepare_cached(&format!("SELECT settled_at IS NOT NULL FROM {table} WHERE {column} = ?1 {which}"))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if is_settled != Some(target.wants_settled()) {
        return Ok(RedriveResult::NotNeeded);
    }
    let found: Option<(i64, i64, bool)> = tx
        .prepare_cached(&format!(
            "SELECT job_id, due_at, dead_lettered_at IS NOT NULL FROM outbox WHERE kind = ?1 AND {column} = ?2"
        ))?
        .query_row([job.kind().as_str(), id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match found {
        None if !target.wants_settled() && billing_file::is_in_file(tx, column, id)? => {
            Ok(RedriveResult::InProgress)
        }
        None => {
            queue::put(tx, &job, now, 1)?;
            Ok(RedriveResult::Requeued)
        }
        Some((job_id, _, true)) => {
            dead_letter::redrive_dead_letter(tx, now, job_id)?;
            Ok(RedriveResult::Redriven)
        }
        Some((job_id, due_at, false)) if due_at > now.plus_seconds(LEASE_SECONDS_MAX).unix_seconds() => {
            queue::make_due(tx, now, job_id)?;
            Ok(RedriveResult::MadeDue)
        }
        Some(_) => Ok(RedriveResult::InProgress),
    }
}
