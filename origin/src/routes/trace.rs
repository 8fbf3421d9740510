//! The correlator and the trace: taken from the call or begun, present on every log line of the call,
//! and the correlator echoed in the response. Each call has one line that says what became of it.
//!
//! What the operator's systems call a correlator may have a number in it, and its work reaches
//! partners and the edge. So that one is echoed, and the work has one of our own. So has a page of the
//! console: the proxy before it is the operator's as well.

use crate::ambient::Random;
use crate::call_outcome::CallOutcome;
use crate::call_trace::CallTrace;
use crate::fault::Failure;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method};
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::reject::Reject;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// 400 `invalid-request` for a malformed correlator; otherwise the call runs within a span that
/// carries it.
pub(super) async fn with_correlator(
    State(random): State<Arc<dyn Random>>,
    request: Request,
    next: Next,
) -> Response {
    let path_is_operators = request.uri().path().starts_with("/operator/");
    run_correlated(&*random, request, next, path_is_operators).await
}

/// The same for a page of the console.
pub(super) async fn with_own_correlator(
    State(random): State<Arc<dyn Random>>,
    request: Request,
    next: Next,
) -> Response {
    run_correlated(&*random, request, next, true).await
}

async fn run_correlated(
    random: &dyn Random,
    request: Request,
    next: Next,
    caller_is_operator: bool,
) -> Response {
    let Some(trace) = CallTrace::read(request.headers(), random) else {
        let trace = CallTrace::begin(random);
        let span = call_span(&trace, &request);
        let mut response = span.in_scope(|| {
            Failure::from(Reject::invalid_request("x-correlator is malformed.")).into_response()
        });
        OpenCall::begin(span).answer(&mut response);
        echo_correlator(&mut response, &trace.correlator);
        return response;
    };
    let echoed = trace.correlator.clone();
    let was_given = request.headers().contains_key(HEADER);
    let trace = if caller_is_operator && was_given { trace.renamed(random) } else { trace };
    let span = call_span(&trace, &request);
    let call = OpenCall::begin(span.clone());
    let mut response = trace.scope(next.run(request)).instrument(span).await;
    call.answer(&mut response);
    echo_correlator(&mut response, &echoed);
    response
}

fn echo_correlator(response: &mut Response, correlator: &Correlator) {
    if let Ok(value) = HeaderValue::from_str(correlator.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
}

/// What is not known yet is recorded where it becomes known.
fn call_span(trace: &CallTrace, request: &Request) -> Span {
    let ids = trace.span_ids();
    // The route's pattern and not its path, because a path may contain a partner's identifier.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    tracing::info_span!(
        "call",
        correlator = %trace.correlator,
        trace_id = ids.trace_id,
        span_id = ids.span_id,
        parent_span_id = ids.parent_span_id,
        sampled = ids.is_sampled,
        method = method_word(request.method()),
        route,
        partner = Empty,
        status = Empty,
        outcome = Empty,
        reason = Empty,
        transaction_id = Empty,
        refund_id = Empty,
        duration_ms = Empty,
    )
}

/// A method may be any text of the caller's: only those that a route takes are repeated.
fn method_word(method: &Method) -> &str {
    let is_taken = [Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(method);
    if is_taken { method.as_str() } else { "other" }
}

/// A call that has no response yet. Its line is written when it gets one, or when its caller is gone.
struct OpenCall {
    span: Span,
    began_at: Instant,
    is_answered: bool,
}

impl OpenCall {
    fn begin(span: Span) -> Self {
        Self { span, began_at: Instant::now(), is_answered: false }
    }

    fn answer(mut self, response: &mut Response) {
        self.is_answered = true;
        let outcome = response.extensions_mut().remove::<CallOutcome>();
        let outcome = outcome.unwrap_or_else(|| CallOutcome::of_status(response.status()));
        self.span.record("status", response.status().as_u16());
        self.record(&outcome);
        tracing::info!(parent: &self.span, "answered");
    }

    fn record(&self, outcome: &CallOutcome) {
        self.span.record("outcome", outcome.word);
        self.span.record("reason", outcome.reason);
        self.span.record("transaction_id", outcome.transaction_id.as_deref());
        self.span.record("refund_id", outcome.refund_id.as_deref());
        self.span.record("duration_ms", self.began_at.elapsed().as_secs_f64() * 1000.0);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.is_answered {
            self.record(&CallOutcome::abandoned());
            tracing::info!(parent: &self.span, "abandoned");
        }
    }
}
