//! What a caller gets when the answer to its call panics: 500 `internal-error`, and no other caller
//! notices. Such a panic is a mistake in this program; [`crate::app::panic_log`] says in the log
//! where it is.

use crate::fault::{Failure, Fault};
use crate::instruments::{Alarm, Instruments, raise_alarm};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Answers a call whose handler panics.
///
/// What the handler shares with others stays whole: the database rolls back what was not committed,
/// and what is kept in memory is behind locks that are held for single assignments only.
pub(super) async fn answer_panic(
    State(instruments): State<Arc<Instruments>>,
    request: Request,
    next: Next,
) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        raise_alarm!(instruments.alarms, Alarm::Panicked, "call", "a call has panicked");
        Failure::from(Fault::Broken("the call panicked")).into_response()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemClock;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt as _;

    async fn broken() -> &'static str {
        let places: [&str; 0] = [];
        let place = std::hint::black_box(1);
        places[place]
    }

    #[tokio::test]
    async fn panic_is_500_and_the_next_call_is_answered() {
        let instruments = Instruments::new(Arc::new(SystemClock));
        let router = Router::new()
            .route("/broken", get(broken))
            .route("/sound", get(async || "sound"))
            .layer(from_fn_with_state(instruments, answer_panic));
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
