//! Answers in JSON, and the headers that every answer has.

use crate::fault::Fault;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// The media type of everything but pages and scripts.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer with `body` as JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response<Bytes>, Fault> {
    let body = serde_json::to_vec(body).map_err(|_| Fault::Asset("an answer"))?;
    Ok(json_bytes(status, Bytes::from(body)))
}

/// An answer with JSON that is already written.
pub(crate) fn json_bytes(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A browser that has been here over TLS does not come without it for a year (RFC 6797); this host only, since what
/// else its domain serves is not ours to say.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what every answer has: nothing is guessed from the contents, and nothing is kept unless a route says so.
pub(crate) fn finish(response: &mut Response<Bytes>, over_tls: bool) {
    let headers = response.headers_mut();
    if over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
}
