//! Disputes: a customer contests a charge, and the operator decides about it. A dispute moves no
//! money: that takes a refund. Those about fraud are reported to the partner.

use crate::day::Day;
use crate::ids::{ExtId, PartnerId};
use crate::money::Money;
use crate::timestamp::Timestamp;
use crate::wire::audit::ActorRole;
use serde::{Deserialize, Serialize};

crate::wire_enum! {
    /// How a dispute stands.
    pub enum DisputeState {
        /// It is being looked into.
        Open = "open",
        /// The customer is right.
        Accepted = "accepted",
        /// The customer is wrong.
        Rejected = "rejected",
        /// The customer has dropped it.
        Withdrawn = "withdrawn",
    }
}

impl DisputeState {
    /// Whether a dispute in this state may get the other. What was decided stays; a customer who comes
    /// back opens another dispute.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Open => next != Self::Open,
            Self::Accepted | Self::Rejected | Self::Withdrawn => false,
        }
    }

    /// Its place in the reports to the partner, which grows with every change.
    pub fn sequence(self) -> u64 {
        match self {
            Self::Open => 1,
            Self::Accepted | Self::Rejected | Self::Withdrawn => 2,
        }
    }
}

crate::wire_enum! {
    /// Why the customer contests the charge.
    pub enum DisputeReason {
        /// Somebody else has used their line.
        Fraud = "fraud",
        /// They do not know what it is for.
        NotRecognized = "not-recognized",
        /// They did not get what they paid for.
        NotReceived = "not-received",
        /// They paid for it twice.
        Duplicate = "duplicate",
        /// They agreed to another amount.
        WrongAmount = "wrong-amount",
    }
}

impl DisputeReason {
    /// Whether it is reported to the partner. The others are between the operator and its customer.
    pub fn is_reported(self) -> bool {
        match self {
            Self::Fraud => true,
            Self::NotRecognized | Self::NotReceived | Self::Duplicate | Self::WrongAmount => false,
        }
    }
}

/// `POST /disputes`: open a dispute about a charge, or change its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeRequest {
    /// The charge's id at onbill.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The state that the dispute gets: `open` for a new one.
    pub state: DisputeState,
    /// Why the customer contests the charge; required to open a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DisputeReason>,
    /// The operator's reference, such as a ticket. With the charge it names the dispute. It must not
    /// identify the customer.
    #[serde(rename = "ref")]
    pub reference: ExtId,
    /// Who does it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    /// The dispute's id at onbill. The same charge and reference always have the same one.
    #[serde(rename = "disputeID")]
    pub dispute_id: String,
    /// The charge's id at onbill.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// The partner that posted the charge.
    pub partner: PartnerId,
    /// The amount of the charge.
    pub amount: Money,
    /// How it stands.
    pub state: DisputeState,
    /// Why the customer contests the charge.
    pub reason: DisputeReason,
    /// The operator's reference.
    #[serde(rename = "ref")]
    pub reference: ExtId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was accepted, rejected or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

/// A dispute about a charge, as customer care reads it beside the charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareDispute {
    /// The dispute's id at onbill.
    #[serde(rename = "disputeID")]
    pub dispute_id: String,
    /// How it stands.
    pub state: DisputeState,
    /// Why the customer contests the charge.
    pub reason: DisputeReason,
    /// The operator's reference, by which its state is changed.
    #[serde(rename = "ref")]
    pub reference: ExtId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was accepted, rejected or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

/// The query of `GET /disputes`.
#[derive(Debug, Serialize, Deserialize)]
pub struct DisputesQuery {
    /// The first day of opening, in UTC.
    pub from: Day,
    /// The last day of opening, in UTC, included; all later ones when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
    /// Lists only the disputes in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<DisputeState>,
    /// `next` of the previous page; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of disputes, in the order of their opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputesResponse {
    /// At most [`TRANSACTIONS_PER_PAGE`](crate::limits::TRANSACTIONS_PER_PAGE) disputes.
    pub disputes: Vec<Dispute>,
    /// The cursor of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_dispute_changes() {
        for from in DisputeState::ALL {
            for next in DisputeState::ALL {
                let may = from == DisputeState::Open && next != DisputeState::Open;
                assert_eq!(from.may_become(next), may, "{} → {}", from.as_str(), next.as_str());
                assert!(!may || next.sequence() > from.sequence(), "the partner reads the newer one");
            }
        }
    }

    #[test]
    fn partner_is_informed_of_fraud_only() {
        let reported: Vec<_> = DisputeReason::ALL.into_iter().filter(|reason| reason.is_reported()).collect();
        assert_eq!(reported, [DisputeReason::Fraud]);
    }
}
