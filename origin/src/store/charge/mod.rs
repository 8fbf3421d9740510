//! Charges: claimed once, answered once, for ever.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, Holder};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{TransactionRequest, TransactionResponse};

impl Store {
    /// Claims the partner's id, records the charge and puts its hand-off into the outbox, leased to the caller
    /// until `responding_until`. A charge that the PAI or a limit declines is recorded as such, with its answer.
    pub async fn post_transaction(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewCharge,
    ) -> Result<Posting, StoreError> {
        use_case!(self, write, post(&nonce, now, &new))
    }

    /// Where a charge stands, by the partner's id.
    pub async fn transaction(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionResponse>, StoreError> {
        use_case!(self, read, find(&partner, &id))
    }

    /// What a hand-off needs to know of a charge; `None` once it is settled.
    pub async fn charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError> {
        use_case!(self, read, charge(&transaction_id))
    }

    /// Whom to tell how a charge stands now, by our own id.
    pub async fn told_of_charge(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError> {
        use_case!(self, read, told(&transaction_id))
    }
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
    pub responding_until: Timestamp,
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

/// The answer that every replay of a post gets.
pub(in crate::store) struct Fixed {
    pub(in crate::store) answer: Vec<u8>,
    /// Whether it had been fixed already, and tells of an earlier state.
    pub(in crate::store) before: bool,
}
