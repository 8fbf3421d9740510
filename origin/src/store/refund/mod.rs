//! Refunds: claimed once, answered once, and together never more than their charge.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RefundRequest, RefundResponse};

impl Store {
    /// Claims the partner's id for a refund, takes the amount off what is left of the charge, and puts the hand-off
    /// into the outbox, leased to the caller until `responding_until`.
    pub async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<RefundPosting, StoreError> {
        use_case!(self, write(nonce), post(now, &new))
    }

    /// Where a refund stands, by the partner's ids of charge and refund.
    pub async fn refund_answer(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundResponse>, StoreError> {
        use_case!(self, read, find(&partner, &transaction, &refund))
    }

    /// What a hand-off needs to know of a refund; `None` once it is settled.
    pub async fn refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError> {
        use_case!(self, read, refund(&refund_id))
    }

    /// Whom to tell how a refund stands now, by our own id.
    pub async fn told_of_refund(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundResponse)>, StoreError> {
        use_case!(self, read, told(&refund_id))
    }
}

/// A refund to record.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// Our name for it.
    pub refund_id: String,
    /// Whose refund.
    pub partner: PartnerId,
    /// The partner's name for the charge.
    pub ext_transaction_id: ExtId,
    /// Hash of everything in the request, the charge's name included.
    pub fingerprint: Hash,
    /// The request.
    pub request: RefundRequest,
    /// Until then the caller is working on the answer.
    pub responding_until: Timestamp,
}

/// How recording a refund went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundPosting {
    /// Recorded now: hand it off, then answer.
    Created(Refund),
    /// Recorded before: answer this, byte for byte.
    Replayed(Vec<u8>),
    /// Recorded before, with other contents.
    Conflict,
    /// Recorded before, and still being answered.
    InProgress,
    /// No such charge of this partner.
    TransactionNotFound,
    /// The charge is not settled yet: there may be nothing to give back.
    ChargePending,
    /// More than what is left of the charge, or in another currency. A declined charge has nothing left.
    NotWithinRemainder {
        /// What is left.
        remaining: Money,
    },
}

/// A refund on its way to billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Our name for it: billing's idempotency key.
    pub refund_id: String,
    /// Our name for the charge, under which billing has it.
    pub transaction_id: String,
    /// How much.
    pub amount: Money,
}
