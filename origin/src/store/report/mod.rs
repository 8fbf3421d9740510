//! Reports on the ledger for the month's end, read by people at the operator.
//!
//! No query here grows with the ledger: each reads a page along an index, or rows by their names.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page};
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;

impl Store {
    /// A page of charges, in the order of time and id, after `after`.
    pub async fn charges(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ChargeLine>, StoreError> {
        use_case!(self, read, charges(&select, after.as_ref(), limit))
    }

    /// A page of refunds, in the same order.
    pub async fn refunds(
        &self,
        select: Select,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<RefundLine>, StoreError> {
        use_case!(self, read, refunds(&select, after.as_ref(), limit))
    }

    /// The charges of a partner that have these names, in no order; names that none has are left out.
    pub async fn charges_named(
        &self,
        partner: PartnerId,
        names: Names,
    ) -> Result<Vec<ChargeLine>, StoreError> {
        use_case!(self, read, charges_named(&partner, &names))
    }

    /// The same of refunds.
    pub async fn refunds_named(
        &self,
        partner: PartnerId,
        names: Names,
    ) -> Result<Vec<RefundLine>, StoreError> {
        use_case!(self, read, refunds_named(&partner, &names))
    }
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
    pub(in crate::store) fn cursor(&self, dated: Dated) -> Cursor {
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
    pub(in crate::store) fn cursor(&self, dated: Dated) -> Cursor {
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
