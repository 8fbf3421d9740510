//! The queue of jobs (the table `outbox`): put, lease, put off, make a dead letter, delete.
//!
//! The ground floor of the store: nouns put jobs in, and nothing here calls a noun. What follows from the outcome of a job
//! is written in [`super::settle`].

mod job;
mod kind;
pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::timestamp::Timestamp;

pub(in crate::store) use job::JobKey;
pub use job::{Job, LeasedJob, SmsJob, WebhookJob};
pub use kind::{AfterLastRetry, Expiry, JobKind, JobSpec, Queue, RetryPolicy, Subject};

impl Store {
    /// Leases jobs that are due, up to `limit` of each kind, so that none waits behind a backlog of another. Each counts
    /// as one more attempt.
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
        use_case!(self, read, next_due(queue))
    }

    /// Dead letters in the order of their entries, those after `after`.
    pub async fn dead_letters(&self, after: Option<i64>, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        use_case!(self, read, dead_letters(after, limit))
    }

    /// Makes a dead letter due, and begins its schedule of attempts again. They count from one, because an earlier attempt
    /// may have reached billing: a charge is looked up before it is submitted again. False when there is no such dead
    /// letter.
    pub async fn redrive_dead_letter(&self, now: Timestamp, job_id: i64) -> Result<bool, StoreError> {
        use_case!(self, write, redrive_dead_letter(now, job_id))
    }
}

/// The longest for which a job waits for its next attempt, in seconds: the longest delay of a retry policy, and some. A job
/// that is due later was put off or leased by a clock that ran ahead.
pub const PUT_OFF_SECONDS_MAX: i64 = 2 * 86_400;

/// The longest lease, in seconds: longer than an attempt takes, and longer than billing accepts a signature that was made
/// in it. A request of a process that died may arrive until then. Were the charge looked up before that, and declined
/// because the account has been suspended meanwhile, the late request would still bill it. A job that is due later than
/// this waits for its next attempt, and nothing works on it.
pub const LEASE_SECONDS_MAX: i64 = 360;

const _: () = assert!(LEASE_SECONDS_MAX >= SIGNATURE_SKEW_SECONDS + 60, "an attempt signs within a minute");

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOff {
    /// The charge is on the bill, the refund too, or the message is with whom it is for.
    Done {
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// The message centre has the text message.
    Sent {
        /// By what name its receipt will call it, where there is one.
        message_id: Option<String>,
    },
    /// The charge will never be on the bill.
    Declined {
        /// Why.
        reason: DeclineReason,
        /// Billing's own code.
        raw_code: Option<String>,
    },
    /// Billing will never give this refund back, or the message centre will not take this text message.
    Refused {
        /// Their own code.
        raw_code: Option<String>,
    },
    /// Not known, or not possible now: try again then.
    Later {
        /// When.
        due_at: Timestamp,
    },
    /// Tried for long enough: a person has to look.
    Parked,
    /// There is nothing left to do, such as a PIN that has expired meanwhile.
    Dropped,
}

impl HandOff {
    /// Whether it settles a charge or a refund for good.
    pub fn is_verdict(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Declined { .. } | Self::Refused { .. } => true,
            Self::Sent { .. } | Self::Later { .. } | Self::Parked | Self::Dropped => false,
        }
    }
}

/// What became of an outcome that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleResult {
    /// It is written.
    Written,
    /// It is written: billing will not take the charge of a coupon that is spent, so nobody pays for it.
    Unpaid,
    /// It is written: the message centre has a coupon's text message, and has reported already that it cannot deliver it.
    Undelivered,
    /// There was nothing left to write: another lease came to the same end, or has the entry now.
    Late,
    /// The books have another verdict already, which stays: billing has said both.
    Contradicted,
}

/// A text message that the message centre does not take waits for a person, as one does that was given up.
pub(in crate::store) fn kept_if_refused(outcome: &HandOff) -> &HandOff {
    match outcome {
        HandOff::Refused { .. } => &HandOff::Parked,
        _ => outcome,
    }
}

/// A job that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its row.
    pub job_id: i64,
    /// What it is. A PIN, a PAI and a partner's message never become dead letters.
    pub kind: JobKind,
    /// Our id of the charge, refund or coupon.
    pub id: String,
    /// The partner that it concerns.
    pub partner: PartnerId,
    /// The partner's id of it; of a coupon, the operator's.
    pub ext_id: ExtId,
    /// How often it was attempted.
    pub attempts: u32,
    /// When it became a dead letter.
    pub dead_lettered_at: Timestamp,
}
