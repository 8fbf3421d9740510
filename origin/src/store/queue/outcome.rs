//! What an attempt came to, typed by family: each has the outcomes that it can have, and no other.

use super::job::{SmsJob, WebhookJob};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;

/// What happens next to a job of any family that has not reached its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// It is attempted again.
    RetryAt(Timestamp),
    /// It becomes a dead letter, and waits for a person.
    DeadLetter,
    /// It is deleted: nothing is left to do, as for a PIN that has expired.
    Drop,
}

/// What submitting a charge or a refund to billing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingOutcome<V> {
    /// Billing, or the state of the account, has decided.
    Decided(V),
    /// Nothing is decided. [`NextStep::Drop`] when another lease has settled it meanwhile, and the job is gone.
    Undecided(NextStep),
}

/// What submitting a charge came to.
pub type ChargeOutcome = BillingOutcome<ChargeVerdict>;

/// What submitting a refund came to.
pub type RefundOutcome = BillingOutcome<RefundVerdict>;

/// How a charge ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeVerdict {
    /// It is on the bill.
    Approved {
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// It will never be on the bill.
    Declined {
        /// The reason that the partner gets.
        reason: DeclineReason,
        /// Billing's own code.
        raw_code: Option<String>,
    },
}

/// How a refund ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundVerdict {
    /// It is on the bill.
    Approved {
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// It will never be on the bill.
    Declined {
        /// Billing's own code.
        raw_code: Option<String>,
    },
}

/// Billing's verdict on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineVerdict {
    /// The line is a charge.
    Charge(ChargeVerdict),
    /// The line is a refund.
    Refund(RefundVerdict),
}

/// What calling a partner or the edge came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The receiver has it.
    Delivered,
    /// The receiver does not have it, or has not said so.
    NotDelivered(NextStep),
}

/// What sending an SMS came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsOutcome {
    /// The gateway has it.
    Sent {
        /// The id that its delivery receipt will carry, where there is one.
        message_id: Option<String>,
    },
    /// The gateway will never take it.
    Refused {
        /// The gateway's own code.
        code: Option<String>,
    },
    /// The gateway does not have it, or has not said so.
    NotSent(NextStep),
}

/// A job with the outcome of its attempt.
#[derive(Clone, Debug)]
pub enum DeliveryOutcome {
    /// Of a charge.
    Charge {
        /// Our id of the charge.
        transaction_id: String,
        /// What submitting it came to.
        outcome: ChargeOutcome,
    },
    /// Of a refund.
    Refund {
        /// Our id of the refund.
        refund_id: String,
        /// What submitting it came to.
        outcome: RefundOutcome,
    },
    /// Of a call to a partner or the edge.
    Webhook {
        /// The call.
        job: WebhookJob,
        /// What it came to.
        outcome: WebhookOutcome,
    },
    /// Of a message to a customer.
    Sms {
        /// The message.
        job: SmsJob,
        /// What sending it came to.
        outcome: SmsOutcome,
    },
}

impl<V> BillingOutcome<V> {
    /// What happens to the job.
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::Decided(_) => NextStep::Drop,
            Self::Undecided(step) => *step,
        }
    }

    /// Whether it settles the charge or refund.
    pub fn is_decided(&self) -> bool {
        match self {
            Self::Decided(_) => true,
            Self::Undecided(_) => false,
        }
    }
}

impl WebhookOutcome {
    /// What happens to the job.
    pub fn next_step(self) -> NextStep {
        match self {
            Self::Delivered => NextStep::Drop,
            Self::NotDelivered(step) => step,
        }
    }
}

impl SmsOutcome {
    /// What happens to the job. A coupon's SMS that is refused waits for a person: the customer has paid for the coupon. A
    /// customer who waits for a PIN asks for another, and a partner's message is worth one line in the log.
    pub fn next_step(&self, job: &SmsJob) -> NextStep {
        match (self, job) {
            (Self::Sent { .. }, _)
            | (Self::Refused { .. }, SmsJob::Pin { .. } | SmsJob::Notification { .. }) => NextStep::Drop,
            (Self::Refused { .. }, SmsJob::Coupon { .. } | SmsJob::CouponReminder { .. }) => {
                NextStep::DeadLetter
            }
            (Self::NotSent(step), _) => *step,
        }
    }
}

impl DeliveryOutcome {
    /// What happens to the job.
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::Charge { outcome, .. } => outcome.next_step(),
            Self::Refund { outcome, .. } => outcome.next_step(),
            Self::Webhook { outcome, .. } => outcome.next_step(),
            Self::Sms { job, outcome } => outcome.next_step(job),
        }
    }

    /// Whether it settles a charge or refund.
    pub fn is_decided(&self) -> bool {
        match self {
            Self::Charge { outcome, .. } => outcome.is_decided(),
            Self::Refund { outcome, .. } => outcome.is_decided(),
            Self::Webhook { .. } | Self::Sms { .. } => false,
        }
    }
}

impl<V> From<NextStep> for BillingOutcome<V> {
    fn from(step: NextStep) -> Self {
        Self::Undecided(step)
    }
}

impl From<NextStep> for WebhookOutcome {
    fn from(step: NextStep) -> Self {
        Self::NotDelivered(step)
    }
}

impl From<NextStep> for SmsOutcome {
    fn from(step: NextStep) -> Self {
        Self::NotSent(step)
    }
}

/// What writing an outcome came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleResult {
    /// It is written.
    Written,
    /// It is written: billing declines the charge of a coupon that is spent, and the coupon stays unpaid.
    Unpaid,
    /// It is written: the gateway has a coupon's SMS, and has reported already that it cannot deliver it.
    Undelivered,
    /// There was nothing left to write: another lease came to the same end, or has the job now.
    Late,
    /// Nothing is written: the charge or refund has the opposite verdict already, and billing has given both.
    Contradicted,
}
