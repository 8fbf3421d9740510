//! Reports on the ledger for the month's end, read by people at the operator.
//!
//! No query here grows with the ledger: each reads a page along an index, or rows by their ids.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::ott::TransactionStatus;

impl Store {
    /// A page of charges after `after`, ordered by time and id.
    pub async fn list_charges(
        &self,
        select: ReportFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ReportedCharge>, StoreError> {
        use_case!(self, read, list_charges(&select, after.as_ref(), limit))
    }

    /// A page of refunds after `after`, ordered by time and id.
    pub async fn list_refunds(
        &self,
        select: ReportFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ReportedRefund>, StoreError> {
        use_case!(self, read, list_refunds(&select, after.as_ref(), limit))
    }

    /// When the partner has posted its newest charge, if it has posted one.
    pub async fn find_newest_charge_time(&self, partner: PartnerId) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, look_up, find_newest_charge_time(&partner))
    }

    /// The partner's charges with these ids, in no order. Unknown ids are left out.
    pub async fn find_charges_by_id(
        &self,
        partner: PartnerId,
        names: LookupIds,
    ) -> Result<Vec<ReportedCharge>, StoreError> {
        use_case!(self, read, find_charges_by_id(&partner, &names))
    }

    /// The partner's refunds with these ids, in no order. Unknown ids are left out.
    pub async fn find_refunds_by_id(
        &self,
        partner: PartnerId,
        names: LookupIds,
    ) -> Result<Vec<ReportedRefund>, StoreError> {
        use_case!(self, read, find_refunds_by_id(&partner, &names))
    }
}

/// A period of whole days, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    /// The first second after it.
    pub until: Timestamp,
}

impl Period {
    /// From the start of one day to the end of another; `None` when they are in the wrong order.
    pub fn of_days(from: Day, to: Day) -> Option<Self> {
        let until = to.starts_at().plus_seconds(86_400);
        (from <= to).then(|| Self { from: from.starts_at(), until })
    }

    pub fn has(self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// Which time decides whether a charge or refund is in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportDate {
    /// When the partner posted it.
    Created,
    /// When it was settled. That never changes, so a period that is over always reads the same.
    Settled,
}

/// Which charges or refunds a page is of.
#[derive(Clone, Debug)]
pub struct ReportFilter {
    pub partner: PartnerId,
    pub period: Period,
    pub dated: ReportDate,
    pub status: Option<TransactionStatus>,
}

#[derive(Clone, Debug)]
pub enum LookupIds {
    Internal(Vec<String>),
    External(Vec<ExtId>),
}

/// A charge as reports read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedCharge {
    pub transaction_id: String,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// Its charge code at billing, if any was set when it was posted.
    pub charge_code: Option<ChargeCode>,
    /// Tax in the amount, in minor units.
    pub tax_minor: i64,
    /// Amount of its approved and pending refunds, in minor units.
    pub refunded_minor: i64,
    pub status: TransactionStatus,
    pub decline_reason: Option<DeclineReason>,
    /// When the partner posted it.
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// Another system has posted it.
    pub is_claim: bool,
}

impl ReportedCharge {
    pub(in crate::store) fn cursor(&self, dated: ReportDate) -> Cursor {
        cursor_of(dated, self.created_at, self.settled_at, &self.transaction_id)
    }
}

/// A refund as reports read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedRefund {
    pub refund_id: String,
    pub ext_refund_id: ExtId,
    pub transaction_id: String,
    /// Under which id billing has the charge: of a claim, its own id.
    pub billed_as: String,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// The charge's.
    pub charge_code: Option<ChargeCode>,
    /// The charge's amount, in minor units.
    pub charged_minor: i64,
    /// Tax in the charge's amount, in minor units.
    pub charged_tax_minor: i64,
    /// Amount of the other refunds of the charge that were settled before this one, in minor units.
    pub refunded_before_minor: i64,
    /// The part of it that the operator does not bear, in minor units.
    pub borne_by_partner_before_minor: i64,
    /// Whose money it is: the partner's share's, if the partner has asked for it.
    pub borne_by: BorneBy,
    /// When the partner posted it.
    pub status: TransactionStatus,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

impl ReportedRefund {
    pub(in crate::store) fn cursor(&self, dated: ReportDate) -> Cursor {
        cursor_of(dated, self.created_at, self.settled_at, &self.refund_id)
    }
}

fn cursor_of(dated: ReportDate, created_at: Timestamp, settled_at: Option<Timestamp>, id: &str) -> Cursor {
    let at = match dated {
        ReportDate::Created => created_at,
        ReportDate::Settled => settled_at.unwrap_or(created_at),
    };
    Cursor { at, id: id.to_owned() }
}
