//! `POST /edge/v1/subscription`: the edge asks whether a subscription belongs to this operator,
//! before it forwards a call about that subscription.

use crate::config::Config;
use crate::fault::Failure;
use crate::mandate::subscription_not_found;
use crate::routes::authentic::EdgeCall;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::edge::{LookupResponse, SubscriptionLookupRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200, or 404 `subscription-not-found`.
pub(in crate::routes) async fn look_up_subscription(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    call: EdgeCall,
) -> Result<Json<LookupResponse>, Failure> {
    let request: SubscriptionLookupRequest = parse(&call.body)?;
    if store.has_subscription(request.partner, request.partner_subscription_id).await? {
        Ok(Json(LookupResponse { operator: config.operator.clone() }))
    } else {
        Err(subscription_not_found().into())
    }
}
