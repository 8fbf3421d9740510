//! What a caller gets when the answer to its call panics: 500 `internal-error`, and nobody else
//! notices. Such a panic is a mistake in this program; [`crate::app::panic_log`] says in the log
//! where it is.

use crate::fault::{Failure, Fault};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;

/// Answers a call whose handler panics.
///
/// What the handler shares with others stays whole: the database rolls back what was not committed,
/// and what is kept in memory is behind locks that are held for single assignments only.
pub(super) async fn answer_panic(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| Failure::from(Fault::Broken("the call panicked")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    async fn broken() -> &'static str {
        let none: Option<&str> = None;
        none.expect("is never there")
    }

    #[tokio::test]
    async fn panic_is_500_and_the_next_call_is_answered() {
        let router = Router::new()
            .route("/broken", get(broken))
            .route("/sound", get(async || "sound"))
            .layer(from_fn(answer_panic));
        for (path, status, has) in [
            ("/broken", StatusCode::INTERNAL_SERVER_ERROR, "internal-error"),
            ("/sound", StatusCode::OK, "sound"),
        ] {
            let request = Request::get(path).body(Body::empty()).expect("is a request");
            let response = router.clone().oneshot(request).await.expect("is infallible");
            assert_eq!(response.status(), status);
            let body = to_bytes(response.into_body(), 1_000).await.expect("is small");
            assert!(String::from_utf8_lossy(&body).contains(has), "{body:?}");
        }
    }
}
