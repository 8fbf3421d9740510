//! A stored response, replayed byte for byte.

use crate::call_outcome::CallOutcome;
use axum::Extension;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

pub(in crate::routes) fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let outcome = Extension(CallOutcome::of_stored_response(&body));
    (status, [(CONTENT_TYPE, "application/json")], outcome, body).into_response()
}
