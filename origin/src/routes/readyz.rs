//! `GET /readyz`: whether calls should come here, and if not, why.

use crate::readiness::{NotReady, Readiness};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use onbill_domain::reject::ErrorCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// 200 while the origin is ready; 503 `service-unavailable` with the words of [`NotReady`] that say
/// why it is not.
pub(super) async fn readyz(State(readiness): State<Arc<Readiness>>) -> (StatusCode, Json<Value>) {
    let reasons = readiness.reasons().into_iter().filter(|(_, holds)| *holds);
    let reasons: Vec<&str> = reasons.map(|(reason, _)| NotReady::as_str(reason)).collect();
    if reasons.is_empty() {
        return (StatusCode::OK, Json(json!({ "status": "ready" })));
    }
    let code = ErrorCode::ServiceUnavailable;
    let body = json!({ "code": code.as_str(), "message": "The origin is not ready.", "reasons": reasons });
    (code.status(), Json(body))
}
