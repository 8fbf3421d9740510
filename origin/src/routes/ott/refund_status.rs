//! `GET /ott/v1/transaction/{extTransactionID}/refund/{extRefundID}`: the present state of a
//! refund. A replayed post returns the first response instead.

use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use crate::store::Store;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::RefundResponse;
use std::sync::Arc;

/// 200, or 404 `transaction-not-found`. It only reads, so its nonce need not be spent: a replay
/// reveals nothing new.
pub(in crate::routes) async fn refund_status(
    State(store): State<Arc<Store>>,
    path: Result<Path<(String, String)>, PathRejection>,
    call: PartnerCall,
) -> Result<Json<RefundResponse>, Failure> {
    let not_found = || Reject::new(ErrorCode::TransactionNotFound, "There is no such refund.");
    // A path that is not UTF-8 gets the same response.
    let Path((transaction, refund)) = path.map_err(|_| not_found())?;
    let transaction = ExtId::parse(&transaction).ok_or_else(not_found)?;
    let refund = ExtId::parse(&refund).ok_or_else(not_found)?;
    let answer = store.find_refund_response(call.partner, transaction, refund).await?;
    Ok(Json(answer.ok_or_else(not_found)?))
}
