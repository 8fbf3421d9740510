//! The charges and refunds that the partner has requested, and the latest report about each.

use crate::netflix::report::KnownReport;
use onbill_domain::day::ServicePeriod;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::{RefundResponse, TransactionRequest, TransactionResponse, TransactionStatus};

/// A charge that we requested.
#[derive(Clone, Debug)]
pub(in crate::netflix) struct RequestedCharge {
    /// Our id of it, unique at its operator.
    pub(in crate::netflix) id: ExtId,
    pub(in crate::netflix) operator: OperatorId,
    /// Its subscriber; absent for a coupon that was for no subscriber known to the operator.
    pub(in crate::netflix) pai: Option<Pai>,
    pub(in crate::netflix) amount: Money,
    pub(in crate::netflix) service_period: ServicePeriod,
    /// Whether a post with these contents was accepted.
    pub(super) taken: bool,
    /// The latest report about it.
    pub(in crate::netflix) known: Option<KnownReport<TransactionResponse>>,
}

impl RequestedCharge {
    pub(super) fn is(&self, operator: &OperatorId, id: &ExtId) -> bool {
        self.operator == *operator && self.id == *id
    }

    pub(in crate::netflix) fn is_declined(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.reported.status == TransactionStatus::Declined)
    }

    pub(super) fn fill(&mut self, asked: &TransactionRequest) {
        self.pai = Some(asked.pai);
        self.amount = asked.amount;
        self.service_period = asked.service_period;
    }
}

/// A refund that we requested, or the operator.
#[derive(Clone, Debug)]
pub(in crate::netflix) struct RequestedRefund {
    /// Our id of it.
    pub(in crate::netflix) id: ExtId,
    /// Our id of the charge.
    pub(in crate::netflix) charge: ExtId,
    /// As requested; all that was left when absent.
    pub(in crate::netflix) asked: Option<Money>,
    /// Whether another amount was requested under this id.
    pub(super) is_ambiguous: bool,
    pub(in crate::netflix) reason: String,
    /// The latest refusal, while no better report has come.
    pub(in crate::netflix) refusal: Option<RequestRefusal>,
    /// The latest report about it.
    pub(in crate::netflix) known: Option<KnownReport<RefundResponse>>,
}

/// Why a refund was not accepted.
#[derive(Clone, Debug)]
pub(in crate::netflix) struct RequestRefusal {
    pub(in crate::netflix) code: String,
    /// Whether the same request may be accepted later.
    pub(in crate::netflix) is_passing: bool,
}
