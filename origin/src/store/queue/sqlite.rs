//! The rows of the queue. A row is deleted in the transaction that writes the outcome of its job.

use crate::call_trace::CallTrace;
use crate::last_answer::{AnswerKind, LastAnswer};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::queue::{
    DeadLetter, Job, JobKey, JobKind, Lease, LeasedJob, NextStep, Queue, SettleResult, Subject,
    longest_waits, read_trace, trace_columns,
};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_time};
use onbill_domain::ids::{ExtId, PartnerId};
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
    insert(tx, job, now, until, 1)
}

/// Puts in a job that is due at once.
pub(in crate::store) fn put(
    tx: &Connection,
    job: &Job,
    now: Timestamp,
    attempts: u32,
) -> Result<(), StoreError> {
    insert(tx, job, now, now, attempts)
}

fn insert(
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
pub(in crate::store) fn take_step(
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
    take_step(tx, now, JobKey::Id(lease.job_id), lease.attempt, step).map(|_| true)
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

const DEAD_LETTERS: &str =
    "SELECT o.job_id, o.kind, coalesce(o.transaction_id, o.refund_id, o.coupon_id, o.dispute_id) AS id,
        coalesce(t.partner, r.partner, p.partner, x.partner) AS partner,
        coalesce(t.ext_transaction_id, r.ext_refund_id, c.ext_coupon_id, d.reference) AS ext_id,
        o.attempts, o.dead_lettered_at, o.answer_kind, o.answer_code, o.answer_text
    FROM outbox o LEFT JOIN transactions t ON t.transaction_id = o.transaction_id
        LEFT JOIN refunds r ON r.refund_id = o.refund_id
        LEFT JOIN coupons c ON c.coupon_id = o.coupon_id LEFT JOIN pais p ON p.pai = c.pai
        LEFT JOIN disputes d ON d.dispute_id = o.dispute_id
        LEFT JOIN transactions x ON x.transaction_id = d.transaction_id
    WHERE o.dead_lettered_at IS NOT NULL AND o.job_id > ?1 ORDER BY o.job_id LIMIT ?2";

pub(super) fn dead_letters(
    db: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<DeadLetter>, StoreError> {
    let mut select = db.prepare_cached(DEAD_LETTERS)?;
    let mut rows = select.query(params![after.unwrap_or(i64::MIN), limit])?;
    let mut dead_letters = Vec::new();
    while let Some(row) = rows.next()? {
        dead_letters.push(DeadLetter {
            job_id: row.get("job_id")?,
            kind: parse_column(row, "outbox.kind", JobKind::parse)?,
            id: row.get("id")?,
            partner: parse_column(row, "outbox.partner", PartnerId::parse)?,
            ext_id: parse_column(row, "outbox.ext_id", ExtId::parse)?,
            attempts: row.get("attempts")?,
            dead_lettered_at: read_time(row, "outbox.dead_lettered_at")?,
            last_answer: read_last_answer(row)?,
        });
    }
    Ok(dead_letters)
}

fn read_last_answer(row: &Row<'_>) -> Result<Option<LastAnswer>, StoreError> {
    let Some(kind) = parse_optional_column(row, "outbox.answer_kind", AnswerKind::parse)? else {
        return Ok(None);
    };
    Ok(Some(LastAnswer { kind, code: row.get("answer_code")?, text: row.get("answer_text")? }))
}

/// Along the index of dead letters, of which there are few.
const DEAD_LETTER_KINDS: &str =
    "SELECT DISTINCT kind FROM outbox INDEXED BY outbox_dead_letters WHERE dead_lettered_at IS NOT NULL";

pub(super) fn list_dead_letter_kinds(db: &Connection) -> Result<Vec<JobKind>, StoreError> {
    let mut select = db.prepare_cached(DEAD_LETTER_KINDS)?;
    let mut rows = select.query([])?;
    let mut kinds = Vec::new();
    while let Some(row) = rows.next()? {
        kinds.push(parse_column(row, "outbox.kind", JobKind::parse)?);
    }
    Ok(kinds)
}

pub(in crate::store) fn redrive_dead_letter(
    tx: &Connection,
    now: Timestamp,
    job_id: i64,
) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE outbox SET dead_lettered_at = NULL, due_at = ?2, attempts = 1,
                 answer_kind = NULL, answer_code = NULL, answer_text = NULL
             WHERE job_id = ?1 AND dead_lettered_at IS NOT NULL",
        )?
        .execute(params![job_id, now.unix_seconds()])?;
    Ok(changed == 1)
}

/// Makes a job due that waits for its next attempt.
pub(in crate::store) fn make_due(tx: &Connection, now: Timestamp, job_id: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE outbox SET due_at = ?2 WHERE job_id = ?1")?
        .execute(params![job_id, now.unix_seconds()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn dead_letters_are_read_along_their_index() {
        for step in query_plan(DEAD_LETTERS) {
            assert!(!step.contains("SCAN o") || step.contains("outbox_dead_letters"), "{step}");
            assert!(!step.starts_with("SCAN t") && !step.contains("TEMP B-TREE"), "{step}");
        }
    }
}
