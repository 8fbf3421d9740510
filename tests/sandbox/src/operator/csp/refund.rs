//! `POST /csp/refund`: refunds some or all of a charge.

use super::{check_id, once, signed_json};
use crate::answer::Refusal;
use crate::operator::Operator;
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use onbill_domain::reject::Reject;
use onbill_domain::wire::csp::{BillRefundRequest, BillRefundResponse};

/// Gives money back, once per refundID.
///
/// 1. Not a positive amount, or no usable id → 400.
/// 2. A replay → 200 with the same response; with other contents → 422.
/// 3. 201 APPROVED, or DECLINED with billing's raw code: without such a charge on a bill, or for more than
///    what is left of it.
pub(in super::super) async fn post_refund(
    State(operator): State<Operator>,
    request: Request,
) -> Result<(StatusCode, Json<BillRefundResponse>), Refusal> {
    let refund: BillRefundRequest = signed_json(&operator, request).await?;
    // 1. What the types do not check.
    check_id("refundID", &refund.refund_id)?;
    check_id("transactionID", &refund.transaction_id)?;
    if refund.amount.amount_minor <= 0 {
        return Err(Reject::invalid_request("amount.value must be positive.").into());
    }
    // 2. and 3.
    let now = operator.now();
    let (status, answer) = once(operator.ledger().refund(refund, now))?;
    Ok((status, Json(answer)))
}
