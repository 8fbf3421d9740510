//! `GET /ott/v1/transaction/{extTransactionID}`: the state of a charge.

use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use crate::store::Store;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::TransactionResponse;
use std::sync::Arc;

/// 200, or 404 `transaction-not-found`. It only reads, so its nonce need not be spent: a replay
/// reveals nothing new.
pub(in crate::routes) async fn transaction_status(
    State(store): State<Arc<Store>>,
    path: Result<Path<String>, PathRejection>,
    call: PartnerCall,
) -> Result<Json<TransactionResponse>, Failure> {
    let not_found = || Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.");
    // A path that is not UTF-8 gets the same response.
    let Path(ext_transaction_id) = path.map_err(|_| not_found())?;
    let id = ExtId::parse(&ext_transaction_id).ok_or_else(not_found)?;
    let answer = store.find_charge_response(call.partner, id).await?;
    Ok(Json(answer.ok_or_else(not_found)?))
}
