//! `POST /edge/v1/result`: the widget, on the operator's page again, shows how the visit ended.

use crate::ambient::Clock;
use crate::config::Config;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::key::Keyring;
use onbill_domain::token::{self, ResultClaims};
use onbill_domain::wire::edge::{ResultRequest, ResultResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the contents of a genuine result; 400 `token-invalid` or `token-expired`.
pub(in crate::routes) async fn check_result(
    State(config): State<Arc<Config>>,
    State(keys): State<Arc<Keyring>>,
    State(clock): State<Arc<dyn Clock>>,
    call: EdgeCall,
) -> Result<Json<ResultResponse>, Failure> {
    let request: ResultRequest = parse(&call.body)?;
    let claims: ResultClaims = token::verify(&keys, config.operator.as_str(), clock.now(), &request.result)?;
    let offer = config.find_offer(&claims.offer)?;
    let account_url = config.account_url.clone();
    Ok(Json(ResultResponse { outcome: claims.outcome, offer: offer.to_view(), account_url }))
}
