//! Attempts at jobs. What waits in the queue is read from the ledger: see [`super::ledger`].

use super::labels::Counters;
use super::page::Page;
use super::series::JOB_ATTEMPTS;
use crate::store::{BillingOutcome, DeliveryOutcome, JobKind, NextStep, SmsOutcome, WebhookOutcome};
use std::fmt;

onbill_domain::word_enum! {
    /// What came of an attempt.
    pub enum AttemptResult {
        /// The job reached its end: billing has decided, or the receiver has it.
        Done = "done",
        /// It is attempted again.
        Retry = "retry",
        /// It waits for a person.
        DeadLetter = "dead-letter",
        /// Nothing is left to do, as for a PIN that has expired.
        Dropped = "dropped",
    }
}

impl AttemptResult {
    pub(crate) fn of(outcome: &DeliveryOutcome) -> Self {
        let is_done = match outcome {
            DeliveryOutcome::Charge { outcome, .. } => outcome.is_decided(),
            DeliveryOutcome::Refund { outcome, .. } => outcome.is_decided(),
            DeliveryOutcome::Webhook { outcome, .. } => *outcome == WebhookOutcome::Delivered,
            DeliveryOutcome::Sms { outcome, .. } => matches!(outcome, SmsOutcome::Sent { .. }),
        };
        if is_done { Self::Done } else { outcome.next_step().into() }
    }

    /// That of the first attempt at a charge or a refund, which its own call makes.
    pub(crate) fn of_first<V>(outcome: &BillingOutcome<V>) -> Self {
        match outcome {
            BillingOutcome::Decided(_) => Self::Done,
            BillingOutcome::Undecided(step) => (*step).into(),
        }
    }
}

impl From<NextStep> for AttemptResult {
    fn from(step: NextStep) -> Self {
        match step {
            NextStep::RetryAt(_) => Self::Retry,
            NextStep::DeadLetter => Self::DeadLetter,
            NextStep::Drop => Self::Dropped,
        }
    }
}

/// Attempts by the kind of their job.
#[derive(Debug)]
pub(crate) struct JobMetrics([Counters<{ AttemptResult::ALL.len() }>; JobKind::ALL.len()]);

impl JobMetrics {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Counters::default()))
    }

    pub(crate) fn note_attempt(&self, kind: JobKind, result: AttemptResult) {
        self.0[kind as usize].count(result as usize);
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            JOB_ATTEMPTS,
            JobKind::ALL.into_iter().zip(&self.0).flat_map(|(kind, results)| {
                let results = AttemptResult::ALL.into_iter().zip(results.read());
                results.map(move |(result, count)| ([kind.as_str(), result.as_str()], count))
            }),
        )
    }
}
