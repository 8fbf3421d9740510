//! Fault injection: how a test makes a party's endpoint fail, before or after it has acted.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::{Deserialize, Serialize};

use super::answer::Refusal;

/// The fault of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    #[default]
    None,
    /// 503, nothing done.
    Down,
    /// No response, nothing done.
    Hang,
    /// 200 with a truncated body, nothing done.
    Garbage,
    /// 500 after acting.
    ErrorAfter,
    /// No response after acting.
    HangAfter,
}

/// Runs the rest of the request under a fault.
pub async fn interpose(fault: Fault, request: Request, next: Next) -> Response {
    match fault {
        Fault::None => next.run(request).await,
        Fault::Down => Refusal(Reject::service_unavailable()).into_response(),
        Fault::Hang => std::future::pending().await,
        Fault::Garbage => {
            ([(CONTENT_TYPE, "application/json")], Body::from(r#"{"status":"APPR<html>502 Bad Gat"#))
                .into_response()
        }
        Fault::ErrorAfter => {
            next.run(request).await;
            Refusal(Reject::new(ErrorCode::InternalError, "Something failed after the work was done."))
                .into_response()
        }
        Fault::HangAfter => {
            next.run(request).await;
            std::future::pending().await
        }
    }
}
