//! `POST /csp/transaction` and `GET /csp/transaction/{transactionID}`: charges on the bill.

use super::{check_id, once, signed_json};
use crate::answer::Refusal;
use crate::operator::Operator;
use axum::Json;
use axum::extract::{Path, Request, State};
use http::StatusCode;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::csp::{BillChargeRequest, BillChargeResponse};

/// Puts a charge on the bill, once per transactionID.
///
/// 1. Not a positive amount, or no usable id → 400.
/// 2. A replay → 200 with the same response; with other contents → 422.
/// 3. 201 APPROVED, or DECLINED with billing's raw code.
pub(in super::super) async fn post_transaction(
    State(operator): State<Operator>,
    request: Request,
) -> Result<(StatusCode, Json<BillChargeResponse>), Refusal> {
    let charge: BillChargeRequest = signed_json(&operator, request).await?;
    // 1. What the types do not check.
    check_id("transactionID", &charge.transaction_id)?;
    if charge.amount.amount_minor <= 0 {
        return Err(Reject::invalid_request("amount.value must be positive.").into());
    }
    // 2. and 3.
    let now = operator.now();
    let (status, answer) = once(operator.ledger().charge(charge, now))?;
    Ok((status, Json(answer)))
}

/// 200 with the response to the charge, or 404 `transaction-not-found`: it was never received.
pub(in super::super) async fn get_transaction(
    State(operator): State<Operator>,
    Path(transaction_id): Path<String>,
    request: Request,
) -> Result<Json<BillChargeResponse>, Refusal> {
    operator.0.gate.admit(request, operator.now()).await?;
    let answer = operator.ledger().charge_answer(&transaction_id).cloned();
    let answer =
        answer.ok_or_else(|| Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction."))?;
    Ok(Json(answer))
}
