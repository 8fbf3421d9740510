//! Counts the requests and measures how long they take, by the pattern of their route.

use crate::instruments::Instruments;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;

/// The outermost layer: what other layers refuse is counted as well.
pub(super) async fn measure_request(
    State(instruments): State<Arc<Instruments>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let under_way = instruments.metrics.requests.begin(route.map(MatchedPath::as_str), request.method());
    let response = next.run(request).await;
    under_way.end(response.status());
    response
}
