//! What came of jobs, written with everything that follows from it.

use crate::store::billing_file::sqlite as billing_file;
use crate::store::charge::sqlite as charge;
use crate::store::coupon_sms::sqlite as coupon_sms;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::pai::sqlite as pai;
use crate::store::queue::{
    HandOff, Job, JobKey, JobKind, LEASE_SECONDS_MAX, LeasedJob, SettleResult, SmsJob, WebhookJob,
    kept_if_refused, sqlite as queue,
};
use crate::store::redemption::{RedemptionOutcome, sqlite as redemption};
use crate::store::refund::sqlite as refund;
use crate::store::settle::{RedriveParts, RedriveResult, RedriveTarget};
use crate::store::spending::sqlite as spending;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn settle(
    tx: &Connection,
    now: Timestamp,
    entry: &LeasedJob,
    outcome: &HandOff,
) -> Result<SettleResult, StoreError> {
    let (settling, webhook) = match &entry.job {
        Job::Charge { transaction_id } => (
            settle_charge(tx, now, transaction_id, entry.attempts, outcome)?,
            WebhookJob::Charge { transaction_id: transaction_id.clone() },
        ),
        Job::Refund { refund_id } => (
            settle_refund(tx, now, refund_id, entry.attempts, outcome)?,
            WebhookJob::Refund { refund_id: refund_id.clone() },
        ),
        Job::Webhook(WebhookJob::Charge { .. })
        | Job::Webhook(WebhookJob::Refund { .. })
        | Job::Sms(SmsJob::Pin { .. })
        | Job::Sms(SmsJob::Notification { .. }) => {
            return queue::put_off_or_delete(tx, now, JobKey::Id(entry.job_id), entry.attempts, outcome);
        }
        Job::Sms(SmsJob::CouponReminder { .. }) => {
            return queue::settle_telling(tx, now, entry, kept_if_refused(outcome));
        }
        Job::Webhook(WebhookJob::Pai { .. }) | Job::Webhook(WebhookJob::PaiMapping { .. }) => {
            return queue::settle_telling(tx, now, entry, outcome);
        }
        Job::Sms(SmsJob::Coupon { coupon_id, .. }) => {
            return settle_coupon(tx, now, entry, coupon_id, outcome);
        }
    };
    put_webhook(tx, now, webhook, settling, outcome)?;
    Ok(settling)
}

/// What the caller of an answer's use case has made of the outbox's entry: its first attempt.
const FIRST: u32 = 1;

pub(super) fn answer_transaction(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, SettleResult), StoreError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome)?;
    let fixed = charge::store_response(tx, transaction_id)?;
    if fixed.before {
        let webhook = WebhookJob::Charge { transaction_id: transaction_id.to_owned() };
        put_webhook(tx, now, webhook, settling, outcome)?;
    }
    Ok((fixed.answer, settling))
}

pub(super) fn answer_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    outcome: &HandOff,
) -> Result<(Vec<u8>, SettleResult), StoreError> {
    let settling = settle_refund(tx, now, refund_id, FIRST, outcome)?;
    let fixed = refund::store_response(tx, refund_id)?;
    if fixed.before {
        let webhook = WebhookJob::Refund { refund_id: refund_id.to_owned() };
        put_webhook(tx, now, webhook, settling, outcome)?;
    }
    Ok((fixed.answer, settling))
}

pub(super) fn answer_redemption(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    outcome: &HandOff,
) -> Result<(RedemptionOutcome, SettleResult), StoreError> {
    let settling = settle_charge(tx, now, transaction_id, FIRST, outcome)?;
    Ok((redemption::store_outcome(tx, transaction_id)?, settling))
}

pub(super) fn settle_line(
    tx: &Connection,
    now: Timestamp,
    file_id: &str,
    line: u32,
    verdict: &HandOff,
) -> Result<SettleResult, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = ?1 AND line = ?2",
    )?;
    let line: (Option<String>, Option<String>) =
        select.query_row(params![file_id, line], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (settling, webhook) = match line {
        (Some(transaction_id), None) => (
            settle_charge(tx, now, &transaction_id, NOBODYS, verdict)?,
            WebhookJob::Charge { transaction_id },
        ),
        (None, Some(refund_id)) => {
            (settle_refund(tx, now, &refund_id, NOBODYS, verdict)?, WebhookJob::Refund { refund_id })
        }
        _ => return Err(inconsistent_row("file_lines.transaction_id")),
    };
    put_webhook(tx, now, webhook, settling, verdict)?;
    Ok(settling)
}

/// An entry that became a line is in nobody's lease.
const NOBODYS: u32 = 0;

/// Tells the partner of a verdict that was written now: its post was answered before. The partner is told nothing of a
/// coupon's charge: the coupon is spent, and what becomes of the charge is between the operator and its customer.
fn put_webhook(
    tx: &Connection,
    now: Timestamp,
    webhook: WebhookJob,
    settling: SettleResult,
    outcome: &HandOff,
) -> Result<(), StoreError> {
    if settling != SettleResult::Written || !outcome.is_verdict() {
        return Ok(());
    }
    if let WebhookJob::Charge { transaction_id } = &webhook
        && redemption::is_coupon_charge(tx, transaction_id)?
    {
        return Ok(());
    }
    queue::put(tx, &Job::Webhook(webhook), now, 0)
}

/// Writes what came of a hand-off by its `attempt`.
fn settle_charge(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<SettleResult, StoreError> {
    let (status, reason, raw_code) = match outcome {
        HandOff::Done { raw_code } => (TransactionStatus::Approved, None, raw_code),
        HandOff::Declined { reason, raw_code } => (TransactionStatus::Declined, Some(*reason), raw_code),
        // A charge is never dropped: without an outcome it stays in the outbox.
        HandOff::Sent { .. } | HandOff::Refused { .. } | HandOff::Dropped => return Ok(SettleResult::Late),
        HandOff::Later { .. } | HandOff::Parked => {
            return queue::put_off_or_delete(
                tx,
                now,
                JobKey::Subject(JobKind::Charge, transaction_id),
                attempt,
                outcome,
            );
        }
    };
    let settling = write_charge_outcome(tx, now, transaction_id, status, reason, raw_code.as_deref())?;
    queue::put_off_or_delete(tx, now, JobKey::Subject(JobKind::Charge, transaction_id), attempt, outcome)?;
    Ok(settling)
}

/// Writes how billing decided, and closes the PAI where the reason says so; a declined charge counts against no limit.
/// One that is settled stays as it is.
fn write_charge_outcome(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    status: TransactionStatus,
    reason: Option<DeclineReason>,
    raw_code: Option<&str>,
) -> Result<SettleResult, StoreError> {
    let settled = tx
        .prepare_cached(
            "UPDATE transactions SET status = ?2, decline_reason = ?3, raw_code = ?4, settled_at = ?5
             WHERE transaction_id = ?1 AND status = 'PENDING'",
        )?
        .execute(params![
            transaction_id,
            status.as_str(),
            reason.map(DeclineReason::as_str),
            raw_code,
            now.unix_seconds()
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
        return redemption::release_coupon(tx, now, transaction_id);
    }
    Ok(SettleResult::Written)
}

/// The same of a refund.
fn settle_refund(
    tx: &Connection,
    now: Timestamp,
    refund_id: &str,
    attempt: u32,
    outcome: &HandOff,
) -> Result<SettleResult, StoreError> {
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
            );
        }
    };
    let settling = refund::settle_refund(tx, now, refund_id, status, raw_code.as_deref())?;
    queue::put_off_or_delete(tx, now, JobKey::Subject(JobKind::Refund, refund_id), attempt, outcome)?;
    Ok(settling)
}

/// A coupon may have another code by now, and this message be an old one: its entry is gone then.
fn settle_coupon(
    tx: &Connection,
    now: Timestamp,
    entry: &LeasedJob,
    coupon_id: &str,
    outcome: &HandOff,
) -> Result<SettleResult, StoreError> {
    let settling = queue::settle_telling(tx, now, entry, kept_if_refused(outcome))?;
    if settling != SettleResult::Written {
        return Ok(settling);
    }
    let (reason, code) = match outcome {
        HandOff::Sent { message_id } => {
            return coupon_sms::mark_sent(tx, now, coupon_id, message_id.as_deref());
        }
        HandOff::Refused { raw_code } => (UndeliveredReason::Refused, raw_code.as_deref()),
        HandOff::Parked => (UndeliveredReason::GivenUp, None),
        HandOff::Dropped => (UndeliveredReason::NotSent, None),
        HandOff::Done { .. } | HandOff::Declined { .. } | HandOff::Later { .. } => return Ok(settling),
    };
    coupon_sms::mark_undelivered(tx, now, coupon_id, reason, code)?;
    Ok(settling)
}

pub(super) fn redrive(
    tx: &Connection,
    now: Timestamp,
    target: &RedriveTarget,
) -> Result<RedriveResult, StoreError> {
    let RedriveParts { job, table, column, id } = target.parts();
    let is_settled: Option<bool> = tx
        .prepare_cached(&format!("SELECT settled_at IS NOT NULL FROM {table} WHERE {column} = ?1"))?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if is_settled != Some(target.wants_settled()) {
        return Ok(RedriveResult::NotNeeded);
    }
    let entry: Option<(i64, i64, bool)> = tx
        .prepare_cached(&format!(
            "SELECT job_id, due_at, dead_lettered_at IS NOT NULL FROM outbox WHERE kind = ?1 AND {column} = ?2"
        ))?
        .query_row([job.kind().as_str(), id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match entry {
        None if !target.wants_settled() && billing_file::is_in_a_file(tx, column, id)? => {
            Ok(RedriveResult::InProgress)
        }
        None => {
            queue::put(tx, &job, now, 1)?;
            Ok(RedriveResult::Requeued)
        }
        Some((job_id, _, true)) => {
            queue::redrive_dead_letter(tx, now, job_id)?;
            Ok(RedriveResult::Redriven)
        }
        Some((job_id, due_at, false)) if due_at > now.plus_seconds(LEASE_SECONDS_MAX).unix_seconds() => {
            queue::make_due(tx, now, job_id)?;
            Ok(RedriveResult::MadeDue)
        }
        Some(_) => Ok(RedriveResult::InProgress),
    }
}
