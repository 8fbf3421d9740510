//! Checks of `POST /dispute-state`, about a charge that the partner has posted to the kit.

use super::charges::no_charge;
use super::kit::{PartnerKit, taken};
use super::simulated_edge::PostedCharge;
use crate::ambient::random_bytes;
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use onbill_domain::wire::dispute::{DisputeReason, DisputeState};
use onbill_domain::wire::partner::{DISPUTE_STATE_PATH, DisputeStateRequest};

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-dispute-opened",
            name: "A dispute about fraud is opened and decided",
            expected: "2xx each time",
            mend: "Take POST /dispute-state for your charges, and answer 200. No money moves by it.",
        },
        needs: &[],
        run: |kit| Box::pin(reported(kit, &[DisputeState::Open, DisputeState::Rejected])),
    },
    Check {
        facts: CheckFacts {
            id: "partner-dispute-repeated",
            name: "A repeated report of a dispute is taken",
            expected: "2xx both times",
            mend: "Answer 2xx to what you have already. The same webhook may come twice.",
        },
        needs: &[],
        run: |kit| Box::pin(reported(kit, &[DisputeState::Open, DisputeState::Open])),
    },
    Check {
        facts: CheckFacts {
            id: "partner-dispute-older",
            name: "A report of a dispute with an older sequence is taken and dropped",
            expected: "2xx, also for the older one",
            mend: "Drop what has a lower sequence than you have received of the dispute, and answer 2xx all the same.",
        },
        needs: &[],
        run: |kit| {
            Box::pin(reported(kit, &[DisputeState::Open, DisputeState::Withdrawn, DisputeState::Open]))
        },
    },
];

/// A dispute that was not reported yet.
pub(super) struct Dispute<'c> {
    id: String,
    charge: &'c PostedCharge,
}

impl<'c> Dispute<'c> {
    pub(super) fn new(charge: &'c PostedCharge) -> Result<Self, String> {
        let bytes = random_bytes().map_err(|error| format!("{error:#}"))?;
        Ok(Self { id: uuid::Builder::from_random_bytes(bytes).into_uuid().to_string(), charge })
    }

    pub(super) fn in_state(&self, state: DisputeState) -> DisputeStateRequest {
        DisputeStateRequest {
            dispute_id: self.id.clone(),
            transaction_id: self.charge.stated.transaction_id.clone(),
            ext_transaction_id: self.charge.stated.ext_transaction_id.clone(),
            state,
            reason: DisputeReason::Fraud,
            sequence: state.sequence(),
        }
    }
}

/// Reports a new dispute in these states, one after the other.
async fn reported(kit: &PartnerKit, states: &[DisputeState]) -> Outcome {
    let Some(charge) = kit.charge().await else { return no_charge() };
    let finding = async {
        let dispute = Dispute::new(charge)?;
        for state in states {
            taken(&kit.report(DISPUTE_STATE_PATH, &dispute.in_state(*state)).await)
                .map_err(|seen| format!("{} with sequence {}: {seen}", state.as_str(), state.sequence()))?;
        }
        Finding::Ok(())
    };
    finding.await.into()
}
