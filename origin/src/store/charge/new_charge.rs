//! A charge as a partner posts it.

use crate::call_trace::CallTrace;
use crate::config::{ChargeCodes, ChargeNeeds, RepeatedPeriod};
use crate::store::number::Hash;
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::ott::TransactionRequest;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct NewCharge {
    /// Also billing's idempotency key.
    pub transaction_id: String,
    pub partner: PartnerId,
    /// Hash of the whole request: a replay must have the same.
    pub fingerprint: Hash,
    pub request: TransactionRequest,
    /// The charge codes, from which its booking follows.
    pub codes: Arc<ChargeCodes>,
    /// The offer, if it is known before: otherwise it is that of the mandate.
    pub offer: Option<OfferId>,
    /// Limits in the request's currency; `None` when the operator does not bill in it.
    pub limits: Option<SpendingLimits>,
    pub rules: ChargeRules,
    /// Until then the response to a replay is that the first call is still in progress.
    pub responding_until: Timestamp,
}

impl NewCharge {
    /// The tax in it, as billing gets it.
    pub(in crate::store) fn tax(&self) -> Option<BillTax> {
        let tax = self.request.tax.as_ref()?;
        Some(BillTax::within(self.request.amount, tax.amount_minor, tax.rate.clone()))
    }
}

/// What a partner's charges need.
#[derive(Clone, Copy, Debug)]
pub struct ChargeRules {
    pub needs: ChargeNeeds,
    pub repeated_period: RepeatedPeriod,
    /// When the service period begins, in the operator's time zone.
    pub begins_at: Timestamp,
}

impl ChargeRules {
    /// The charge needs nothing but its PAI.
    pub fn none(now: Timestamp) -> Self {
        Self { needs: ChargeNeeds::Pai, repeated_period: RepeatedPeriod::Alarm, begins_at: now }
    }
}

/// A posted charge that waits for its group.
pub(in crate::store) struct PostedCharge {
    pub(in crate::store) nonce: Nonce,
    pub(in crate::store) now: Timestamp,
    pub(in crate::store) new: NewCharge,
    /// That of the call, which the task of the group does not have.
    pub(in crate::store) trace: Option<CallTrace>,
}
