//! The part of the books that people at the operator read and mend: pages of the ledger for the month's end, dead
//! letters, and PAIs that a person ends.
//!
//! No query here grows with the ledger: each reads a page along an index, or rows by their names.

use super::StoreError;
use async_trait::async_trait;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;

/// The longest for which an entry of the outbox belongs to who leased it, in seconds: longer than an attempt can take, and
/// longer than billing takes a call that was signed in it. What a program that died has sent may arrive until then; were
/// the charge looked up before, and then declined because the account has been suspended meanwhile, it would be on the
/// bill all the same. An entry that is due later than this was put off, and nobody is at it.
pub const LEASE_SECONDS_MAX: i64 = 360;
const _: () = assert!(LEASE_SECONDS_MAX >= SIGNATURE_SKEW_SECONDS + 60, "an attempt signs within a minute");

/// Reports on the books, and what a person may do about what they say.
#[async_trait]
pub trait Reports: Send + Sync {
    /// A page of charges, in the order of time and id, after `after`.
    async fn charges(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ChargeLine>, StoreError>;

    /// A page of refunds, in the same order.
    async fn refunds(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<RefundLine>, StoreError>;

    /// The charges of a partner that have these names, in no order; names that none has are left out.
    async fn charges_named(&self, partner: PartnerId, names: Names) -> Result<Vec<ChargeLine>, StoreError>;

    /// The same of refunds.
    async fn refunds_named(&self, partner: PartnerId, names: Names) -> Result<Vec<RefundLine>, StoreError>;

    /// Entries that were given up and wait for a person, by entry, after `after`.
    async fn parked(&self, after: Option<i64>, limit: u32) -> Result<Vec<ParkedEntry>, StoreError>;

    /// Sets a parked entry going again: it is due now, and its attempts begin anew. They begin at one, because an earlier
    /// attempt may have reached billing: a charge is then looked up before it is posted again. False when there is no
    /// such parked entry.
    async fn redrive(&self, now: Timestamp, entry_id: i64) -> Result<bool, StoreError>;

    /// Sees to it that an errand waits in the outbox and is due: an entry that is parked, put off or missing is set going.
    /// There is no errand for a charge or refund that is settled already, nor a notice of one that is not.
    async fn see_to(&self, now: Timestamp, errand: Errand) -> Result<SeenTo, StoreError>;

    /// Ends a PAI for ever, for a reason that does.
    async fn close_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<PaiEnd, StoreError>;
}

/// A stretch of time: whole days of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first second.
    pub from: Timestamp,
    /// The first second after it.
    pub until: Timestamp,
}

impl Period {
    /// From the beginning of one day to the end of another; `None` when they are in the wrong order.
    pub fn of_days(from: Day, to: Day) -> Option<Self> {
        let until = to.starts_at().plus_seconds(86_400);
        (from <= to).then(|| Self { from: from.starts_at(), until })
    }

    /// Whether a moment lies in it.
    pub fn has(self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// Which of its two times places a charge or a refund in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated {
    /// When it was posted to us.
    Created,
    /// When its outcome was written. What is settled never changes, so a period that is over reads the same for ever.
    Settled,
}

/// What pages are of.
#[derive(Clone, Debug)]
pub struct Select {
    /// Whose.
    pub partner: PartnerId,
    /// From when till when.
    pub period: Period,
    /// By which time.
    pub dated: Dated,
    /// Only those that stand so.
    pub status: Option<TransactionStatus>,
}

/// The last line of a page: the next one goes on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its time.
    pub at: Timestamp,
    /// Our id of it.
    pub id: String,
}

/// Some lines, in order.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The lines.
    pub lines: Vec<T>,
    /// Where the next page goes on; `None` when there is none.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, into: impl FnMut(T) -> U) -> Page<U> {
        Page { lines: self.lines.into_iter().map(into).collect(), next: self.next }
    }

    /// A page of up to `limit` lines; one that is full may have a next one.
    pub(super) fn of(lines: Vec<T>, limit: u32, cursor: impl Fn(&T) -> Cursor) -> Self {
        let is_full = lines.len() == limit as usize;
        let next = lines.last().filter(|_| is_full).map(cursor);
        Self { lines, next }
    }
}

/// Names of charges or of refunds.
#[derive(Clone, Debug)]
pub enum Names {
    /// Ours.
    Ours(Vec<String>),
    /// The partner's.
    Partners(Vec<ExtId>),
}

/// A charge, as reports read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargeLine {
    /// Our name for it.
    pub transaction_id: String,
    /// The partner's.
    pub ext_transaction_id: ExtId,
    /// Who was charged.
    pub pai: Pai,
    /// How much.
    pub amount: Money,
    /// How much of it is tax, in minor units.
    pub tax_minor: i64,
    /// How much of it has been given back or is on its way back, in minor units.
    pub refunded_minor: i64,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Why it was declined.
    pub decline_reason: Option<DeclineReason>,
    /// When it was posted to us.
    pub created_at: Timestamp,
    /// When its outcome was written.
    pub settled_at: Option<Timestamp>,
}

impl ChargeLine {
    /// Where the next page goes on.
    pub(super) fn cursor(&self, dated: Dated) -> Cursor {
        cursor(dated, self.created_at, self.settled_at, &self.transaction_id)
    }
}

/// A refund, as reports read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundLine {
    /// Our name for it.
    pub refund_id: String,
    /// The partner's.
    pub ext_refund_id: ExtId,
    /// Our name for the charge.
    pub transaction_id: String,
    /// The partner's.
    pub ext_transaction_id: ExtId,
    /// Who was charged.
    pub pai: Pai,
    /// How much is given back.
    pub amount: Money,
    /// What the charge was, in minor units.
    pub charged_minor: i64,
    /// How much of that was tax, in minor units.
    pub charged_tax_minor: i64,
    /// What other refunds had given back of the charge before this one was settled, in minor units.
    pub given_back_before_minor: i64,
    /// Where it stands.
    pub status: TransactionStatus,
    /// When it was posted to us.
    pub created_at: Timestamp,
    /// When its outcome was written.
    pub settled_at: Option<Timestamp>,
}

impl RefundLine {
    /// Where the next page goes on.
    pub(super) fn cursor(&self, dated: Dated) -> Cursor {
        cursor(dated, self.created_at, self.settled_at, &self.refund_id)
    }
}

fn cursor(dated: Dated, created_at: Timestamp, settled_at: Option<Timestamp>, id: &str) -> Cursor {
    let at = match dated {
        Dated::Created => created_at,
        Dated::Settled => settled_at.unwrap_or(created_at),
    };
    Cursor { at, id: id.to_owned() }
}

/// An entry of the outbox that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEntry {
    /// Its place in the outbox.
    pub entry_id: i64,
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
    pub parked_at: Timestamp,
}

/// Something that an entry of the outbox stands for, by our id of the charge or refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Find out how a pending charge went.
    Charge(String),
    /// Find out how a pending refund went.
    Refund(String),
    /// Tell the partner how a charge went.
    ChargeNotice(String),
    /// Tell the partner how a refund went.
    RefundNotice(String),
}

impl Errand {
    /// The outbox's kind of it, and the id.
    pub(super) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Charge(id) => ("charge", id),
            Self::Refund(id) => ("refund", id),
            Self::ChargeNotice(id) => ("charge-notice", id),
            Self::RefundNotice(id) => ("refund-notice", id),
        }
    }

    /// Whether it is about what is settled: what is pending has no outcome to tell, and what is settled none to find.
    pub(super) fn wants_settled(&self) -> bool {
        matches!(self, Self::ChargeNotice(_) | Self::RefundNotice(_))
    }
}

/// What was done about an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenTo {
    /// Its entry was parked, and goes again.
    Redriven,
    /// Its entry was put off, and is due now.
    Hurried,
    /// It had no entry, and has one.
    PutBack,
    /// Nothing: it is due already, or somebody is at it, or it is in a file and billing's.
    UnderWay,
    /// Nothing: there is nothing to find out, or nothing to tell.
    NotNeeded,
}

/// How the ending of a PAI went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaiEnd {
    /// It is closed now.
    Closed,
    /// It was closed before, for this reason, which stays.
    WasClosed(DeclineReason),
    /// The partner has no such PAI.
    NotFound,
    /// The reason is not one that ends a PAI.
    NotAnEnd,
}
