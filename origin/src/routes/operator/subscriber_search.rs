//! `POST /operator/v1/subscribers/search`: care looks up the subscriber of a number. The number is in
//! the body: a URL is in the logs of everything on the way.

use crate::care::CareDesk;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::care::SubscriberSearchResponse;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the page of the present subscriber; for the refusals see [`CareDesk::search`]. Each call
/// is an entry in the audit, also one that finds no subscriber.
pub(in crate::routes) async fn search_subscriber(
    State(desk): State<Arc<CareDesk>>,
    call: OperatorCall,
) -> Result<Json<SubscriberSearchResponse>, Failure> {
    let request = parse(&call.body)?;
    Ok(Json(desk.search(Some(call.nonce), call.key, request).await?))
}
