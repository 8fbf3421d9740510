//! `POST /edge/v1/transaction`: the edge asks whether a charge belongs to this operator, before it
//! forwards a call about that charge.

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

/// 200, or 404 `transaction-not-found`. The response omits the state of the charge, which only the
/// partner may learn.
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
