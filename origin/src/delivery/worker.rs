//! The workers of the queue: what the database promises reaches the operator's systems, once, and the partner is told.
//!
//! A job is leased, tried outside of any database transaction, and settled. Each queue has a worker for itself: a partner
//! that is slow to respond does not hold up a PIN.

use super::alarms::raise_alarm;
use super::billing::BillingSubmission;
use super::edge_mapping::EdgeMappings;
use super::sms_jobs::SmsJobs;
use super::wake_up::WakeUp;
use super::webhook::Webhooks;
use crate::ambient::Clock;
use crate::config::Billing;
use crate::fault::Fault;
use crate::store::{Entry, HandOff, LEASE_SECONDS_MAX, Lane, Store, Work};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Jobs of a kind worked on at once: enough to keep a billing system busy, few enough not to flood it.
const BATCH: u32 = 16;
/// Longest sleep of a worker: a job put in by another process is found after this at the latest.
const IDLE_SECONDS_MAX: i64 = 15;

/// Works the queues.
pub struct Worker {
    pub(crate) store: Arc<Store>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) webhooks: Webhooks,
    pub(crate) edge: Arc<EdgeMappings>,
    pub(crate) sms: SmsJobs,
    pub(crate) wake_up: WakeUp,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Worker {
    /// Works each queue by itself, and does not end.
    pub async fn run(self: Arc<Self>) {
        let mut running = JoinSet::new();
        for lane in self.queues() {
            running.spawn(Arc::clone(&self).run_queue(*lane));
        }
        running.join_all().await;
    }

    /// Delivers what is due in a queue, then sleeps until something is or a job is put in.
    async fn run_queue(self: Arc<Self>, lane: Lane) {
        let mut wake_up = self.wake_up.subscribe();
        loop {
            // Looking is a read; only what is due is worth a transaction.
            let wait = match self.store.next_due(lane).await {
                Ok(Some(at)) if at <= self.clock.now() => match self.deliver_queue(lane).await {
                    Ok(_) => continue,
                    Err(fault) => {
                        tracing::error!(?fault, ?lane, "the outbox could not be worked on");
                        1
                    }
                },
                Ok(Some(at)) => at.seconds_since(self.clock.now()).clamp(1, IDLE_SECONDS_MAX),
                Ok(None) | Err(_) => IDLE_SECONDS_MAX,
            };
            let wait = Duration::from_secs(wait.unsigned_abs());
            // Woken or not, the next round looks at what is due.
            let _ = tokio::time::timeout(wait, wake_up.changed()).await;
        }
    }

    /// Delivers everything that is due now; gives how many jobs were tried.
    pub async fn deliver_due(&self) -> Result<usize, Fault> {
        let mut tried = 0;
        for lane in self.queues() {
            tried += self.deliver_queue(*lane).await?;
        }
        Ok(tried)
    }

    async fn deliver_queue(&self, lane: Lane) -> Result<usize, Fault> {
        let mut tried = 0;
        loop {
            let now = self.clock.now();
            let jobs = self.store.lease_due(lane, now, now.plus_seconds(LEASE_SECONDS_MAX), BATCH).await?;
            if jobs.is_empty() {
                return Ok(tried);
            }
            tried += jobs.len();
            for result in join_all(jobs.into_iter().map(|job| self.try_job(job))).await {
                result?;
            }
        }
    }

    /// Charges and refunds that billing takes in files are not delivered here: see [`super::files`].
    fn queues(&self) -> &'static [Lane] {
        const QUEUES: [Lane; 6] =
            [Lane::Bills, Lane::Texts, Lane::Partners, Lane::Edge, Lane::Coupons, Lane::Notifications];
        match self.billing.mode {
            Billing::Csp => &QUEUES,
            Billing::Files => &QUEUES[1..],
        }
    }

    async fn try_job(&self, job: Entry) -> Result<(), Fault> {
        let (what, id) = name_of(&job.work);
        let (what, id) = (what.to_owned(), id.to_owned());
        let outcome = self.attempt(&job.work, job.attempts).await;
        // An SMS that is refused waits for a person like one that was given up.
        let is_sms = matches!(job.work, Work::Coupon { .. } | Work::CouponReminder { .. });
        if outcome == HandOff::Parked || is_sms && matches!(outcome, HandOff::Refused { .. }) {
            tracing::error!(what, id, entry = job.job_id, alarm = "outbox-parked", "an entry needs a person");
        }
        let has_news = matches!(job.work, Work::Charge { .. } | Work::Refund { .. }) && outcome.is_verdict();
        let settled = self.store.settle(self.clock.now(), job, outcome).await?;
        raise_alarm(settled, &what, &id);
        if has_news {
            self.wake_up.wake_queue();
        }
        Ok(())
    }

    async fn attempt(&self, work: &Work, attempt: u32) -> HandOff {
        match work {
            Work::Charge { transaction_id } => {
                self.billing.submit_stored_charge(transaction_id, attempt).await
            }
            Work::Refund { refund_id } => self.billing.submit_stored_refund(refund_id, attempt).await,
            Work::ChargeNotice { transaction_id } => {
                self.webhooks.report_charge(transaction_id, attempt).await
            }
            Work::RefundNotice { refund_id } => self.webhooks.report_refund(refund_id, attempt).await,
            Work::PaiNotice { pai } => self.webhooks.report_pai(*pai, attempt).await,
            Work::PaiMapping { pai } => self.edge.update_mapping(*pai, attempt).await,
            Work::Pin { message } => self.sms.send_pin(message, attempt).await,
            Work::Coupon { message, .. } | Work::CouponReminder { message, .. } => {
                self.sms.send_coupon(message, attempt).await
            }
            Work::Notification { notification_id, message } => {
                self.sms.send_notification(notification_id, message, attempt).await
            }
        }
    }
}

/// What a job is and whose, for the log. The id is ours, and empty where it would name a subscriber.
fn name_of(work: &Work) -> (&'static str, &str) {
    match work {
        Work::Charge { transaction_id } => ("charge", transaction_id),
        Work::Refund { refund_id } => ("refund", refund_id),
        Work::ChargeNotice { transaction_id } => ("charge-notice", transaction_id),
        Work::RefundNotice { refund_id } => ("refund-notice", refund_id),
        Work::PaiNotice { .. } => ("pai-notice", ""),
        Work::PaiMapping { .. } => ("pai-mapping", ""),
        Work::Pin { .. } => ("pin", ""),
        Work::Coupon { coupon_id, .. } => ("coupon", coupon_id),
        Work::CouponReminder { coupon_id, .. } => ("coupon-reminder", coupon_id),
        Work::Notification { notification_id, .. } => ("notification", notification_id),
    }
}
