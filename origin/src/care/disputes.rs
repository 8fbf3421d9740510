//! Disputes about charges, as a desk opens and decides them.

use super::gate::DeskGate;
use super::roles::Act;
use crate::ambient::Clock;
use crate::charge::coupons_charge;
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::keys::StableIds;
use crate::store::{AuditStamp, DisputeChange, DisputeStep, PostDisputeResult, Queue, Store};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::wire::dispute::{Dispute, DisputeRequest, DisputeState};
use std::sync::Arc;

pub struct Disputes {
    pub(crate) store: Arc<Store>,
    pub(crate) gate: Arc<DeskGate>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) wake_up: WakeUp,
}

/// A dispute, and whether it was opened now.
pub(crate) struct PostedDispute {
    pub(crate) is_new: bool,
    pub(crate) dispute: Dispute,
}

impl Disputes {
    /// 1. Checks the request: 400 `invalid-request`.
    /// 2. Checks the role: 403 `forbidden`. Who may open a dispute may withdraw it, because both are the
    ///    customer's wish; others decide.
    /// 3. Opens or decides the dispute, with the entry in the audit and the report to the partner: 404
    ///    `transaction-not-found`, also for a coupon's charge; 404 `not-found` for a reference without a
    ///    dispute; 409 `request-in-progress` while the charge is not settled; 400 `invalid-request` for a
    ///    declined charge; 409 `dispute-conflict` for a second open dispute, or a second decision; 422
    ///    `idempotency-violation` for another reason under the same reference.
    pub(crate) async fn post(
        &self,
        nonce: Option<Nonce>,
        key: String,
        request: DisputeRequest,
    ) -> Result<PostedDispute, Failure> {
        // 1.
        let DisputeRequest { transaction_id, state, reason, reference, actor, role } = request;
        // What is no identifier names no charge, and PostgreSQL takes no NUL.
        ExtId::parse(&transaction_id).ok_or_else(transaction_not_found)?;
        let (step, act) = match (state, reason) {
            (DisputeState::Open, Some(reason)) => (DisputeStep::Open(reason), Act::OpenDispute),
            (DisputeState::Open, None) => {
                return Err(Reject::invalid_request("reason is required to open a dispute.").into());
            }
            (_, Some(_)) => {
                return Err(Reject::invalid_request("reason goes with the state open only.").into());
            }
            (DisputeState::Withdrawn, None) => (DisputeStep::Decide(state), Act::OpenDispute),
            (DisputeState::Accepted | DisputeState::Rejected, None) => {
                (DisputeStep::Decide(state), Act::DecideDispute)
            }
        };
        // 2.
        let stamp = AuditStamp { key, actor, role, reference: Some(reference.clone()) };
        let stamp = self.gate.admit(nonce.as_ref(), stamp, act).await?;
        // 3.
        let dispute_id = self.ids.dispute(&transaction_id, &reference);
        let change = DisputeChange { dispute_id, transaction_id, reference, step };
        let posted = self.store.post_dispute(nonce, self.clock.now(), stamp, change).await?;
        let posted = read_result(posted)?;
        self.wake_up.wake(Queue::PartnerWebhooks);
        Ok(posted)
    }
}

fn transaction_not_found() -> Reject {
    Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.")
}

fn read_result(result: PostDisputeResult) -> Result<PostedDispute, Reject> {
    let conflict = |message: String| Reject::new(ErrorCode::DisputeConflict, message);
    Err(match result {
        PostDisputeResult::Opened(dispute) => return Ok(PostedDispute { is_new: true, dispute }),
        PostDisputeResult::Decided(dispute) | PostDisputeResult::Unchanged(dispute) => {
            return Ok(PostedDispute { is_new: false, dispute });
        }
        PostDisputeResult::Conflict => {
            Reject::new(ErrorCode::IdempotencyViolation, "ref was used for a dispute with another reason.")
        }
        PostDisputeResult::AnotherIsOpen => conflict("The charge has another open dispute.".to_owned()),
        PostDisputeResult::DecidedOtherwise(state) => {
            conflict(format!("The dispute is {} already: open another one.", state.as_str()))
        }
        PostDisputeResult::DisputeNotFound => {
            Reject::new(ErrorCode::NotFound, "The charge has no dispute with this ref.")
        }
        PostDisputeResult::TransactionNotFound => transaction_not_found(),
        PostDisputeResult::CouponsCharge => coupons_charge(),
        PostDisputeResult::ChargePending => Reject::new(
            ErrorCode::RequestInProgress,
            "The charge is not settled yet: open the dispute when it is.",
        ),
        PostDisputeResult::NotCutOver => super::charged_elsewhere(),
        PostDisputeResult::ChargeDeclined => {
            Reject::invalid_request("The charge was declined, so it is on no bill.")
        }
    })
}
