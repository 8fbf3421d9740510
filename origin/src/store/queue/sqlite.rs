//! The rows of the queue. A row is deleted in the transaction that writes the outcome of its job.

use crate::call_trace::CallTrace;
use crate::last_answer::LastAnswer;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::queue::{
    Job, JobKey, JobKind, Lease, LeasedJob, NextStep, Queue, SettleResult, Subject, longest_waits,
    read_trace, trace_columns,
};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};

/// Puts in a charge or refund that its caller submits to billing at once, as the first attempt. The
/// lease of that ends at `until`.
pub(in crate::store) fn put_leased(
    tx: &Connection,
    job: &Job,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    insert_job(tx, job, now, until, 1)
}

/// Puts in a job that is due at once.
pub(in crate::store) fn put(
    tx: &Connection,
    job: &Job,
    now: Timestamp,
    attempts: u32,
) -> Result<(), StoreError> {
    insert_job(tx, job, now, now, attempts)
}

fn insert_job(
    tx: &Connection,
    job: &Job,
    now: Timestamp,
    due_at: Timestamp,
    attempts: u32,
) -> Result<(), StoreError> {
    let (kind, id) = (job.kind(), job.subject());
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    let of = |subject| id.as_deref().filter(|_| kind.spec().subject == Some(subject));
    tx.prepare_cached(
        "INSERT INTO outbox (kind, transaction_id, refund_id, pai, coupon_id, dispute_id, notification_id, payload,
             correlator, traceparent, queued_at, due_at, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        kind.as_str(),
        of(Subject::Transaction),
        of(Subject::Refund),
        of(Subject::Pai),
        of(Subject::Coupon),
        of(Subject::Dispute),
        of(Subject::Notification),
        job.payload(),
        correlator,
        traceparent,
        now.unix_seconds(),
        due_at.unix_seconds(),
        attempts,
    ])?;
    Ok(())
}

/// Queues the change of a PAI's state: for the edge, and for the partner if it has ever had a
/// subscription for the PAI, because an unfinished sign-up does not concern it. Of a dark PAI, none is
/// informed. A job of an earlier
/// change that is attempted right now may report the earlier state: its attempts are counted on, so
/// that it stays in the queue whatever the outcome of that attempt.
pub(in crate::store) fn put_pai_change(tx: &Connection, now: Timestamp, pai: &str) -> Result<(), StoreError> {
    let (partner, edge) = (JobKind::PaiWebhook.sql(), JobKind::PaiMapping.sql());
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    tx.prepare_cached(&format!(
        "INSERT INTO outbox (kind, pai, correlator, traceparent, queued_at, due_at, attempts)
         SELECT kind, ?1, ?3, ?4, ?2, ?2, 0 FROM (SELECT {partner} AS kind UNION ALL SELECT {edge})
         WHERE (kind = {edge} OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = ?1))
             AND NOT EXISTS (SELECT 1 FROM pais WHERE pai = ?1 AND dark_since IS NOT NULL)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = attempts + 1, dead_lettered_at = NULL,
             answer_kind = NULL, answer_code = NULL, answer_text = NULL,
             correlator = excluded.correlator, traceparent = excluded.traceparent"
    ))?
    .execute(params![pai, now.unix_seconds(), correlator, traceparent])?;
    Ok(())
}

/// Takes back the report of a PAI's state to its partner, even when it is attempted right now. False when the
/// partner has had the last one.
pub(in crate::store) fn drop_pai_report(tx: &Connection, pai: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM outbox WHERE pai = ?1 AND kind = ?2";
    Ok(tx.prepare_cached(sql)?.execute([pai, JobKind::PaiWebhook.as_str()])? > 0)
}

/// Queues the report of a dispute in place of the one of an earlier change. That may be a dead letter, or
/// attempted right now with the earlier state, so the new one is another job with all its attempts.
pub(in crate::store) fn put_dispute_change(
    tx: &Connection,
    now: Timestamp,
    dispute_id: &str,
) -> Result<(), StoreError> {
    delete(tx, JobKind::DisputeWebhook, dispute_id)?;
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    tx.prepare_cached(
        "INSERT INTO outbox (kind, dispute_id, correlator, traceparent, queued_at, due_at, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)",
    )?
    .execute(params![
        JobKind::DisputeWebhook.as_str(),
        dispute_id,
        correlator,
        traceparent,
        now.unix_seconds()
    ])?;
    Ok(())
}

/// Queues the state of a PAI for the edge alone.
pub(in crate::store) fn put_pai_mapping(
    tx: &Connection,
    now: Timestamp,
    pai: &str,
) -> Result<(), StoreError> {
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    tx.prepare_cached(
        "INSERT INTO outbox (kind, pai, correlator, traceparent, queued_at, due_at, attempts)
         VALUES (?5, ?1, ?3, ?4, ?2, ?2, 0)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = attempts + 1, dead_lettered_at = NULL,
             answer_kind = NULL, answer_code = NULL, answer_text = NULL,
             correlator = excluded.correlator, traceparent = excluded.traceparent",
    )?
    .execute(params![pai, now.unix_seconds(), correlator, traceparent, JobKind::PaiMapping.as_str()])?;
    Ok(())
}

pub(in crate::store) fn lease_due(
    tx: &Connection,
    queue: Queue,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<LeasedJob>, StoreError> {
    let mut jobs = Vec::new();
    for kind in queue.kinds() {
        lease_kind(tx, kind, now, until, limit, &mut jobs)?;
    }
    jobs.sort_by_key(|job| job.job_id);
    Ok(jobs)
}

fn lease_kind(
    tx: &Connection,
    kind: JobKind,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
    jobs: &mut Vec<LeasedJob>,
) -> Result<(), StoreError> {
    let mut lease = tx.prepare_cached(
        "UPDATE outbox SET due_at = ?2, attempts = attempts + 1
         WHERE job_id IN (SELECT job_id FROM outbox WHERE dead_lettered_at IS NULL AND kind = ?4 AND due_at <= ?1
                            ORDER BY due_at, job_id LIMIT ?3)
         RETURNING job_id, attempts, transaction_id, refund_id, pai, coupon_id, dispute_id, notification_id,
             payload, correlator, traceparent",
    )?;
    let mut rows = lease.query(params![now.unix_seconds(), until.unix_seconds(), limit, kind.as_str()])?;
    while let Some(row) = rows.next()? {
        jobs.push(read_job(kind, row)?);
    }
    Ok(())
}

fn read_job(kind: JobKind, row: &Row<'_>) -> Result<LeasedJob, StoreError> {
    let subject = kind.subject_column().map(|column| row.get(column)).transpose()?;
    let job =
        Job::from_row(kind, subject, row.get("payload")?).ok_or_else(|| inconsistent_row("outbox.kind"))?;
    let trace = read_trace(row.get("correlator")?, row.get("traceparent")?);
    Ok(LeasedJob { job_id: row.get("job_id")?, attempts: row.get("attempts")?, trace, job })
}

/// Whether no other lease has begun, and no newer job has taken the place of this one.
pub(in crate::store) fn holds_lease(tx: &Connection, lease: Lease) -> Result<bool, StoreError> {
    let mut select =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE job_id = ?1 AND attempts = ?2)")?;
    Ok(select.query_row(params![lease.job_id, lease.attempt], |row| row.get(0))?)
}

/// Deletes the job even when another lease has begun, because its subject is settled. Only the
/// owner of the lease, by the number of the attempt, puts it off or makes it a dead letter, so that
/// a late outcome does not end the next lease.
pub(in crate::store) fn write_next_step(
    tx: &Connection,
    now: Timestamp,
    key: JobKey<'_>,
    attempt: u32,
    step: NextStep,
) -> Result<SettleResult, StoreError> {
    let which = key.sql("?1");
    let key: &dyn ToSql = match &key {
        JobKey::Id(job_id) => job_id,
        JobKey::Subject(_, id) => id,
    };
    let changed = match step {
        NextStep::RetryAt(due_at) => tx
            .prepare_cached(&format!("UPDATE outbox SET due_at = ?2 WHERE {which} AND attempts = ?3"))?
            .execute(params![key, due_at.unix_seconds(), attempt])?,
        NextStep::DeadLetter => tx
            .prepare_cached(&format!(
                "UPDATE outbox SET dead_lettered_at = ?2 WHERE {which} AND attempts = ?3"
            ))?
            .execute(params![key, now.unix_seconds(), attempt])?,
        NextStep::Drop => tx.prepare_cached(&format!("DELETE FROM outbox WHERE {which}"))?.execute([key])?,
    };
    Ok(if changed == 0 { SettleResult::Late } else { SettleResult::Written })
}

pub(super) fn end_attempt(
    tx: &Connection,
    now: Timestamp,
    lease: Lease,
    step: NextStep,
) -> Result<bool, StoreError> {
    if !holds_lease(tx, lease)? {
        return Ok(false);
    }
    write_next_step(tx, now, JobKey::Id(lease.job_id), lease.attempt, step).map(|_| true)
}

pub(super) fn note_last_answer(tx: &Connection, lease: Lease, answer: &LastAnswer) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET answer_kind = ?3, answer_code = ?4, answer_text = ?5 WHERE job_id = ?1 AND attempts = ?2";
    tx.prepare_cached(sql)?.execute(params![
        lease.job_id,
        lease.attempt,
        answer.kind.as_str(),
        answer.code,
        answer.text
    ])?;
    Ok(())
}

/// Deletes the job of the subject `id`, even when it is leased.
pub(in crate::store) fn delete(tx: &Connection, kind: JobKind, id: &str) -> Result<(), StoreError> {
    let which = JobKey::Subject(kind, id).sql("?1");
    tx.prepare_cached(&format!("DELETE FROM outbox WHERE {which}"))?.execute([id])?;
    Ok(())
}

/// Makes due what waits for longer than a job of its kind and its attempts ever does: a clock that
/// was ahead has put it off.
pub(in crate::store) fn hasten_overdelayed(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    let mut update = tx.prepare_cached(
        "UPDATE outbox SET due_at = ?1
         WHERE dead_lettered_at IS NULL AND kind = ?2 AND attempts BETWEEN ?3 AND ?4 AND due_at > ?5",
    )?;
    for wait in longest_waits(now) {
        update.execute(params![
            now.unix_seconds(),
            wait.kind.as_str(),
            wait.attempts_from,
            wait.attempts_to,
            wait.latest.unix_seconds()
        ])?;
    }
    Ok(())
}

pub(in crate::store) fn next_due(db: &Connection, queue: Queue) -> Result<Option<Timestamp>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT min(due_at) FROM outbox WHERE dead_lettered_at IS NULL AND kind = ?1")?;
    let mut next: Option<i64> = None;
    for kind in queue.kinds() {
        let at: Option<i64> = select.query_row([kind.as_str()], |row| row.get(0))?;
        next = next.into_iter().chain(at).min();
    }
    Ok(next.map(Timestamp::from_unix_seconds))
}

/// Makes a job due that waits for its next attempt.
pub(in crate::store) fn make_due(tx: &Connection, now: Timestamp, job_id: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outbox SET due_at = ?2 WHERE job_id = ?1")?
        .execute(params![job_id, now.unix_seconds()])?;
    Ok(())
}
