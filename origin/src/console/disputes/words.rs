//! Disputes in plain words.

use onbill_domain::wire::dispute::{DisputeReason, DisputeState};

/// Why a charge is contested.
pub(in crate::console) const fn reason_words(reason: DisputeReason) -> &'static str {
    match reason {
        DisputeReason::Fraud => "Fraud: another person used the line",
        DisputeReason::NotRecognized => "The customer does not know the charge",
        DisputeReason::NotReceived => "The customer did not get the service",
        DisputeReason::Duplicate => "The customer paid for it twice",
        DisputeReason::WrongAmount => "The customer agreed to another amount",
    }
}

/// How a dispute stands.
pub(in crate::console) const fn state_words(state: DisputeState) -> &'static str {
    match state {
        DisputeState::Open => "Open",
        DisputeState::Accepted => "Accepted: the customer is right",
        DisputeState::Rejected => "Rejected: the charge stands",
        DisputeState::Withdrawn => "Withdrawn by the customer",
    }
}
