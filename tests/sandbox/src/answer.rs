//! Responses of the simulated parties' APIs: JSON, refusals, correlators, and the choice between a
//! page and JSON.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, http};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::reject::Reject;
use onbill_domain::trace_context::{self, TraceParent};
use serde_json::json;

/// A refusal as a handler's response.
#[derive(Debug)]
pub struct Refusal(pub Reject);

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Self(reject)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        http::Response::<Bytes>::from(self.0).map(Body::from)
    }
}

/// `GET /healthz`.
pub async fn healthz() -> impl IntoResponse {
    Json(json!({"status": "ok"}))
}

/// Whether the caller asked for JSON rather than a page.
pub fn wants_json(headers: &HeaderMap) -> bool {
    has_json(headers, &ACCEPT)
}

/// Whether the caller sent JSON.
pub fn sent_json(headers: &HeaderMap) -> bool {
    has_json(headers, &CONTENT_TYPE)
}

fn has_json(headers: &HeaderMap, name: &http::HeaderName) -> bool {
    headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').any(|part| {
            part.split(';')
                .next()
                .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        })
    })
}

/// Echoes a well-formed `x-correlator` and refuses a malformed one. It generates none. A call of onbill
/// also has a well-formed `traceparent`; anything else in it is refused here, so that it is noticed.
/// The log has a line with both for each call.
pub async fn correlate(State(party): State<&'static str>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let trace =
        headers.get(trace_context::HEADER).map(|value| value.to_str().ok().and_then(TraceParent::parse));
    if trace == Some(None) {
        return Refusal(Reject::invalid_request("traceparent is malformed.")).into_response();
    }
    let trace = trace.flatten().map(|trace| trace.trace_id().to_string());
    let Some(value) = headers.get(HEADER) else { return next.run(request).await };
    let Some(correlator) = value.to_str().ok().and_then(Correlator::parse) else {
        return Refusal(Reject::invalid_request("x-correlator is malformed.")).into_response();
    };
    let mut response = next.run(request).await;
    tracing::info!(party, %correlator, trace, status = response.status().as_u16(), "a call was answered");
    if let Ok(value) = HeaderValue::from_str(correlator.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
