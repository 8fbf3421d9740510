//! The outcome of an attempt, typed by family: each has the outcomes that are possible for it, and
//! no other.

use super::job::{Job, SmsJob, WebhookJob};
use super::kind::Queue;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;

/// The next step for a job of any family that has not reached its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// It is attempted again.
    RetryAt(Timestamp),
    /// It becomes a dead letter, and waits for a person.
    DeadLetter,
    /// It is deleted: nothing is left to do, as for a PIN that has expired.
    Drop,
}

/// The outcome of submitting a charge or a refund to billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingOutcome<V> {
    /// Billing has decided, or the state of the account has.
    Decided(V),
    /// Nothing is decided. [`NextStep::Drop`] when another lease has settled it meanwhile, and the
    /// job is gone.
    Undecided(NextStep),
}

pub type ChargeOutcome = BillingOutcome<ChargeDecision>;

pub type RefundOutcome = BillingOutcome<RefundDecision>;

/// The decision on a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeDecision {
    /// The charge is on the bill.
    Approved {
        /// Billing's own code.
        raw_code: Option<String>,
        /// The date of the bill that it is on, if billing has reported it.
        billed_on: Option<Day>,
    },
    /// The charge will never be on the bill.
    Declined {
        /// The reason that the partner gets.
        reason: DeclineReason,
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// The charge will never be on the bill, because its account may not pay on it. Why, is between
    /// the operator and its customer.
    NotEligible,
}

/// The decision on a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundDecision {
    /// The refund is on the bill.
    Approved {
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// The refund will never be on the bill.
    Declined {
        /// Billing's own code.
        raw_code: Option<String>,
    },
}

/// Billing's decision on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineDecision {
    Charge(ChargeDecision),
    Refund(RefundDecision),
}

/// The outcome of calling a partner or the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// The receiver has confirmed it.
    Delivered,
    /// The receiver does not have it, or has not confirmed it.
    NotDelivered(NextStep),
}

/// The outcome of sending an SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsOutcome {
    /// The gateway has accepted it.
    Sent {
        /// The id that its delivery receipt will carry, where there is one.
        message_id: Option<String>,
    },
    /// The gateway will never accept it.
    Refused {
        /// The gateway's own code.
        code: Option<String>,
    },
    /// The gateway does not have it, or has not confirmed it.
    NotSent(NextStep),
}

/// A job with the outcome of its attempt.
#[derive(Clone, Debug)]
pub enum DeliveryOutcome {
    Charge {
        /// Our id of the charge.
        transaction_id: String,
        outcome: ChargeOutcome,
    },
    Refund {
        /// Our id of the refund.
        refund_id: String,
        outcome: RefundOutcome,
    },
    Webhook {
        job: WebhookJob,
        outcome: WebhookOutcome,
    },
    Sms {
        job: SmsJob,
        outcome: SmsOutcome,
    },
}

impl ChargeOutcome {
    /// The queues that may have a new job once the outcome is written: a decision is reported to the
    /// partner, and a reason that closes the PAI to the edge as well.
    pub fn filled_queues(&self) -> &'static [Queue] {
        match self {
            Self::Decided(ChargeDecision::Declined { reason, .. }) if reason.closes_pai() => {
                &[Queue::PartnerWebhooks, Queue::Edge]
            }
            Self::Decided(_) => &[Queue::PartnerWebhooks],
            Self::Undecided(_) => &[],
        }
    }
}

impl RefundOutcome {
    /// The queues that may have a new job once the outcome is written.
    pub fn filled_queues(&self) -> &'static [Queue] {
        match self {
            Self::Decided(_) => &[Queue::PartnerWebhooks],
            Self::Undecided(_) => &[],
        }
    }
}

impl<V> BillingOutcome<V> {
    pub fn next_step(&self) -> NextStep {
        match self {
            Self::Decided(_) => NextStep::Drop,
            Self::Undecided(step) => *step,
        }
    }

    /// Whether the outcome settles the charge or refund.
    pub fn is_decided(&self) -> bool {
        match self {
            Self::Decided(_) => true,
            Self::Undecided(_) => false,
        }
    }
}

impl WebhookOutcome {
    pub fn next_step(self) -> NextStep {
        match self {
            Self::Delivered => NextStep::Drop,
            Self::NotDelivered(step) => step,
        }
    }
}

impl SmsOutcome {
    /// The next step for the job. A coupon's SMS that is refused waits for a person: the customer
    /// has paid for the coupon. A customer who waits for a PIN requests another, and a partner's
    /// message has raised its alarm.
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
    /// The outcome of an attempt of which nothing is known.
    pub(crate) fn unclear(job: Job, next: NextStep) -> Self {
        match job {
            Job::Charge { transaction_id } => {
                Self::Charge { transaction_id, outcome: BillingOutcome::Undecided(next) }
            }
            Job::Refund { refund_id } => Self::Refund { refund_id, outcome: BillingOutcome::Undecided(next) },
            Job::Webhook(job) => Self::Webhook { job, outcome: WebhookOutcome::NotDelivered(next) },
            Job::Sms(job) => Self::Sms { job, outcome: SmsOutcome::NotSent(next) },
        }
    }

    /// What became of the attempt, in a word of the log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Charge { outcome: BillingOutcome::Decided(ChargeDecision::Approved { .. }), .. }
            | Self::Refund { outcome: BillingOutcome::Decided(RefundDecision::Approved { .. }), .. } => {
                "approved"
            }
            Self::Charge { outcome: BillingOutcome::Decided(ChargeDecision::Declined { .. }), .. }
            | Self::Refund { outcome: BillingOutcome::Decided(RefundDecision::Declined { .. }), .. } => {
                "declined"
            }
            Self::Webhook { outcome: WebhookOutcome::Delivered, .. }
            | Self::Sms { outcome: SmsOutcome::Sent { .. }, .. } => "delivered",
            Self::Sms { outcome: SmsOutcome::Refused { .. }, .. } => "refused",
            Self::Charge { .. } | Self::Refund { .. } | Self::Webhook { .. } | Self::Sms { .. } => {
                match self.next_step() {
                    NextStep::RetryAt(_) => "retried",
                    NextStep::DeadLetter => "parked",
                    NextStep::Drop => "dropped",
                }
            }
        }
    }

    /// Why a charge is declined, in a word of the log.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Charge {
                outcome: BillingOutcome::Decided(ChargeDecision::Declined { reason, .. }),
                ..
            } => Some(reason.as_str()),
            Self::Charge { .. } | Self::Refund { .. } | Self::Webhook { .. } | Self::Sms { .. } => None,
        }
    }

    pub fn next_step(&self) -> NextStep {
        match self {
            Self::Charge { outcome, .. } => outcome.next_step(),
            Self::Refund { outcome, .. } => outcome.next_step(),
            Self::Webhook { outcome, .. } => outcome.next_step(),
            Self::Sms { job, outcome } => outcome.next_step(job),
        }
    }

    /// The queues that may have a new job once the outcome is written.
    pub fn filled_queues(&self) -> &'static [Queue] {
        match self {
            Self::Charge { outcome, .. } => outcome.filled_queues(),
            Self::Refund { outcome, .. } => outcome.filled_queues(),
            Self::Webhook { .. } | Self::Sms { .. } => &[],
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

/// The result of writing an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleResult {
    /// The outcome is written.
    Written,
    /// The outcome is written: billing declines the charge of a coupon that is spent, and the
    /// coupon stays unpaid.
    Unpaid,
    /// The outcome is written: the gateway has a coupon's SMS, and has reported already that it
    /// cannot deliver it.
    Undelivered,
    /// There was nothing left to write: another lease has written the same outcome, or has the job
    /// now.
    Late,
    /// Nothing is written: the charge or refund has the opposite decision already, and billing has
    /// made both.
    Contradicted,
}
