//! The rows of the queue. A row is deleted in the transaction that writes the outcome of its job.
//!
//! The row of a job is locked last: after the charge, what the account has spent, and the PAI.

use crate::call_trace::CallTrace;
use crate::last_answer::LastAnswer;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_count;
use crate::store::postgres::sql_value::SqlValue;
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{
    Job, JobKey, JobKind, Lease, LeasedJob, NextStep, Queue, SettleResult, Subject, longest_waits,
    read_trace, trace_columns,
};
use futures_util::future::try_join_all;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// Puts in a charge or refund that its caller submits to billing at once, as the first attempt. The
/// lease of that ends at `until`.
pub(in crate::store) async fn put_leased(
    tx: &PgConnection<'_>,
    job: &Job,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), TxError> {
    insert_job(tx, job, now, until, 1).await
}

/// Puts in a job that is due at once.
pub(in crate::store) async fn put(
    tx: &PgConnection<'_>,
    job: &Job,
    now: Timestamp,
    attempts: i64,
) -> Result<(), TxError> {
    insert_job(tx, job, now, now, attempts).await
}

async fn insert_job(
    tx: &PgConnection<'_>,
    job: &Job,
    now: Timestamp,
    due_at: Timestamp,
    attempts: i64,
) -> Result<(), TxError> {
    let (kind, id) = (job.kind(), job.subject());
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    let of = |subject| id.as_deref().filter(|_| kind.spec().subject == Some(subject));
    tx.execute_one(
        "outbox",
        "INSERT INTO outbox (kind, transaction_id, refund_id, pai, coupon_id, dispute_id, notification_id, payload,
             correlator, traceparent, queued_at, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &kind.as_str(),
            &of(Subject::Transaction),
            &of(Subject::Refund),
            &of(Subject::Pai),
            &of(Subject::Coupon),
            &of(Subject::Dispute),
            &of(Subject::Notification),
            &job.payload(),
            &correlator,
            &traceparent,
            &now.unix_seconds(),
            &due_at.unix_seconds(),
            &attempts,
        ],
    )
    .await
}

/// A charge or refund that is submitted at once, of a group.
pub(in crate::store) struct LeasedSubject<'a> {
    /// Our id of it.
    pub(in crate::store) id: &'a str,
    pub(in crate::store) now: Timestamp,
    /// When the lease ends.
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) trace: Option<&'a CallTrace>,
}

/// The same for several, of one kind.
pub(in crate::store) async fn put_all_leased(
    tx: &PgConnection<'_>,
    kind: JobKind,
    jobs: &[LeasedSubject<'_>],
) -> Result<(), TxError> {
    let ids: Vec<&str> = jobs.iter().map(|job| job.id).collect();
    let now: Vec<i64> = jobs.iter().map(|job| job.now.unix_seconds()).collect();
    let until: Vec<i64> = jobs.iter().map(|job| job.until.unix_seconds()).collect();
    let (correlators, traceparents): (Vec<_>, Vec<_>) =
        jobs.iter().map(|job| trace_columns(job.trace)).unzip();
    let column = kind.subject_column().ok_or_else(|| missing_row("outbox"))?;
    let sql = format!(
        "INSERT INTO outbox (kind, {column}, correlator, traceparent, queued_at, due_at, attempts)
         SELECT $1, id, correlator, traceparent, queued_at, due_at, 1
         FROM unnest($2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[])
             AS jobs (id, queued_at, due_at, correlator, traceparent)"
    );
    tx.execute(&sql, &[&kind.as_str(), &ids, &now, &until, &correlators, &traceparents]).await?;
    Ok(())
}

/// Queues the change of a PAI's state: for the edge, and for the partner if it has ever had a
/// subscription for the PAI, because an unfinished sign-up does not concern it. Of a dark PAI, none is
/// informed. A job of an earlier
/// change that is attempted right now may report the earlier state: its attempts are counted on, so
/// that it stays in the queue whatever the outcome of that attempt. The caller has locked the PAI,
/// so no subscription can be added at the same time.
pub(in crate::store) async fn put_pai_change(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: &str,
) -> Result<(), TxError> {
    let (partner, edge) = (JobKind::PaiWebhook.sql(), JobKind::PaiMapping.sql());
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    let sql = format!(
        "INSERT INTO outbox (kind, pai, correlator, traceparent, queued_at, due_at, attempts)
         SELECT kind, $1, $3, $4, $2, $2, 0 FROM (VALUES ({partner}), ({edge})) AS listeners (kind)
         WHERE (kind = {edge} OR EXISTS (SELECT 1 FROM partner_subscriptions WHERE pai = $1))
             AND NOT EXISTS (SELECT 1 FROM pais WHERE pai = $1 AND dark_since IS NOT NULL)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = outbox.attempts + 1, dead_lettered_at = NULL,
             answer_kind = NULL, answer_code = NULL, answer_text = NULL,
             correlator = excluded.correlator, traceparent = excluded.traceparent"
    );
    tx.execute(&sql, &[&pai, &now.unix_seconds(), &correlator, &traceparent]).await?;
    Ok(())
}

/// Takes back the report of a PAI's state to its partner, even when it is attempted right now. False when the
/// partner has had the last one. The caller has locked the PAI.
pub(in crate::store) async fn drop_pai_report(tx: &PgConnection<'_>, pai: &str) -> Result<bool, TxError> {
    let sql = "DELETE FROM outbox WHERE pai = $1 AND kind = $2";
    Ok(tx.execute(sql, &[&pai, &JobKind::PaiWebhook.as_str()]).await? > 0)
}

/// Queues the report of a dispute in place of the one of an earlier change. That may be a dead letter, or
/// attempted right now with the earlier state, so the new one is another job with all its attempts. The caller has locked the charge.
pub(in crate::store) async fn put_dispute_change(
    tx: &PgConnection<'_>,
    now: Timestamp,
    dispute_id: &str,
) -> Result<(), TxError> {
    delete(tx, JobKind::DisputeWebhook, dispute_id).await?;
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    tx.execute(
        "INSERT INTO outbox (kind, dispute_id, correlator, traceparent, queued_at, due_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $5, 0)",
        &[&JobKind::DisputeWebhook.as_str(), &dispute_id, &correlator, &traceparent, &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// Queues the state of a PAI for the edge alone.
pub(in crate::store) async fn put_pai_mapping(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: &str,
) -> Result<(), TxError> {
    let (correlator, traceparent) = trace_columns(CallTrace::current().as_ref());
    let sql = "INSERT INTO outbox (kind, pai, correlator, traceparent, queued_at, due_at, attempts)
         VALUES ($5, $1, $3, $4, $2, $2, 0)
         ON CONFLICT (pai, kind) DO UPDATE
         SET due_at = excluded.due_at, attempts = outbox.attempts + 1, dead_lettered_at = NULL,
             answer_kind = NULL, answer_code = NULL, answer_text = NULL,
             correlator = excluded.correlator, traceparent = excluded.traceparent";
    let kind = JobKind::PaiMapping.as_str();
    tx.execute(sql, &[&pai, &now.unix_seconds(), &correlator, &traceparent, &kind]).await?;
    Ok(())
}

/// Leases all kinds in one round trip.
pub(in crate::store) async fn lease_due(
    tx: &PgConnection<'_>,
    queue: Queue,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<LeasedJob>, TxError> {
    let leases = queue.kinds().map(|kind| lease_kind(tx, kind, now, until, limit));
    let mut jobs = try_join_all(leases).await?.concat();
    jobs.sort_by_key(|job| job.job_id);
    Ok(jobs)
}

/// Rows that another origin is about to lease or settle are skipped, not waited for.
async fn lease_kind(
    tx: &PgConnection<'_>,
    kind: JobKind,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<LeasedJob>, TxError> {
    let rows = tx
        .query(
            "WITH due AS (
                 SELECT job_id FROM outbox WHERE dead_lettered_at IS NULL AND kind = $4 AND due_at <= $1
                 ORDER BY due_at, job_id LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE outbox o SET due_at = $2, attempts = o.attempts + 1
             FROM due WHERE o.job_id = due.job_id
             RETURNING o.job_id, o.attempts, o.transaction_id, o.refund_id, o.pai, o.coupon_id,
                 o.dispute_id, o.notification_id, o.payload, o.correlator, o.traceparent",
            &[&now.unix_seconds(), &until.unix_seconds(), &i64::from(limit), &kind.as_str()],
        )
        .await?;
    rows.iter().map(|row| read_job(kind, row)).collect()
}

fn read_job(kind: JobKind, row: &Row) -> Result<LeasedJob, TxError> {
    let subject = kind.subject_column().map(|column| row.try_get(column)).transpose()?;
    let job = Job::from_row(kind, subject, row.try_get("payload")?)
        .ok_or_else(|| inconsistent_row("outbox.kind"))?;
    let trace = read_trace(row.try_get("correlator")?, row.try_get("traceparent")?);
    let attempts = read_count(row, "outbox.attempts")?;
    Ok(LeasedJob { job_id: row.try_get("job_id")?, attempts, trace, job })
}

/// Whether no other lease has begun, and no newer job has taken the place of this one. Locks the
/// job.
pub(in crate::store) async fn holds_lease(tx: &PgConnection<'_>, lease: Lease) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM outbox WHERE job_id = $1 AND attempts = $2 FOR UPDATE";
    let row = tx.query_optional(sql, &[&lease.job_id, &i64::from(lease.attempt)]).await?;
    Ok(row.is_some())
}

/// Deletes the job even when another lease has begun, because its subject is settled. Only the
/// owner of the lease, by the number of the attempt, puts it off or makes it a dead letter, so that
/// a late outcome does not end the next lease.
pub(in crate::store) async fn write_next_step(
    tx: &PgConnection<'_>,
    now: Timestamp,
    key: JobKey<'_>,
    attempt: u32,
    step: NextStep,
) -> Result<SettleResult, TxError> {
    let (attempt, which) = (i64::from(attempt), key.sql("$1"));
    let key: &dyn SqlValue = match &key {
        JobKey::Id(job_id) => job_id,
        JobKey::Subject(_, id) => id,
    };
    let changed = match step {
        NextStep::RetryAt(due_at) => {
            let sql = format!("UPDATE outbox SET due_at = $2 WHERE {which} AND attempts = $3");
            tx.execute(&sql, &[key, &due_at.unix_seconds(), &attempt]).await?
        }
        NextStep::DeadLetter => {
            let sql = format!("UPDATE outbox SET dead_lettered_at = $2 WHERE {which} AND attempts = $3");
            tx.execute(&sql, &[key, &now.unix_seconds(), &attempt]).await?
        }
        NextStep::Drop => tx.execute(&format!("DELETE FROM outbox WHERE {which}"), &[key]).await?,
    };
    Ok(if changed == 0 { SettleResult::Late } else { SettleResult::Written })
}

pub(super) async fn end_attempt(
    tx: &PgConnection<'_>,
    now: Timestamp,
    lease: Lease,
    step: NextStep,
) -> Result<bool, TxError> {
    if !holds_lease(tx, lease).await? {
        return Ok(false);
    }
    write_next_step(tx, now, JobKey::Id(lease.job_id), lease.attempt, step).await.map(|_| true)
}

pub(super) async fn note_last_answer(
    tx: &PgConnection<'_>,
    lease: Lease,
    answer: &LastAnswer,
) -> Result<(), TxError> {
    let sql = "UPDATE outbox SET answer_kind = $3, answer_code = $4, answer_text = $5 WHERE job_id = $1 AND attempts = $2";
    let (kind, attempt) = (answer.kind.as_str(), i64::from(lease.attempt));
    tx.execute(sql, &[&lease.job_id, &attempt, &kind, &answer.code, &answer.text]).await?;
    Ok(())
}

/// Deletes the job of the subject `id`, even when it is leased.
pub(in crate::store) async fn delete(tx: &PgConnection<'_>, kind: JobKind, id: &str) -> Result<(), TxError> {
    let which = JobKey::Subject(kind, id).sql("$1");
    tx.execute(&format!("DELETE FROM outbox WHERE {which}"), &[&id]).await?;
    Ok(())
}

/// Deletes the jobs of these subjects, even those that are leased.
pub(in crate::store) async fn delete_all(
    tx: &PgConnection<'_>,
    kind: JobKind,
    ids: &[&str],
) -> Result<(), TxError> {
    let column = kind.subject_column().ok_or_else(|| missing_row("outbox"))?;
    tx.execute(
        &format!("DELETE FROM outbox WHERE kind = $1 AND {column} = ANY($2)"),
        &[&kind.as_str(), &ids],
    )
    .await?;
    Ok(())
}

/// Makes due what was put off for longer than any delay, by a clock that ran ahead.
pub(in crate::store) async fn hasten_overdelayed(
    tx: &PgConnection<'_>,
    now: Timestamp,
) -> Result<(), TxError> {
    for wait in longest_waits(now) {
        tx.execute(
            "UPDATE outbox SET due_at = $1
             WHERE dead_lettered_at IS NULL AND kind = $2 AND attempts BETWEEN $3 AND $4 AND due_at > $5",
            &[
                &now.unix_seconds(),
                &wait.kind.as_str(),
                &i64::from(wait.attempts_from),
                &i64::from(wait.attempts_to),
                &wait.latest.unix_seconds(),
            ],
        )
        .await?;
    }
    Ok(())
}

fn list_kind_words(queue: Queue) -> Vec<&'static str> {
    queue.kinds().map(JobKind::as_str).collect()
}

/// Takes the first row of the index for each kind, and of those the first.
pub(in crate::store) async fn next_due(
    db: &PgConnection<'_>,
    queue: Queue,
) -> Result<Option<Timestamp>, TxError> {
    let row = db
        .query_optional(
            "SELECT min(first.at) AS at FROM unnest($1::TEXT[]) AS kinds (kind) CROSS JOIN LATERAL
                 (SELECT min(due_at) AS at FROM outbox WHERE dead_lettered_at IS NULL AND kind = kinds.kind) AS first",
            &[&list_kind_words(queue)],
        )
        .await?
        .ok_or_else(|| missing_row("outbox"))?;
    Ok(row.try_get::<_, Option<i64>>("at")?.map(Timestamp::from_unix_seconds))
}

/// Makes a job due that waits for its next attempt.
pub(in crate::store) async fn make_due(
    tx: &PgConnection<'_>,
    now: Timestamp,
    job_id: i64,
) -> Result<(), TxError> {
    let sql = "UPDATE outbox SET due_at = $2 WHERE job_id = $1";
    tx.execute_one("outbox", sql, &[&job_id, &now.unix_seconds()]).await
}
