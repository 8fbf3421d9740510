//! Notes the refused calls of customers on their way to a subscription, for the counts of the day.

use crate::call_outcome::CallOutcome;
use crate::instruments::Instruments;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// Inside of the layer that takes the outcome of the call for its log line.
pub(super) async fn note_refused_visit(
    State(instruments): State<Arc<Instruments>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    if response.status().is_client_error()
        && let Some(route) = route
        && let Some(code) = response.extensions().get::<CallOutcome>().and_then(|outcome| outcome.reason)
    {
        instruments.refused_visits.note(route.as_str(), code);
    }
    response
}
