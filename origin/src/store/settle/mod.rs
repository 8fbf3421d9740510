//! The roof of the store: writing what a job came to, with everything that follows from it. It may call every noun, and
//! no noun calls it.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::{Entry, HandOff, Settling};
use crate::store::redemption::RedemptionEnd;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Closes the books on the caller's own hand-off attempt: writes the outcome if it is not settled yet, fixes
    /// the answer that every replay of the post will get, and gives it with what became of the outcome. When a replay
    /// fixed the answer meanwhile, the partner does not read the outcome in it, and is told by a notice.
    pub async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        use_case!(self, write, answer_transaction(now, &transaction_id, &outcome))
    }

    /// As [`Self::answer_transaction`], for a refund. One that is declined is off the charge no more.
    pub async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError> {
        use_case!(self, write, answer_refund(now, &refund_id, &outcome))
    }

    /// Closes the books on the caller's own hand-off attempt: as [`super::Ledger::answer_transaction`]. A coupon whose
    /// charge is declined by then is free again; from here on it is spent, whatever becomes of its charge.
    pub async fn answer_redemption(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(RedemptionEnd, Settling), StoreError> {
        use_case!(self, write, answer_redemption(now, &transaction_id, &outcome))
    }

    /// Writes what came of a leased entry. A charge or a refund that is settled by it is put into the outbox anew, as a
    /// notice to the partner, whose post was answered before.
    pub async fn settle(
        &self,
        now: Timestamp,
        entry: Entry,
        outcome: HandOff,
    ) -> Result<Settling, StoreError> {
        use_case!(self, write, settle(now, &entry, &outcome))
    }

    /// Writes billing's verdict on a line, as [`super::Outbox::settle`] does.
    pub async fn settle_line(
        &self,
        now: Timestamp,
        file_id: String,
        line: u32,
        verdict: HandOff,
    ) -> Result<Settling, StoreError> {
        use_case!(self, write, settle_line(now, &file_id, line, &verdict))
    }

    /// Sees to it that an errand waits in the outbox and is due: an entry that is parked, put off or missing is set going.
    /// There is no errand for a charge or refund that is settled already, nor a notice of one that is not.
    pub async fn see_to(&self, now: Timestamp, errand: Errand) -> Result<SeenTo, StoreError> {
        use_case!(self, write, see_to(now, &errand))
    }
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
    pub(in crate::store) fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Charge(id) => ("charge", id),
            Self::Refund(id) => ("refund", id),
            Self::ChargeNotice(id) => ("charge-notice", id),
            Self::RefundNotice(id) => ("refund-notice", id),
        }
    }

    /// Whether it is about what is settled: what is pending has no outcome to tell, and what is settled none to find.
    pub(in crate::store) fn wants_settled(&self) -> bool {
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
