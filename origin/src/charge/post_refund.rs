//! Records the refunds that partners and the operator's desks post, and submits them to billing.

use super::{ANSWERING_SECONDS, not_cut_over};
use crate::ambient::Clock;
use crate::care::charged_elsewhere;
use crate::care::{Act, DeskGate};
use crate::delivery::{BillingSubmission, WakeUp, raise_for_result};
use crate::fault::{Failure, Fault};
use crate::instruments::Instruments;
use crate::keys::StableIds;
use crate::store::{
    AuditStamp, BillingOutcome, NewRefund, PostRefundResult, Refund, RefundDecision, SettleResult, Store,
};
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::wire::care::DeskRefundRequest;
use onbill_domain::wire::ott::RefundRequest;
use std::sync::Arc;

pub struct RefundPosts {
    pub(crate) gate: Arc<DeskGate>,
    pub(crate) store: Arc<Store>,
    pub(crate) billing: Arc<BillingSubmission>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) wake_up: WakeUp,
    pub(crate) instruments: Arc<Instruments>,
}

pub enum RecordedRefund {
    /// Recorded now; the caller must submit it.
    New(Refund),
    /// Recorded before, with the first response.
    Replay(Vec<u8>),
}

/// What becomes of a refund that a person asks for at the console.
pub(crate) enum ConsoleRefund {
    Recorded(RecordedRefund),
    /// With all refunds of the operator, it would be more of the charge than the role may give back.
    NeedsApproval {
        ceiling: Money,
    },
}

impl RefundPosts {
    /// Records a refund durably, with the job that submits it to billing: 404
    /// `transaction-not-found`; 409 `request-in-progress` while the same post is being answered or
    /// the charge is not settled; 400 `invalid-request` for more than what is left of the charge;
    /// 422 `idempotency-violation`; 503 `service-unavailable` while another system charges the PAI.
    pub(crate) async fn record_refund(
        &self,
        partner: PartnerId,
        nonce: Nonce,
        ext_transaction_id: ExtId,
        request: RefundRequest,
    ) -> Result<RecordedRefund, Failure> {
        let now = self.clock.now();
        let fingerprint = serde_json::to_vec(&(&ext_transaction_id, &request));
        let fingerprint = fingerprint.map_err(|_| Fault::Broken("a request does not serialize"))?;
        let new = NewRefund {
            refund_id: self.ids.refund(&partner, &request.ext_refund_id),
            partner,
            ext_transaction_id,
            fingerprint: sha256(&fingerprint),
            request,
            borne_by: None,
            ceilings: None,
            responding_until: now.plus_seconds(ANSWERING_SECONDS),
        };
        to_recorded_refund(self.store.post_refund(nonce, now, new).await?, "extRefundID", not_cut_over)
    }

    /// Records a refund that the operator asks for, with the refusals of [`Self::record_refund`], and 403
    /// `forbidden` for a role that may not, or not so much. The charge and the operator's reference name
    /// it, so that a repeated call refunds nothing more.
    pub(crate) async fn record_desk_refund(
        &self,
        nonce: Nonce,
        key: String,
        request: DeskRefundRequest,
    ) -> Result<RecordedRefund, Failure> {
        let ceilings = self.gate.refund_ceilings(request.role);
        let posted = self.post_desk_refund(Some(nonce), key, request, ceilings).await?;
        to_recorded_refund(posted, "ref", charged_elsewhere)
    }

    /// The same for a person at the console, whose refund above the ceiling can be put before a second
    /// one. With `agreed`, it was, and no ceiling holds.
    pub(crate) async fn record_console_refund(
        &self,
        key: String,
        request: DeskRefundRequest,
        agreed: bool,
    ) -> Result<ConsoleRefund, Failure> {
        let ceilings = if agreed { None } else { self.gate.refund_ceilings(request.role) };
        match self.post_desk_refund(None, key, request, ceilings).await? {
            PostRefundResult::AboveCeiling { ceiling } => Ok(ConsoleRefund::NeedsApproval { ceiling }),
            other => Ok(ConsoleRefund::Recorded(to_recorded_refund(other, "Reference", charged_elsewhere)?)),
        }
    }

    /// The id that a refund of the operator's will have.
    pub(crate) fn name_desk_refund(&self, transaction_id: &str, reference: &ExtId) -> String {
        self.ids.operator_refund(transaction_id, reference)
    }

    async fn post_desk_refund(
        &self,
        nonce: Option<Nonce>,
        key: String,
        request: DeskRefundRequest,
        ceilings: Option<Vec<Money>>,
    ) -> Result<PostRefundResult, Failure> {
        let now = self.clock.now();
        let DeskRefundRequest { transaction_id, amount, reference, reason, borne_by, actor, role } = request;
        let stamp = AuditStamp { key, actor, role, reference: Some(reference.clone()) };
        let stamp = self.gate.admit(nonce.as_ref(), stamp, Act::PostRefund).await?;
        // What is no identifier names no charge, and PostgreSQL takes no NUL.
        ExtId::parse(&transaction_id).ok_or_else(transaction_not_found)?;
        let refund_id = self.ids.operator_refund(&transaction_id, &reference);
        let ext_refund_id = ExtId::parse(&refund_id).ok_or(Fault::Broken("a UUID is no id"))?;
        let request = RefundRequest { ext_refund_id, amount, reason };
        request.check()?;
        let charge = self.store.find_charge_webhook(transaction_id.clone()).await?;
        let (partner, charge) = charge.ok_or_else(transaction_not_found)?;
        let fingerprint = serde_json::to_vec(&(&transaction_id, &request, borne_by));
        let fingerprint = fingerprint.map_err(|_| Fault::Broken("a request does not serialize"))?;
        let new = NewRefund {
            refund_id,
            partner,
            ext_transaction_id: charge.ext_transaction_id,
            fingerprint: sha256(&fingerprint),
            request,
            borne_by: Some(borne_by),
            ceilings,
            responding_until: now.plus_seconds(ANSWERING_SECONDS),
        };
        Ok(self.store.post_desk_refund(nonce, now, stamp, transaction_id, new).await?)
    }

    /// Submits a new refund to billing once, and returns the response with its latest known state.
    pub(crate) async fn submit_refund(&self, refund: &Refund) -> Result<Vec<u8>, Failure> {
        let outcome = self.billing.submit_first_refund(refund).await;
        let result = match &outcome {
            BillingOutcome::Decided(decision) => Some(matches!(decision, RefundDecision::Approved { .. })),
            BillingOutcome::Undecided(_) => None,
        };
        let filled = outcome.filled_queues();
        let id = &refund.refund_id;
        let (response, settled) = self.store.answer_refund(self.clock.now(), id.clone(), outcome).await?;
        raise_for_result(&self.instruments, settled, "refund", id);
        let charges = &self.instruments.metrics.charges;
        match result {
            Some(is_approved) if settled == SettleResult::Written => {
                charges.note_refund_settled(&refund.partner, refund.amount, is_approved);
            }
            // It was settled by another lease, which has noted it.
            Some(_) => {}
            None => charges.note_refund_pending(&refund.partner),
        }
        self.wake_up.wake_each(filled);
        Ok(response)
    }
}

fn transaction_not_found() -> Reject {
    Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.")
}

/// 404 `transaction-not-found`: the desk sees the charge, and the partner does not.
pub(crate) fn coupons_charge() -> Reject {
    let message = "This charge is a coupon's: it cannot be refunded or disputed here.";
    Reject::new(ErrorCode::TransactionNotFound, message)
}

/// The refund, or why it was not taken. `id` is the member that names it. `while_dark` is said while another
/// system charges the PAI: a partner's program repeats the call, and a person does something else.
fn to_recorded_refund(
    result: PostRefundResult,
    id: &str,
    while_dark: fn() -> Reject,
) -> Result<RecordedRefund, Failure> {
    let reject = match result {
        PostRefundResult::Created(refund) => return Ok(RecordedRefund::New(refund)),
        PostRefundResult::Replayed(response) => return Ok(RecordedRefund::Replay(response)),
        PostRefundResult::TransactionNotFound => transaction_not_found(),
        PostRefundResult::CouponsCharge => coupons_charge(),
        PostRefundResult::Conflict => {
            Reject::new(ErrorCode::IdempotencyViolation, format!("{id} was used for another refund."))
        }
        PostRefundResult::NotAgreed => Reject::new(
            ErrorCode::IdempotencyViolation,
            format!("{id} names a refund that was not agreed to, or was taken back: take another one."),
        ),
        PostRefundResult::InProgress => {
            Reject::new(ErrorCode::RequestInProgress, "The same refund is being answered.")
        }
        PostRefundResult::NotCutOver => while_dark(),
        PostRefundResult::ChargePending => Reject::new(
            ErrorCode::RequestInProgress,
            "The charge is not settled yet: ask for the refund again when it is.",
        ),
        PostRefundResult::AboveCeiling { ceiling } => Reject::new(
            ErrorCode::Forbidden,
            format!(
                "The role may give back no more than {ceiling} of a charge, with all refunds of the operator."
            ),
        ),
        PostRefundResult::NotWithinRemainder { remaining } => Reject::invalid_request(format!(
            "amount must lie within the {remaining} that are left of the charge."
        )),
    };
    Err(reject.into())
}
