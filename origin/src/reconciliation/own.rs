//! A charge or a refund of our ledger, in one form for both.

use super::kind::Kind;
use crate::store::{ReportedCharge, ReportedRefund};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;

/// A line of our ledger, with which the files are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LedgerLine {
    pub(super) kind: Kind,
    /// Our id of the charge.
    pub(super) transaction_id: String,
    /// Billing's id of the charge, which is ours but for a claim.
    pub(super) billed_as: String,
    /// A charge that another system has posted.
    pub(super) is_claim: bool,
    /// The partner's id of the charge.
    pub(super) ext_transaction_id: ExtId,
    /// Our id and the partner's id of the refund; only a refund has them.
    pub(super) refund: Option<(String, ExtId)>,
    pub(super) pai: Pai,
    pub(super) amount: Money,
    pub(super) charge_code: Option<ChargeCode>,
    pub(super) status: TransactionStatus,
    pub(super) created_at: Timestamp,
    pub(super) settled_at: Option<Timestamp>,
}

impl LedgerLine {
    /// Whether the operator has asked for the refund: then the partner knows of it by its webhook only, and
    /// by our id.
    pub(super) fn is_operators(&self) -> bool {
        self.refund.as_ref().is_some_and(|(ours, theirs)| theirs.as_str() == ours.as_str())
    }

    /// The id under which billing's extract has it.
    pub(super) fn id(&self) -> &str {
        self.refund.as_ref().map_or(&self.transaction_id, |(ours, _)| ours)
    }

    /// The id under which the partner's statement has it.
    pub(super) fn ext_id(&self) -> &str {
        self.refund.as_ref().map_or(&self.ext_transaction_id, |(_, theirs)| theirs).as_str()
    }
}

impl From<ReportedCharge> for LedgerLine {
    fn from(line: ReportedCharge) -> Self {
        Self {
            kind: Kind::Charge,
            billed_as: line.transaction_id.clone(),
            is_claim: line.is_claim,
            transaction_id: line.transaction_id,
            ext_transaction_id: line.ext_transaction_id,
            refund: None,
            pai: line.pai,
            amount: line.amount,
            charge_code: line.charge_code,
            status: line.status,
            created_at: line.created_at,
            settled_at: line.settled_at,
        }
    }
}

impl From<ReportedRefund> for LedgerLine {
    fn from(line: ReportedRefund) -> Self {
        Self {
            kind: Kind::Refund,
            transaction_id: line.transaction_id,
            billed_as: line.billed_as,
            is_claim: false,
            ext_transaction_id: line.ext_transaction_id,
            refund: Some((line.refund_id, line.ext_refund_id)),
            pai: line.pai,
            amount: line.amount,
            charge_code: line.charge_code,
            status: line.status,
            created_at: line.created_at,
            settled_at: line.settled_at,
        }
    }
}
