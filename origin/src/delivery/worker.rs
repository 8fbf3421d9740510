//! The workers of the queue. They deliver what the database has committed to: the operator's
//! systems get it once, and the partner gets the outcome.
//!
//! A job is leased, attempted outside of any database transaction, and settled. Each queue has its
//! own worker, so that a partner that is slow to respond does not hold up a PIN.

use super::alarms::raise_for_result;
use super::billing::BillingSubmission;
use super::edge_mapping::EdgeMappings;
use super::later_decision::LaterDecision;
use super::queue_workers::QueueWorkers;
use super::retry::RetrySchedule;
use super::sms_jobs::SmsJobs;
use super::wake_up::WakeUp;
use super::webhook::Webhooks;
use crate::ambient::{Clock, Random};
use crate::call_trace::CallTrace;
use crate::config::Billing;
use crate::fault::Fault;
use crate::instruments::{Alarm, AttemptResult, Instruments, raise_alarm};
use crate::last_answer::LastAnswer;
use crate::store::{
    DeliveryOutcome, Job, JobKind, LEASE_SECONDS_MAX, Lease, LeasedJob, NextStep, Queue, SmsJob, SmsOutcome,
    Store, StoreError, Subject, WebhookJob, WebhookOutcome,
};
use futures_util::future::Either;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// Calls of a kind made at once, as many as a partner's own calls would make: enough to keep a
/// billing system busy, few enough not to flood it.
const CALLS_AT_ONCE: usize = 64;
/// SMS of a kind sent at once: a gateway sends one after the other.
const SMS_AT_ONCE: usize = 16;
/// Maximum sleep of a worker, in seconds: a job added by another process is found after this at the
/// latest.
const IDLE_SECONDS_MAX: i64 = 15;

/// What a worker of a queue does at once with other steps, and its result.
enum Step {
    /// Jobs that are due were leased.
    Leased(Result<Vec<LeasedJob>, Fault>),
    /// A job was attempted, and its outcome written.
    Attempted(Result<(), Fault>),
}

/// Attempts of each kind of a queue at once.
fn attempts_at_once(queue: Queue) -> usize {
    match queue {
        Queue::All | Queue::Billing | Queue::PartnerWebhooks | Queue::Edge => CALLS_AT_ONCE,
        Queue::Pins | Queue::Coupons | Queue::Notifications => SMS_AT_ONCE,
    }
}

pub struct Worker {
    pub(crate) store: Arc<Store>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) webhooks: Webhooks,
    pub(crate) edge: Arc<EdgeMappings>,
    pub(crate) sms: SmsJobs,
    pub(crate) wake_up: WakeUp,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) instruments: Arc<Instruments>,
    pub(crate) workers: Arc<QueueWorkers>,
    /// The ledger is being recovered: see [`Worker::queues`].
    pub(crate) is_recovering: bool,
}

impl Worker {
    /// Works each queue by itself, and does not end.
    pub async fn run(self: Arc<Self>) {
        self.workers.expect(self.queues().len());
        let mut running = JoinSet::new();
        for queue in self.queues() {
            running.spawn(Arc::clone(&self).run_queue(*queue));
        }
        running.join_all().await;
    }

    /// Delivers what is due in a queue, then sleeps until a job is due or added.
    async fn run_queue(self: Arc<Self>, queue: Queue) {
        let _running = self.workers.begin();
        let mut wake_up = self.wake_up.subscribe(queue);
        loop {
            self.workers.beat(queue);
            // Polling is a read; only due jobs are worth a transaction.
            let wait = match self.store.next_due(queue).await {
                Ok(Some(at)) if at <= self.clock.now() => match self.deliver_queue(queue).await {
                    Ok(_) => continue,
                    Err(fault) => {
                        tracing::error!(?fault, ?queue, "the jobs of the outbox could not be processed");
                        1
                    }
                },
                Ok(Some(at)) => at.seconds_since(self.clock.now()).clamp(1, IDLE_SECONDS_MAX),
                Ok(None) | Err(_) => IDLE_SECONDS_MAX,
            };
            let wait = Duration::from_secs(wait.unsigned_abs());
            // Woken or not, the next round checks what is due.
            let _ = tokio::time::timeout(wait, wake_up.changed()).await;
        }
    }

    /// Delivers everything that is due now; returns the number of jobs attempted.
    pub async fn deliver_due(&self) -> Result<usize, Fault> {
        let mut tried = 0;
        for queue in self.queues() {
            tried += self.deliver_queue(*queue).await?;
        }
        Ok(tried)
    }

    /// Delivers everything that is due in a queue; returns the number of jobs attempted. The attempt
    /// of a leased job begins at once, so that it ends before the lease does. While more may be due,
    /// jobs are leased again as soon as half of the attempts have ended: none waits for the slowest.
    async fn deliver_queue(&self, queue: Queue) -> Result<usize, Fault> {
        let at_once = attempts_at_once(queue);
        let (mut attempted, mut running, mut ended) = (0, 0, Ok(()));
        // As many attempts may still run when jobs are leased again; `None` while that is under way,
        // and once nothing is due.
        let mut lease_at = None;
        let mut steps = FuturesUnordered::new();
        steps.push(Either::Left(self.lease_jobs(queue, at_once)));
        while let Some(step) = steps.next().await {
            self.workers.beat(queue);
            match step {
                Step::Leased(Ok(jobs)) => {
                    attempted += jobs.len();
                    running += jobs.len();
                    lease_at = match jobs.len() {
                        0 => None,
                        few if few < at_once / 2 => Some(0),
                        _ => Some(at_once / 2),
                    };
                    steps.extend(jobs.into_iter().map(|job| Either::Right(self.attempt_job(job))));
                }
                Step::Leased(Err(fault)) => ended = Err(fault),
                Step::Attempted(result) => {
                    running -= 1;
                    ended = ended.and(result);
                }
            }
            // After a failure, what has begun comes to its end.
            if ended.is_ok() && lease_at.is_some_and(|at| running <= at) {
                lease_at = None;
                steps.push(Either::Left(self.lease_jobs(queue, at_once - running)));
            }
        }
        ended.map(|()| attempted)
    }

    async fn lease_jobs(&self, queue: Queue, limit: usize) -> Step {
        let (now, limit) = (self.clock.now(), u32::try_from(limit).unwrap_or(u32::MAX));
        let leased = self.store.lease_due(queue, now, now.plus_seconds(LEASE_SECONDS_MAX), limit).await;
        Step::Leased(leased.map_err(Fault::from))
    }

    /// Charges and refunds that billing takes in files are not delivered here: see
    /// [`super::files`].
    ///
    /// While the ledger is being recovered, only what was settled before is reported: receivers drop
    /// what they know already, or know later. Nothing goes to billing or to subscribers, because the
    /// ledger may not know yet that a number has another subscriber, or that an SMS was sent.
    pub(crate) fn queues(&self) -> &'static [Queue] {
        use Queue::{Coupons, Edge, Notifications, PartnerWebhooks, Pins};
        if self.is_recovering {
            return &[PartnerWebhooks, Edge];
        }
        match self.billing.mode {
            Billing::Csp => &[Queue::Billing, Pins, PartnerWebhooks, Edge, Coupons, Notifications],
            Billing::Files => &[Pins, PartnerWebhooks, Edge, Coupons, Notifications],
        }
    }

    /// The attempt belongs to the trace of the call that the job follows from.
    async fn attempt_job(&self, leased: LeasedJob) -> Step {
        let trace = leased.trace.clone().unwrap_or_else(|| CallTrace::begin(&*self.random));
        let trace = trace.attempt(&format!("{} {}", leased.job_id, leased.attempts));
        let span = job_span(&trace, &leased);
        let attempt = LastAnswer::scope(trace.scope(self.attempt_and_settle(leased)));
        // It holds every kind of attempt, and is too large for the stack of each caller.
        let attempt = attempt.boxed();
        let attempt = AssertUnwindSafe(attempt).catch_unwind();
        let attempted = attempt.instrument(span).await;
        // Its lease ends, and it is attempted again.
        Step::Attempted(attempted.unwrap_or(Err(Fault::Broken("an attempt could not be ended"))))
    }

    /// A panic costs this job an attempt, wherever it comes: while the outcome is found, or while it is
    /// written. Otherwise a job whose outcome cannot be written would be attempted without end.
    async fn attempt_and_settle(&self, leased: LeasedJob) -> Result<(), Fault> {
        let (lease, kind, id) = (leased.lease(), leased.job.kind(), logged_id(&leased.job));
        let (what, began_at) = (kind.as_str(), Instant::now());
        let attempt = AssertUnwindSafe(self.attempt(leased.job.clone(), lease.attempt)).catch_unwind();
        let outcome = if let Ok(outcome) = attempt.await {
            outcome
        } else {
            // The failure is our own, whatever was answered before it.
            LastAnswer::forget();
            raise_alarm!(self.instruments.alarms, Alarm::Panicked, what, what, id, "an attempt has panicked");
            DeliveryOutcome::unclear(leased.job.clone(), self.plan_unclear(kind, lease.attempt))
        };
        let span = Span::current();
        span.record("outcome", outcome.word());
        span.record("reason", outcome.reason());
        span.record("duration_ms", began_at.elapsed().as_secs_f64() * 1000.0);
        tracing::info!("attempted");
        self.instruments.metrics.jobs.note_attempt(kind, AttemptResult::of(&outcome));
        let written = AssertUnwindSafe(self.write_outcome(kind, &id, lease, outcome)).catch_unwind().await;
        match written {
            // The store's own panic is an alarm already.
            Ok(Err(Fault::Store(StoreError::Panicked))) => {}
            Ok(written) => return written,
            Err(_) => {
                let message = "writing an outcome has panicked";
                raise_alarm!(self.instruments.alarms, Alarm::Panicked, what, what, id, "{message}");
            }
        }
        let (step, now) = (self.plan_unclear(kind, lease.attempt), self.clock.now());
        if self.store.end_attempt(now, lease, step).await? && step == NextStep::DeadLetter {
            self.raise_dead_letter(kind, &id, lease);
        }
        Ok(())
    }

    async fn write_outcome(
        &self,
        kind: JobKind,
        id: &str,
        lease: Lease,
        outcome: DeliveryOutcome,
    ) -> Result<(), Fault> {
        let decision = LaterDecision::of(&outcome);
        let is_dead_letter = outcome.next_step() == NextStep::DeadLetter;
        let filled = outcome.filled_queues();
        if let Some(mut answer) = LastAnswer::current().filter(|_| is_dead_letter) {
            // A gateway that refuses an SMS may quote it, with the code of a coupon.
            if kind.spec().has_payload {
                answer.text = None;
            }
            // It decides nothing: a job without it is settled all the same.
            if let Err(fault) = self.store.note_last_answer(lease, answer).await {
                tracing::warn!(?fault, "the last answer of a dead letter could not be noted");
            }
        }
        let result = self.store.settle(self.clock.now(), lease, outcome).await?;
        if is_dead_letter {
            self.raise_dead_letter(kind, id, lease);
        }
        raise_for_result(&self.instruments, result, kind.as_str(), id);
        self.wake_up.wake_each(filled);
        if let Some(decision) = decision {
            decision.note(result, &self.store, &self.instruments, self.clock.now()).await;
        }
        Ok(())
    }

    fn raise_dead_letter(&self, kind: JobKind, id: &str, lease: Lease) {
        let (alarms, what, job_id) = (&self.instruments.alarms, kind.as_str(), lease.job_id);
        raise_alarm!(
            alarms,
            Alarm::OutboxParked,
            what,
            what,
            id,
            job_id,
            "a job has become a dead letter: it waits until a person redrives it"
        );
    }

    /// What follows an attempt that panicked: it may have got through. The job has as many attempts as
    /// any other, and becomes a dead letter in the end.
    fn plan_unclear(&self, kind: JobKind, attempt: u32) -> NextStep {
        let retry = RetrySchedule::new(Arc::clone(&self.clock), Arc::clone(&self.random));
        retry.plan(kind.spec().retry_if_unclear, attempt)
    }

    async fn attempt(&self, job: Job, attempt: u32) -> DeliveryOutcome {
        match job {
            Job::Charge { transaction_id } => {
                let outcome = self.billing.submit_stored_charge(&transaction_id, attempt).await;
                DeliveryOutcome::Charge { transaction_id, outcome }
            }
            Job::Refund { refund_id } => {
                let outcome = self.billing.submit_stored_refund(&refund_id, attempt).await;
                DeliveryOutcome::Refund { refund_id, outcome }
            }
            Job::Webhook(job) => {
                let outcome = self.attempt_webhook(&job, attempt).await;
                DeliveryOutcome::Webhook { job, outcome }
            }
            Job::Sms(job) => {
                let outcome = self.attempt_sms(&job, attempt).await;
                DeliveryOutcome::Sms { job, outcome }
            }
        }
    }

    async fn attempt_webhook(&self, job: &WebhookJob, attempt: u32) -> WebhookOutcome {
        match job {
            WebhookJob::Charge { transaction_id } => {
                self.webhooks.report_charge(transaction_id, attempt).await
            }
            WebhookJob::Refund { refund_id } => self.webhooks.report_refund(refund_id, attempt).await,
            WebhookJob::Dispute { dispute_id } => self.webhooks.report_dispute(dispute_id, attempt).await,
            WebhookJob::Pai { pai } => self.webhooks.report_pai(*pai, attempt).await,
            WebhookJob::PaiMapping { pai } => self.edge.update_mapping(*pai, attempt).await,
        }
    }

    async fn attempt_sms(&self, job: &SmsJob, attempt: u32) -> SmsOutcome {
        match job {
            SmsJob::Pin { message } => self.sms.send_pin(message, attempt).await,
            SmsJob::Coupon { coupon_id, message } | SmsJob::CouponReminder { coupon_id, message } => {
                self.sms.send_coupon(job.kind(), coupon_id, message, attempt).await
            }
            SmsJob::Notification { notification_id, message } => {
                self.sms.send_notification(notification_id, message, attempt).await
            }
        }
    }
}

/// The span of an attempt. What is not known yet is recorded where it becomes known.
fn job_span(trace: &CallTrace, leased: &LeasedJob) -> Span {
    let (ids, kind, subject) = (trace.attempt_ids(), leased.job.kind(), leased.job.subject());
    let of = |wanted| subject.as_deref().filter(|_| kind.spec().subject == Some(wanted));
    tracing::info_span!(
        "job",
        correlator = %trace.correlator,
        trace_id = ids.trace_id,
        span_id = ids.span_id,
        parent_span_id = ids.parent_span_id,
        sampled = ids.is_sampled,
        kind = kind.as_str(),
        job_id = leased.job_id,
        attempt = leased.attempts,
        transaction_id = of(Subject::Transaction),
        refund_id = of(Subject::Refund),
        coupon_id = of(Subject::Coupon),
        dispute_id = of(Subject::Dispute),
        notification_id = of(Subject::Notification),
        outcome = Empty,
        reason = Empty,
        duration_ms = Empty,
    )
}

/// Our id of the subject of a job, for the log: never a PAI, which identifies a subscriber.
fn logged_id(job: &Job) -> String {
    match job {
        Job::Webhook(WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. }) => String::new(),
        Job::Charge { .. }
        | Job::Refund { .. }
        | Job::Webhook(WebhookJob::Charge { .. } | WebhookJob::Refund { .. } | WebhookJob::Dispute { .. })
        | Job::Sms(_) => job.subject().unwrap_or_default().into_owned(),
    }
}
