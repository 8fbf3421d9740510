//! Refunds. Like a charge's, a refund's id is claimed once and its response stored; together
//! refunds are never more than their charge.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::ott::{RefundRequest, RefundResponse};

impl Store {
    /// Claims the partner's id, reserves the amount on the charge and puts the refund's job into
    /// the queue, leased to the caller until `responding_until`.
    pub async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<PostRefundResult, StoreError> {
        use_case!(self, write(nonce), post_refund(now, &new))
    }

    /// The refund as a GET answers it, by the partner's ids of charge and refund.
    pub async fn find_refund_response(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundResponse>, StoreError> {
        use_case!(self, read, find_refund_response(&partner, &transaction, &refund))
    }

    /// The refund, while it is not settled.
    pub async fn find_pending_refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError> {
        use_case!(self, look_up, find_pending_refund(&refund_id))
    }

    /// The refund as its webhook reports it, and to which partner.
    pub async fn find_refund_webhook(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundResponse)>, StoreError> {
        use_case!(self, read, find_refund_webhook(&refund_id))
    }
}

#[derive(Clone, Debug)]
pub struct NewRefund {
    pub refund_id: String,
    pub partner: PartnerId,
    pub ext_transaction_id: ExtId,
    /// Hash of the whole request and of the charge's id: a replay must have the same.
    pub fingerprint: Hash,
    pub request: RefundRequest,
    /// Whose money it is, if the operator asks for it: the partner does not know of it yet.
    pub borne_by: Option<BorneBy>,
    /// The most that the operator's refunds may give back of the charge, this one included: for each
    /// currency, and nothing in others. Without ceilings, all that is left.
    pub ceilings: Option<Vec<Money>>,
    /// Until then the response to a replay is that the first call is still in progress.
    pub responding_until: Timestamp,
}

impl NewRefund {
    /// The ceiling for a charge in this currency, if there is one.
    fn find_ceiling(&self, currency: Currency) -> Option<Money> {
        let ceilings = self.ceilings.as_ref()?;
        let listed = ceilings.iter().find(|ceiling| ceiling.currency == currency).copied();
        Some(listed.unwrap_or(Money { amount_minor: 0, currency }))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostRefundResult {
    /// Recorded now. The caller submits it to billing, then answers.
    Created(Refund),
    /// Recorded before. This is the stored response, byte for byte.
    Replayed(Vec<u8>),
    /// Recorded before, with other contents.
    Conflict,
    /// Recorded before, and the first call has not been answered yet.
    InProgress,
    /// The partner has no such charge.
    TransactionNotFound,
    /// The charge is a coupon's: its partner knows nothing of it, and would learn of the refund.
    CouponsCharge,
    /// A person was to agree to it and did not, or it was taken back.
    NotAgreed,
    /// The charge is not settled, so it is not known whether there is anything to refund.
    ChargePending,
    /// Another system has posted the charge, and still charges and refunds its PAI.
    NotCutOver,
    /// The amount is more than what is left of the charge, or in another currency. Nothing is left
    /// of a declined charge.
    NotWithinRemainder { remaining: Money },
    /// With the operator's other refunds of the charge, it is more than the caller may give back.
    AboveCeiling { ceiling: Money },
}

/// A refund that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Also billing's idempotency key.
    pub refund_id: String,
    /// By which billing knows the charge: the origin's id, or billing's own if another system has posted it.
    pub transaction_id: String,
    pub amount: Money,
    pub partner: PartnerId,
    /// The charge's.
    pub charge_code: Option<ChargeCode>,
    /// The tax in the amount.
    pub tax: Option<BillTax>,
}
