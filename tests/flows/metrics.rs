//! What `/metrics` shows of the whole system: the truth, in text that is strictly OpenMetrics, with
//! labels that no caller can choose.

mod dashboard;
mod expressions;
mod made_up_callers;
mod monitoring;
mod month;
mod open_metrics;
mod readiness;
mod rules;
mod several_origins;
mod slow_ledger;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use onbill_origin::instruments::OPEN_METRICS;
use onbill_test_harness::{TestOrigin, TestSystem};
use open_metrics::Page;
use serde_json::Value;
use tower::ServiceExt as _;

/// Longer than figures of the ledger are shown again, in seconds.
const FIGURES_FRESH: i64 = 5;

/// The page of a program, with figures of this moment.
async fn scrape(system: &TestSystem, origin: &TestOrigin) -> Page {
    system.advance_seconds(FIGURES_FRESH);
    let (status, page) = ask(&origin.app.admin_router(), "/metrics").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    Page::read(&page).unwrap_or_else(|complaint| panic!("{complaint} in\n{page}"))
}

/// The page of Acme's only program, or of the first one.
async fn scrape_acme(system: &TestSystem) -> Page {
    scrape(system, &system.acme.origins[0]).await
}

/// The text of a page.
pub(crate) async fn scrape_text(router: &Router) -> String {
    ask(router, "/metrics").await.1
}

/// What the admin listener answers. Of metrics, it also checks that they say what they are.
async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).expect("is a request");
    let response = router.clone().oneshot(request).await.expect("answers");
    if path == "/metrics" {
        assert_eq!(response.headers()["content-type"], OPEN_METRICS);
    }
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("arrives");
    (status, String::from_utf8(body.to_vec()).expect("is UTF-8"))
}

async fn ask_json(router: &Router, path: &str) -> (StatusCode, Value) {
    let (status, body) = ask(router, path).await;
    (status, serde_json::from_str(&body).expect("is JSON"))
}
