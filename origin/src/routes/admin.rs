//! The routes of the admin listener, for the people and programs that run the origin. They are not
//! signed: the listener's address decides who reaches them. They change nothing.

use super::state::RouteState;
use super::{healthz, readyz, start, version};
use crate::fault::Failure;
use crate::instruments::OPEN_METRICS;
use crate::metrics_page::MetricsPage;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use onbill_domain::reject::{ErrorCode, Reject};
use std::sync::Arc;

pub fn admin_router(state: RouteState) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/livez", get(healthz::livez))
        .route("/readyz", get(readyz::readyz))
        .route("/version", get(version::version))
        .fallback(start::get_admin_start)
        .method_not_allowed_fallback(|| async {
            Failure::from(Reject::new(ErrorCode::MethodNotAllowed, "The path does not take this method."))
        })
        .with_state(state)
}

/// 200 with all series in the text form of OpenMetrics, within five seconds.
async fn show_metrics(State(page): State<Arc<MetricsPage>>) -> Result<impl IntoResponse, Failure> {
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], page.render().await?))
}
