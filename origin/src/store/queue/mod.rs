//! The outbox: jobs that wait to be delivered, leased by who works on them, and dead letters.
//!
//! The ground floor of the store: nouns put jobs in, and nothing here calls a noun. What a job came to is written in
//! [`super::settle`].

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Leases entries that are due, up to `limit` of each kind, so that none waits behind a backlog of another. Each
    /// counts as one more attempt.
    pub async fn lease_due(
        &self,
        lane: Lane,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        use_case!(self, write, lease_due(lane, now, until, limit))
    }

    /// When the next entry is due, if any waits.
    pub async fn next_due(&self, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, read, next_due(lane))
    }

    /// Entries that were given up and wait for a person, by entry, after `after`.
    pub async fn parked(&self, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, StoreError> {
        use_case!(self, read, parked(after, limit))
    }

    /// Sets a parked entry going again: it is due now, and its attempts begin anew. They begin at one, because an earlier
    /// attempt may have reached billing: a charge is then looked up before it is posted again. False when there is no
    /// such parked entry.
    pub async fn redrive(&self, now: Timestamp, job_id: i64) -> Result<bool, StoreError> {
        use_case!(self, write, redrive(now, job_id))
    }
}

/// The longest for which an entry is put off, in seconds: the longest pause between attempts, and some. One that is due
/// later than this was put off or leased by a clock that ran ahead.
pub const PUT_OFF_SECONDS_MAX: i64 = 2 * 86_400;

/// The longest for which an entry of the outbox belongs to who leased it, in seconds: longer than an attempt can take, and
/// longer than billing takes a call that was signed in it. What a program that died has sent may arrive until then; were
/// the charge looked up before, and then declined because the account has been suspended meanwhile, it would be on the
/// bill all the same. An entry that is due later than this was put off, and nobody is at it.
pub const LEASE_SECONDS_MAX: i64 = 360;

const _: () = assert!(LEASE_SECONDS_MAX >= SIGNATURE_SKEW_SECONDS + 60, "an attempt signs within a minute");

/// Which entries, by whom they are for. Whoever is slow to listen keeps up nobody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// All of them.
    All,
    /// Charges and refunds, for billing.
    Bills,
    /// PINs, for customers who wait for them.
    Texts,
    /// How charges, refunds and PAIs stand, for partners.
    Partners,
    /// How PAIs stand, for the edge.
    Edge,
    /// Text messages that nobody waits for: thousands of coupons hold up no PIN.
    Coupons,
    /// Messages of partners to subscribers: however many there are, they hold up no coupon.
    Notifications,
}

impl Lane {
    /// The kinds of entries in it. Each is looked for by itself, so that none waits behind a backlog of another.
    pub(in crate::store) fn kinds(self) -> &'static [&'static str] {
        const KINDS: [&str; 10] = [
            "charge",
            "refund",
            "pin",
            "charge-notice",
            "refund-notice",
            "pai-notice",
            "pai-mapping",
            "coupon",
            "coupon-reminder",
            "notification",
        ];
        match self {
            Self::All => &KINDS,
            Self::Bills => &KINDS[..2],
            Self::Texts => &KINDS[2..3],
            Self::Partners => &KINDS[3..6],
            Self::Edge => &KINDS[6..7],
            Self::Coupons => &KINDS[7..9],
            Self::Notifications => &KINDS[9..],
        }
    }
}

/// An entry of the outbox, leased.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the outbox.
    pub job_id: i64,
    /// How often it has been tried, this time included.
    pub attempts: u32,
    /// What it is.
    pub work: Work,
}

/// What an entry of the outbox asks for.
#[derive(Clone, Debug)]
pub enum Work {
    /// Put a charge on the bill.
    Charge {
        /// Which.
        transaction_id: String,
    },
    /// Give some of a charge back.
    Refund {
        /// Which refund.
        refund_id: String,
    },
    /// Tell the partner how a charge went that was pending when its post was answered.
    ChargeNotice {
        /// Which.
        transaction_id: String,
    },
    /// The same of a refund.
    RefundNotice {
        /// Which.
        refund_id: String,
    },
    /// Tell the partner how a PAI stands.
    PaiNotice {
        /// Which.
        pai: Pai,
    },
    /// Tell the edge how a PAI stands.
    PaiMapping {
        /// Which.
        pai: Pai,
    },
    /// Send a PIN.
    Pin {
        /// The sealed text message.
        message: Vec<u8>,
    },
    /// Send a coupon.
    Coupon {
        /// Which.
        coupon_id: String,
        /// The sealed text message.
        message: Vec<u8>,
    },
    /// Tell somebody that the months of their coupon end.
    CouponReminder {
        /// Which coupon's.
        coupon_id: String,
        /// The sealed text message.
        message: Vec<u8>,
    },
    /// Send a partner's message.
    Notification {
        /// Which.
        notification_id: String,
        /// What it says, sealed.
        message: Vec<u8>,
    },
}

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
        matches!(self, Self::Done { .. } | Self::Declined { .. } | Self::Refused { .. })
    }
}

/// What became of an outcome that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
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

/// An entry of the outbox that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEntry {
    /// Its place in the outbox.
    pub job_id: i64,
    /// `charge`, `refund`, `charge-notice`, `refund-notice`, or a coupon's text message: `coupon` or `coupon-reminder`.
    /// A PIN is never parked.
    pub kind: String,
    /// Our id of the charge, refund or coupon.
    pub id: String,
    /// Whose.
    pub partner: PartnerId,
    /// The partner's id of it; of a coupon, the operator's.
    pub ext_id: ExtId,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it waits for a person.
    pub dead_lettered_at: Timestamp,
}
