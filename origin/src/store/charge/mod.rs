//! Charges. The partner's id of a charge is claimed once, and its first response is stored: every
//! replay gets that.

mod coverage;
pub(super) mod new_charge;
pub(super) mod postgres;
mod postgres_group;
mod postgres_payer;
mod postgres_response;
pub(super) mod sqlite;
mod sqlite_payer;
mod sqlite_response;

use crate::call_trace::CallTrace;
use crate::config::Booking;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::BilledSubscriber;
use new_charge::PostedCharge;
use onbill_domain::day::ServicePeriod;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::ott::TransactionResponse;

impl Store {
    /// Claims the partner's id, records the charge and puts its job into the queue, leased to the
    /// caller until `responding_until`. A charge that the PAI's state, the mandate, a coupon or a
    /// limit declines is recorded as declined, with its response. They are asked in this order. Of a claim,
    /// a charge that another system has posted, a repeat gets the result that it had there.
    pub async fn post_charge(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewCharge,
    ) -> Result<PostChargeResult, StoreError> {
        use_case!(
            self,
            write_grouped(posted_charges, PostedCharge { nonce, now, new, trace: CallTrace::current() }),
            post_charge(&nonce, now, &new)
        )
    }

    /// The charge as a GET answers it, by the partner's id.
    pub async fn find_charge_response(
        &self,
        partner: PartnerId,
        id: ExtId,
    ) -> Result<Option<TransactionResponse>, StoreError> {
        use_case!(self, look_up, find_charge_response(&partner, &id))
    }

    /// The charge, while it is not settled.
    pub async fn find_pending_charge(&self, transaction_id: String) -> Result<Option<Charge>, StoreError> {
        use_case!(self, look_up, find_pending_charge(&transaction_id))
    }

    /// What was charged and when it was posted, whatever its state: for the metrics.
    pub async fn find_posted_amount(
        &self,
        transaction_id: String,
    ) -> Result<Option<PostedAmount>, StoreError> {
        use_case!(self, look_up, find_posted_amount(&transaction_id))
    }

    /// The charge as its webhook reports it, and to which partner.
    pub async fn find_charge_webhook(
        &self,
        transaction_id: String,
    ) -> Result<Option<(PartnerId, TransactionResponse)>, StoreError> {
        use_case!(self, look_up, find_charge_webhook(&transaction_id))
    }
}

pub(in crate::store) use coverage::{Decline, Mandate};
pub use new_charge::{ChargeRules, NewCharge};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostChargeResult {
    /// Recorded now. The caller submits it to billing, then answers.
    Created(Box<Charge>),
    /// Recorded as declined. This is the stored response.
    Declined(Vec<u8>),
    /// Recorded before. This is the stored response, byte for byte.
    Replayed(Vec<u8>),
    /// Recorded before, with other contents.
    Conflict,
    /// Recorded before, and the first call has not been answered yet.
    InProgress,
    /// The partner has no such PAI.
    PaiNotFound,
    /// The operator does not bill in this currency. Nothing was recorded.
    CurrencyNotBilled,
    /// Another system charges the PAI, or has not decided its charge with this id. Nothing was recorded.
    NotCutOver,
}

/// A charge that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub transaction_id: String,
    pub partner: PartnerId,
    pub ext_transaction_id: ExtId,
    pub handle: String,
    /// `None` when the subscriber was erased.
    pub subscriber: Option<BilledSubscriber>,
    /// The PAI may have been closed after the charge was recorded.
    pub closed: Option<DeclineReason>,
    pub amount: Money,
    pub description: String,
    pub service_period: ServicePeriod,
    /// It is for days that were charged before, and the operator lets it pass.
    pub repeats_period: bool,
    pub tax: Option<BillTax>,
    pub booking: Booking,
}

/// An amount that a partner has posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedAmount {
    pub partner: PartnerId,
    pub amount: Money,
    pub posted_at: Timestamp,
}

/// The response that every replay gets.
pub(in crate::store) struct StoredResponse {
    pub(in crate::store) answer: Vec<u8>,
    /// It was stored by an earlier call, and shows the state of that time.
    pub(in crate::store) before: bool,
}
