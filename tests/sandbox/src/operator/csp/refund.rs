//! `POST /csp/refund`: refunds some or all of a charge.

use super::{check_id, once, signed_json};
use crate::answer::Refusal;
use crate::operator::Operator;
use crate::operator::ledger::RefundRefusal;
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::csp::{BillRefundRequest, BillRefundResponse, BillingDecision};

/// 201 the first time, 200 for a replay, 422 for other contents under the same refundID; 404
/// without such a charge on a bill; 400 for more than what is left of it.
pub(in super::super) async fn post_refund(
    State(operator): State<Operator>,
    request: Request,
) -> Result<(StatusCode, Json<BillRefundResponse>), Refusal> {
    let refund: BillRefundRequest = signed_json(&operator, request).await?;
    check_id("refundID", &refund.refund_id)?;
    check_id("transactionID", &refund.transaction_id)?;
    let now = operator.now();
    let posted = operator.ledger().refund(refund, now).map_err(|why| match why {
        RefundRefusal::NoSuchCharge => {
            Reject::new(ErrorCode::TransactionNotFound, "There is no such charge on a bill.")
        }
        RefundRefusal::NotWithinRemainder => Reject::invalid_request(
            "amount must be positive, in the charge's currency, and at most what is left of it.",
        ),
    })?;
    let (status, ()) = once(posted)?;
    Ok((status, Json(BillRefundResponse { status: BillingDecision::Approved, raw_code: None })))
}
