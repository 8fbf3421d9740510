//! The queue of jobs (the table `outbox`): put, lease, put off, make a dead letter, delete.
//!
//! This is the lowest module of the store: the modules of charges, coupons and so on put jobs in,
//! and nothing here calls them. What follows from the outcome of a job is written in
//! [`super::settle`].

mod job;
mod kind;
mod lease;
pub(super) mod outcome;
pub(super) mod postgres;
pub(super) mod sqlite;

use crate::call_trace::CallTrace;
use crate::last_answer::LastAnswer;
use crate::store::clock_skew::latest_end;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::correlator::Correlator;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::trace_context::TraceParent;

pub(in crate::store) use job::JobKey;
pub use job::{Job, LeasedJob, SmsJob, WebhookJob};
pub use kind::{AfterLastRetry, Expiry, JobKind, JobSpec, Queue, RetryPolicy, Subject};
pub use lease::{LEASE_SECONDS_MAX, Lease};
pub use outcome::{
    BillingOutcome, ChargeDecision, ChargeOutcome, DeliveryOutcome, LineDecision, NextStep, RefundDecision,
    RefundOutcome, SettleResult, SmsOutcome, WebhookOutcome,
};

impl Store {
    /// Leases jobs that are due, up to `limit` of each kind, so that none waits behind a backlog of
    /// another. Each counts as one more attempt.
    pub async fn lease_due(
        &self,
        queue: Queue,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        use_case!(self, write, lease_due(queue, now, until, limit))
    }

    /// When the next job is due, if there is one.
    pub async fn next_due(&self, queue: Queue) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, look_up, next_due(queue))
    }

    /// Ends an attempt whose outcome cannot be written: the job waits, becomes a dead letter or goes,
    /// and nothing else changes. False when another worker has the job now.
    pub async fn end_attempt(
        &self,
        now: Timestamp,
        lease: Lease,
        step: NextStep,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, end_attempt(now, lease, step))
    }

    /// Keeps what the other party of an attempt has answered, for the person who will read of it. It
    /// goes when the job is queued again. Nothing is kept if another worker has the job now.
    pub async fn note_last_answer(&self, lease: Lease, answer: LastAnswer) -> Result<(), StoreError> {
        use_case!(self, write, note_last_answer(lease, &answer))
    }
}

/// The columns of the trace that a job belongs to.
fn trace_columns(trace: Option<&CallTrace>) -> (Option<String>, Option<String>) {
    trace.map(|trace| (trace.correlator.to_string(), trace.parent.to_string())).unzip()
}

/// Reads them. A job without them does not come from a call.
pub(in crate::store) fn read_trace(
    correlator: Option<String>,
    traceparent: Option<String>,
) -> Option<CallTrace> {
    Some(CallTrace::new(Correlator::parse(&correlator?)?, TraceParent::parse(&traceparent?)?))
}

/// Takes the words of answers from the jobs about some subscribers, whose PAIs are those `p` of which the
/// condition holds. Jobs with an SMS have no such words, and those about a PAI never wait for a person.
pub(in crate::store) fn forget_answers_sql(condition: &str) -> [String; 3] {
    [
        ("transaction_id", "transactions t"),
        ("refund_id", "refunds r JOIN transactions t USING (transaction_id)"),
        ("dispute_id", "disputes d JOIN transactions t USING (transaction_id)"),
    ]
    .map(|(id, rows)| {
        format!(
            "UPDATE outbox SET answer_text = NULL WHERE answer_text IS NOT NULL AND {id} IN
                 (SELECT {id} FROM {rows} JOIN pais p USING (pai) WHERE {condition})"
        )
    })
}

/// How long jobs of a kind may wait after so many attempts.
struct LongestWait {
    kind: JobKind,
    attempts_from: u32,
    attempts_to: u32,
    latest: Timestamp,
}

/// Until when each job may wait, by a right clock.
fn longest_waits(now: Timestamp) -> impl Iterator<Item = LongestWait> {
    JobKind::ALL.into_iter().flat_map(move |kind| {
        let (spec, last) = (kind.spec(), kind.spec().last_attempts());
        (0..=last).map(move |attempts| LongestWait {
            kind,
            attempts_from: attempts,
            // The column of attempts has 63 bits; more than 31 are never used.
            attempts_to: if attempts == last { i32::MAX.unsigned_abs() } else { attempts },
            latest: latest_end(now, spec.longest_wait_seconds(attempts)),
        })
    })
}
