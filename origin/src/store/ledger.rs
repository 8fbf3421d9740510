//! The money part of the books: charges, refunds, and how each stands.

use super::{HandOff, Hash, Holder, Settling, StoreError};
use async_trait::async_trait;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{RefundRequest, RefundResponse, TransactionRequest, TransactionResponse};

/// Charges and refunds: claimed once, answered once, for ever.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Claims the partner's id, records the charge and puts its hand-off into the outbox, leased to the caller
    /// until `answering_until`. A charge that the PAI or a limit declines is recorded as such, with its answer.
    async fn post_transaction(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewCharge,
    ) -> Result<Posting, StoreError>;

    /// Closes the books on the caller's own hand-off attempt: writes the outcome if it is not settled yet, fixes
    /// the answer that every replay of the post will get, and gives it with what became of the outcome. When a replay
    /// fixed the answer meanwhile, the partner does not read the outcome in it, and is told by a notice.
    async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError>;

    /// Where a charge stands, by the partner's id.
    async fn transaction(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionResponse>, StoreError>;

    /// What a hand-off needs to know of a charge; `None` once it is settled.
    async fn charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError>;

    /// Claims the partner's id for a refund, takes the amount off what is left of the charge, and puts the hand-off
    /// into the outbox, leased to the caller until `answering_until`.
    async fn post_refund(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRefund,
    ) -> Result<RefundPosting, StoreError>;

    /// As [`Self::answer_transaction`], for a refund. One that is declined is off the charge no more.
    async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, Settling), StoreError>;

    /// Where a refund stands, by the partner's ids of charge and refund.
    async fn refund_answer(
        &self,
        partner: PartnerId,
        transaction: ExtId,
        refund: ExtId,
    ) -> Result<Option<RefundResponse>, StoreError>;

    /// What a hand-off needs to know of a refund; `None` once it is settled.
    async fn refund(&self, refund_id: String) -> Result<Option<Refund>, StoreError>;

    /// Whom to tell how a charge stands now, by our own id.
    async fn told_of_charge(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError>;

    /// Whom to tell how a refund stands now, by our own id.
    async fn told_of_refund(
        &self,
        refund_id: String,
    ) -> Result<Option<(PartnerId, RefundResponse)>, StoreError>;
}

/// A charge to record.
#[derive(Clone, Debug)]
pub struct NewCharge {
    /// Our name for it.
    pub transaction_id: String,
    /// Whose charge.
    pub partner: PartnerId,
    /// Hash of everything in the request.
    pub fingerprint: Hash,
    /// The request.
    pub request: TransactionRequest,
    /// What an account may be charged in the request's currency; `None` when the operator does not bill in it.
    pub limits: Option<SpendingLimits>,
    /// Until then the caller is working on the answer.
    pub answering_until: Timestamp,
}

/// How recording a charge went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posting {
    /// Recorded now: hand it off, then answer.
    Created(Box<Charge>),
    /// Recorded and already declined, by the state of the PAI or by a limit: answer this.
    Decided(Vec<u8>),
    /// Recorded before: answer this, byte for byte.
    Replayed(Vec<u8>),
    /// Recorded before, with other contents.
    Conflict,
    /// Recorded before, and still being answered.
    InProgress,
    /// No such PAI of this partner.
    PaiNotFound,
    /// Not in a currency that the operator bills in. Nothing was recorded.
    CurrencyNotBilled,
    /// Coupons have paid for some of these days. Nothing was recorded.
    PaidByCoupon {
        /// Up to and with this day.
        until: Day,
    },
}

/// A charge on its way to billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Our name for it: billing's idempotency key.
    pub transaction_id: String,
    /// The handle of the PAI's own subscriber.
    pub handle: String,
    /// The PAI's own subscriber as billing knows them; `None` when they were erased.
    pub holder: Option<Holder>,
    /// Why the PAI is closed, when it is since the charge was recorded.
    pub closed: Option<DeclineReason>,
    /// How much.
    pub amount: Money,
    /// The line.
    pub description: String,
    /// The days it pays for.
    pub service_period: ServicePeriod,
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
    pub answering_until: Timestamp,
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

/// The answer that every replay of a post gets.
pub(in crate::store) struct Fixed {
    pub(in crate::store) answer: Vec<u8>,
    /// Whether it had been fixed already, and tells of an earlier state.
    pub(in crate::store) before: bool,
}
