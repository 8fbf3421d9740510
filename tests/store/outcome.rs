//! Outcomes of attempts, in one shorthand for jobs of every family.

use crate::test_values::NOW;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::{
    ChargeDecision, ChargeOutcome, DeliveryOutcome, Job, LeasedJob, LineDecision, NextStep, RefundDecision,
    RefundOutcome, SettleResult, SmsOutcome, Store, StoreError, WebhookOutcome,
};

/// The outcome of an attempt, for jobs of every kind.
#[derive(Clone, Debug)]
pub(crate) enum AttemptOutcome {
    /// Billing has approved, the receiver has the webhook, or the gateway has the SMS.
    Done,
    /// Billing has declined a charge.
    Declined(DeclineReason),
    /// Billing has declined a refund, or the gateway refuses an SMS.
    Refused,
    /// The gateway has the SMS, under this id.
    Sent(String),
    /// None of these.
    Open(NextStep),
}

pub(crate) fn done<T: From<AttemptOutcome>>() -> T {
    AttemptOutcome::Done.into()
}

pub(crate) fn declined<T: From<AttemptOutcome>>(reason: DeclineReason) -> T {
    AttemptOutcome::Declined(reason).into()
}

pub(crate) fn refused<T: From<AttemptOutcome>>() -> T {
    AttemptOutcome::Refused.into()
}

pub(crate) fn sent(message_id: &str) -> AttemptOutcome {
    AttemptOutcome::Sent(message_id.to_owned())
}

pub(crate) fn later<T: From<AttemptOutcome>>(seconds: i64) -> T {
    retry_at(NOW.plus_seconds(seconds))
}

pub(crate) fn retry_at<T: From<AttemptOutcome>>(due_at: Timestamp) -> T {
    AttemptOutcome::Open(NextStep::RetryAt(due_at)).into()
}

pub(crate) fn dead_letter<T: From<AttemptOutcome>>() -> T {
    AttemptOutcome::Open(NextStep::DeadLetter).into()
}

pub(crate) fn dropped<T: From<AttemptOutcome>>() -> T {
    AttemptOutcome::Open(NextStep::Drop).into()
}

/// Settles a leased job.
pub(crate) async fn settle_attempt(
    store: &Store,
    now: Timestamp,
    leased: LeasedJob,
    outcome: AttemptOutcome,
) -> Result<SettleResult, StoreError> {
    store.settle(now, leased.lease(), outcome.of(leased.job)).await
}

impl AttemptOutcome {
    fn of(self, job: Job) -> DeliveryOutcome {
        match job {
            Job::Charge { transaction_id } => {
                DeliveryOutcome::Charge { transaction_id, outcome: self.into() }
            }
            Job::Refund { refund_id } => DeliveryOutcome::Refund { refund_id, outcome: self.into() },
            Job::Webhook(job) => DeliveryOutcome::Webhook { job, outcome: self.into() },
            Job::Sms(job) => DeliveryOutcome::Sms { job, outcome: self.into() },
        }
    }
}

fn approval_code() -> String {
    "0".to_owned()
}

fn refusal_code() -> String {
    "17".to_owned()
}

impl From<AttemptOutcome> for ChargeOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Done => {
                Self::Decided(ChargeDecision::Approved { raw_code: Some(approval_code()), billed_on: None })
            }
            AttemptOutcome::Declined(reason) => {
                Self::Decided(ChargeDecision::Declined { reason, raw_code: None })
            }
            AttemptOutcome::Open(step) => Self::Undecided(step),
            AttemptOutcome::Refused | AttemptOutcome::Sent(_) => {
                panic!("no outcome of a charge: {outcome:?}")
            }
        }
    }
}

impl From<AttemptOutcome> for RefundOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Done => {
                Self::Decided(RefundDecision::Approved { raw_code: Some(approval_code()) })
            }
            AttemptOutcome::Refused => {
                Self::Decided(RefundDecision::Declined { raw_code: Some(refusal_code()) })
            }
            AttemptOutcome::Open(step) => Self::Undecided(step),
            AttemptOutcome::Declined(_) | AttemptOutcome::Sent(_) => {
                panic!("no outcome of a refund: {outcome:?}")
            }
        }
    }
}

impl From<AttemptOutcome> for WebhookOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Done => Self::Delivered,
            AttemptOutcome::Open(step) => Self::NotDelivered(step),
            AttemptOutcome::Declined(_) | AttemptOutcome::Refused | AttemptOutcome::Sent(_) => {
                panic!("no outcome of a webhook: {outcome:?}")
            }
        }
    }
}

impl From<AttemptOutcome> for SmsOutcome {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Done => Self::Sent { message_id: None },
            AttemptOutcome::Sent(message_id) => Self::Sent { message_id: Some(message_id) },
            AttemptOutcome::Refused => Self::Refused { code: Some(refusal_code()) },
            AttemptOutcome::Open(step) => Self::NotSent(step),
            AttemptOutcome::Declined(_) => panic!("no outcome of an SMS: {outcome:?}"),
        }
    }
}

/// A line that is done or declined is a charge's, and one that is refused a refund's.
impl From<AttemptOutcome> for LineDecision {
    fn from(outcome: AttemptOutcome) -> Self {
        match outcome {
            AttemptOutcome::Done => {
                Self::Charge(ChargeDecision::Approved { raw_code: Some(approval_code()), billed_on: None })
            }
            AttemptOutcome::Declined(reason) => {
                Self::Charge(ChargeDecision::Declined { reason, raw_code: None })
            }
            AttemptOutcome::Refused => {
                Self::Refund(RefundDecision::Declined { raw_code: Some(refusal_code()) })
            }
            AttemptOutcome::Sent(_) | AttemptOutcome::Open(_) => panic!("no decision on a line: {outcome:?}"),
        }
    }
}

impl AttemptOutcome {
    /// Whether it settles a charge or refund.
    pub(crate) fn is_decision(&self) -> bool {
        matches!(self, Self::Done | Self::Declined(_) | Self::Refused)
    }
}
