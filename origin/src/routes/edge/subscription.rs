//! `POST /edge/v1/subscription`: the edge asks whether a subscription is this operator's, before it passes a call about it on.

use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::wire::edge::{OwnAnswer, OwnSubscriptionRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200, or 404 `pai-not-found`.
pub(in crate::routes) async fn look_up_subscription(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<OwnAnswer>, Failure> {
    let request: OwnSubscriptionRequest = parse(&call.body)?;
    if app.store.has_subscription(request.partner, request.partner_subscription_id).await? {
        Ok(Json(OwnAnswer { operator: app.config.operator.clone() }))
    } else {
        Err(Reject::new(Code::PaiNotFound, "There is no such subscription.").into())
    }
}
