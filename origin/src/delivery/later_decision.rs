//! Notes in the metrics the decisions on charges and refunds that come after the response to their
//! post. They are seldom, or come in files, so that one more read each costs no caller anything.

use crate::instruments::{ChargeResult, Instruments};
use crate::store::{BillingOutcome, DeliveryOutcome, LineDecision, RefundDecision, SettleResult, Store};
use onbill_domain::timestamp::Timestamp;
use std::time::Duration;

/// A decision that is about to be written.
pub(super) enum LaterDecision {
    Charge { transaction_id: String, charge_result: ChargeResult },
    Refund { refund_id: String, is_approved: bool },
}

impl LaterDecision {
    /// The decision in the outcome of an attempt, if there is one.
    pub(super) fn of(outcome: &DeliveryOutcome) -> Option<Self> {
        match outcome {
            DeliveryOutcome::Charge { transaction_id, outcome: BillingOutcome::Decided(decision) } => {
                Some(Self::Charge { transaction_id: transaction_id.clone(), charge_result: decision.into() })
            }
            DeliveryOutcome::Refund { refund_id, outcome: BillingOutcome::Decided(decision) } => {
                let is_approved = matches!(decision, RefundDecision::Approved { .. });
                Some(Self::Refund { refund_id: refund_id.clone(), is_approved })
            }
            DeliveryOutcome::Charge { .. }
            | DeliveryOutcome::Refund { .. }
            | DeliveryOutcome::Webhook { .. }
            | DeliveryOutcome::Sms { .. } => None,
        }
    }

    /// That of a line of a file, by our id of the charge or refund.
    pub(super) fn of_line(id: &str, decision: &LineDecision) -> Self {
        match decision {
            LineDecision::Charge(decision) => {
                Self::Charge { transaction_id: id.to_owned(), charge_result: decision.into() }
            }
            LineDecision::Refund(decision) => {
                let is_approved = matches!(decision, RefundDecision::Approved { .. });
                Self::Refund { refund_id: id.to_owned(), is_approved }
            }
        }
    }

    /// Notes it, if it was written now and not before. What cannot be read now is missing in the
    /// metrics, and nowhere else.
    pub(super) async fn note(
        self,
        result: SettleResult,
        store: &Store,
        instruments: &Instruments,
        now: Timestamp,
    ) {
        match result {
            SettleResult::Written | SettleResult::Unpaid => {}
            SettleResult::Undelivered | SettleResult::Late | SettleResult::Contradicted => return,
        }
        let charges = &instruments.metrics.charges;
        match self {
            Self::Charge { transaction_id, charge_result } => {
                let Ok(Some(posted)) = store.find_posted_amount(transaction_id).await else { return };
                let took = now.seconds_since(posted.posted_at).max(0).unsigned_abs();
                charges.note_settled(
                    &posted.partner,
                    posted.amount,
                    charge_result,
                    Duration::from_secs(took),
                );
            }
            Self::Refund { refund_id, is_approved } => {
                let Ok(Some((partner, refund))) = store.find_refund_webhook(refund_id).await else { return };
                charges.note_refund_settled(&partner, refund.amount, is_approved);
            }
        }
    }
}
