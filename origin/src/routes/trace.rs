//! The correlator and the trace: taken from the call or begun, present on every log line of the call,
//! and the correlator echoed in the response.
//!
//! What the operator's systems call a correlator may have a number in it, and its work reaches
//! partners and the edge. So that one is echoed, and the work has one of our own.

use crate::ambient::Random;
use crate::call_trace::CallTrace;
use crate::fault::Failure;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use onbill_domain::correlator::HEADER;
use onbill_domain::reject::Reject;
use std::sync::Arc;
use tracing::Instrument as _;

/// 400 `invalid-request` for a malformed correlator; otherwise the call runs within a span that
/// carries it.
pub(super) async fn with_correlator(
    State(random): State<Arc<dyn Random>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(trace) = CallTrace::read(request.headers(), &*random) else {
        return Failure::from(Reject::invalid_request("x-correlator is malformed.")).into_response();
    };
    let echoed = trace.correlator.clone();
    let path_is_operators = request.uri().path().starts_with("/operator/");
    let was_given = request.headers().contains_key(HEADER);
    let trace = if path_is_operators && was_given { trace.renamed(&*random) } else { trace };
    let CallTrace { correlator, parent } = trace.clone();
    // The route's pattern and not its path, because a path may contain a partner's identifier.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("call", %correlator, trace = %parent.trace_id(), %method, route);
    let work = async {
        let mut response = next.run(request).await;
        tracing::info!(status = response.status().as_u16(), "answered");
        if let Ok(value) = HeaderValue::from_str(echoed.as_str()) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    };
    trace.scope(work).instrument(span).await
}
