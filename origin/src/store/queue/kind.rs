//! The kinds of jobs: one row of a table for each, and nothing else in the tree spells a kind.
//!
//! A new kind is a variant of [`JobKind`] with its row in [`JobKind::spec`], a variant of
//! [`super::Job`], and the function in `delivery` that attempts it. The compiler names every place
//! in between. The database's CHECK constraints repeat the words, the subjects and the payloads:
//! they come with a migration.

use super::lease::LEASE_SECONDS_MAX;
use onbill_domain::limits::NOTIFICATION_TTL_SECONDS;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::word_enum;

word_enum! {
    /// The kind of a job. Its word is stored.
    pub enum JobKind {
        /// Submits a charge to billing.
        Charge = "charge",
        /// Submits a refund to billing.
        Refund = "refund",
        /// Reports to the partner how a charge was settled that was pending when its post was
        /// answered.
        ChargeWebhook = "charge-notice",
        /// Reports to the partner how a refund was settled that was pending when its post was
        /// answered.
        RefundWebhook = "refund-notice",
        /// Reports to the partner a dispute about fraud, and each change of it.
        DisputeWebhook = "dispute-notice",
        /// Reports to the partner that the state of a PAI has changed.
        PaiWebhook = "pai-notice",
        /// Reports to the edge that the state of a PAI has changed.
        PaiMapping = "pai-mapping",
        /// Sends a PIN.
        PinSms = "pin",
        /// Sends a coupon's code to its buyer.
        CouponSms = "coupon",
        /// Reminds a customer that the months of a coupon end.
        CouponReminderSms = "coupon-reminder",
        /// Sends a partner's message to a subscriber.
        NotificationSms = "notification",
    }
}

/// The properties of a kind.
#[derive(Clone, Copy, Debug)]
pub struct JobSpec {
    /// The queue it waits in.
    pub queue: Queue,
    /// The subject; a PIN has none that is stored.
    pub subject: Option<Subject>,
    /// Whether it carries a sealed SMS.
    pub has_payload: bool,
    /// Used after an attempt that has certainly not got through.
    pub retry: RetryPolicy,
    /// Used after an attempt that may have got through.
    pub retry_if_unclear: RetryPolicy,
    /// When a job is dropped without an attempt.
    pub expiry: Expiry,
}

impl JobKind {
    #[expect(clippy::match_same_arms, reason = "a table has a row for each kind")]
    pub const fn spec(self) -> JobSpec {
        use Queue::{Billing, Coupons, Edge, Notifications, PartnerWebhooks, Pins};
        use Subject::{Coupon, Dispute, Notification, Pai, Refund, Transaction};
        match self {
            Self::Charge => call(Billing, Transaction, BILLING),
            Self::Refund => call(Billing, Refund, BILLING),
            Self::ChargeWebhook => call(PartnerWebhooks, Transaction, WEBHOOK),
            Self::RefundWebhook => call(PartnerWebhooks, Refund, WEBHOOK),
            Self::DisputeWebhook => call(PartnerWebhooks, Dispute, WEBHOOK),
            Self::PaiWebhook => call(PartnerWebhooks, Pai, HOURLY),
            Self::PaiMapping => call(Edge, Pai, HOURLY),
            Self::PinSms => sms(Pins, None, PIN, PIN, Expiry::At),
            Self::CouponSms => sms(Coupons, Some(Coupon), HOURLY, COUPON_UNCLEAR, Expiry::At),
            Self::CouponReminderSms => sms(Coupons, Some(Coupon), HOURLY, COUPON_UNCLEAR, Expiry::At),
            Self::NotificationSms => {
                let expiry = Expiry::After(NOTIFICATION_TTL_SECONDS);
                sms(Notifications, Some(Notification), HOURLY, NOTIFICATION_UNCLEAR, expiry)
            }
        }
    }

    /// The column that names its subject.
    pub(in crate::store) fn subject_column(self) -> Option<&'static str> {
        self.spec().subject.map(Subject::column)
    }

    /// The kind as a literal of SQL.
    pub(in crate::store) fn sql(self) -> String {
        format!("'{}'", self.as_str())
    }
}

impl JobSpec {
    /// The longest for which such a job waits after so many attempts, in seconds: for its first
    /// attempt it does not wait, then the last attempt's lease ends or the delay of a retry, with the
    /// fifth that is added at random. A job that waits longer was put off by a clock that was ahead.
    pub(in crate::store) fn longest_wait_seconds(&self, attempts: u32) -> i64 {
        if attempts == 0 {
            return 0;
        }
        let delays = [self.retry, self.retry_if_unclear].map(|policy| policy.delay_seconds(attempts));
        delays.into_iter().flatten().map(|delay| delay + delay / 5).fold(LEASE_SECONDS_MAX, i64::max)
    }

    /// Attempts from which on the wait stays the same.
    pub(in crate::store) fn last_attempts(&self) -> u32 {
        let delays = [self.retry, self.retry_if_unclear].map(|policy| policy.delays_seconds.len());
        u32::try_from(delays.into_iter().fold(0, usize::max)).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// A job that is done by a signed call, which may be made again with the same effect.
const fn call(queue: Queue, subject: Subject, retry: RetryPolicy) -> JobSpec {
    JobSpec {
        queue,
        subject: Some(subject),
        has_payload: false,
        retry,
        retry_if_unclear: retry,
        expiry: Expiry::Never,
    }
}

/// A job that sends an SMS. The phone shows each copy of it.
const fn sms(
    queue: Queue,
    subject: Option<Subject>,
    retry: RetryPolicy,
    retry_if_unclear: RetryPolicy,
    expiry: Expiry,
) -> JobSpec {
    JobSpec { queue, subject, has_payload: true, retry, retry_if_unclear, expiry }
}

/// A group of jobs that wait together. Each queue is processed by itself, so that a slow receiver
/// delays no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    All,
    /// Charges and refunds, for billing.
    Billing,
    /// PINs, which customers wait for.
    Pins,
    PartnerWebhooks,
    /// Changes of PAIs, for the edge.
    Edge,
    /// SMS about coupons: thousands of them delay no PIN.
    Coupons,
    /// Messages of partners to subscribers: thousands of them delay no coupon.
    Notifications,
}

impl Queue {
    /// The queues, each of which has a worker.
    pub(crate) const EACH: [Self; 6] =
        [Self::Billing, Self::Pins, Self::PartnerWebhooks, Self::Edge, Self::Coupons, Self::Notifications];

    /// The queue's word, in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Billing => "billing",
            Self::Pins => "pins",
            Self::PartnerWebhooks => "partner-webhooks",
            Self::Edge => "edge",
            Self::Coupons => "coupons",
            Self::Notifications => "notifications",
        }
    }

    /// The kinds of the queue's jobs. Each is looked for by itself, so that none waits behind a
    /// backlog of another.
    pub(in crate::store) fn kinds(self) -> impl Iterator<Item = JobKind> {
        JobKind::ALL.into_iter().filter(move |kind| self == Self::All || kind.spec().queue == self)
    }

    /// The kinds of the queue as a SQL list, without the brackets.
    pub(in crate::store) fn sql(self) -> String {
        self.kinds().map(JobKind::sql).collect::<Vec<_>>().join(", ")
    }
}

/// The subject of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Transaction,
    Refund,
    Pai,
    Coupon,
    Dispute,
    /// A partner's message to a subscriber.
    Notification,
}

impl Subject {
    /// The column of our id of the subject, in the outbox and in the subject's own table.
    pub(in crate::store) const fn column(self) -> &'static str {
        match self {
            Self::Transaction => "transaction_id",
            Self::Refund => "refund_id",
            Self::Pai => "pai",
            Self::Coupon => "coupon_id",
            Self::Dispute => "dispute_id",
            Self::Notification => "notification_id",
        }
    }
}

/// When a job is attempted again.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Seconds until the next attempt, after the first, the second, and so on.
    pub delays_seconds: &'static [i64],
    /// What happens after those.
    pub then: AfterLastRetry,
}

impl RetryPolicy {
    /// Seconds until the next attempt after attempt number `attempt`, counted from 1, if there is one.
    pub fn delay_seconds(&self, attempt: u32) -> Option<i64> {
        let index = usize::try_from(attempt).ok().and_then(|attempt| attempt.checked_sub(1));
        match (index.and_then(|index| self.delays_seconds.get(index)), self.then) {
            (Some(delay), _) => Some(*delay),
            (None, AfterLastRetry::Every(delay)) => Some(delay),
            (None, AfterLastRetry::DeadLetter | AfterLastRetry::Drop) => None,
        }
    }
}

/// What happens when all delays of a policy are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLastRetry {
    /// The job becomes a dead letter.
    DeadLetter,
    /// The job is dropped.
    Drop,
    /// It is attempted again after every so many seconds.
    Every(i64),
}

/// Five to six days: a billing system may be down over a long weekend.
const BILLING: RetryPolicy = RetryPolicy {
    delays_seconds: &[300, 3_600, 86_400, 86_400, 86_400, 86_400, 86_400],
    then: AfterLastRetry::DeadLetter,
};

/// Soon at first, for a partner that is restarting; then over four days.
const WEBHOOK: RetryPolicy = RetryPolicy {
    delays_seconds: &[10, 60, 300, 3_600, 21_600, 86_400, 86_400, 86_400, 86_400],
    then: AfterLastRetry::DeadLetter,
};

/// Until it gets through: the receiver has to learn it.
const HOURLY: RetryPolicy =
    RetryPolicy { delays_seconds: &[2, 10, 60, 600], then: AfterLastRetry::Every(3_600) };

/// Within the minutes for which a customer waits for a PIN. A second copy has the same PIN, and its
/// tries are counted.
const PIN: RetryPolicy = RetryPolicy { delays_seconds: &[2, 10, 30, 60], then: AfterLastRetry::Drop };

/// A customer may get the SMS again with each of these.
const COUPON_UNCLEAR: RetryPolicy = RetryPolicy {
    delays_seconds: &[60, 600, 3_600, 21_600, 86_400, 86_400],
    then: AfterLastRetry::DeadLetter,
};

/// A subscriber may get the message again with each of these: at most two more before it expires.
const NOTIFICATION_UNCLEAR: RetryPolicy =
    RetryPolicy { delays_seconds: &[60, 600, 3_600, 21_600], then: AfterLastRetry::Every(43_200) };

/// When a job is no longer worth an attempt.
#[derive(Clone, Copy, Debug)]
pub enum Expiry {
    Never,
    /// At the moment that is sealed with its SMS.
    At,
    /// So many seconds after its subject was accepted.
    After(i64),
}

impl Expiry {
    /// The moment of expiry, from the moment that the job carries: when it expires, or when its
    /// subject was accepted.
    pub fn from_moment(self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::At => Some(moment),
            Self::After(seconds) => Some(moment.plus_seconds(seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_waits_in_one_queue() {
        assert!(JobKind::ALL.into_iter().all(|kind| kind.spec().queue != Queue::All));
        assert_eq!(Queue::All.kinds().count(), JobKind::ALL.len());
        assert!(JobKind::ALL.into_iter().all(|kind| Queue::EACH.contains(&kind.spec().queue)));
    }

    #[test]
    fn wait_is_that_of_the_attempt() {
        let waits = |kind: JobKind, attempts: [u32; 4]| {
            attempts.map(|attempts| kind.spec().longest_wait_seconds(attempts))
        };
        assert_eq!(waits(JobKind::Charge, [0, 1, 2, 3]), [0, 360, 4_320, 103_680]);
        assert_eq!(waits(JobKind::Charge, [7, 8, 9, u32::MAX]), [103_680, 360, 360, 360]);
        assert_eq!(waits(JobKind::NotificationSms, [1, 4, 5, u32::MAX]), [360, 25_920, 51_840, 51_840]);
        for kind in JobKind::ALL {
            let (spec, last) = (kind.spec(), kind.spec().last_attempts());
            assert_eq!(spec.longest_wait_seconds(last), spec.longest_wait_seconds(u32::MAX), "{kind:?}");
        }
    }
}
