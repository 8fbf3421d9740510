//! `POST /edge/v1/transaction`: the edge asks whether a charge is this operator's, before it passes a call about it on.

use crate::config::Config;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::{LookupResponse, TransactionLookupRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200, or 404 `transaction-not-found`. How the charge stands is for the partner alone, and not said.
pub(in crate::routes) async fn look_up_transaction(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    call: EdgeCall,
) -> Result<Json<LookupResponse>, Failure> {
    let request: TransactionLookupRequest = parse(&call.body)?;
    match store.find_charge_response(request.partner, request.ext_transaction_id).await? {
        Some(_) => Ok(Json(LookupResponse { operator: config.operator.clone() })),
        None => Err(Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.").into()),
    }
}
