//! Responses of the edge, and the headers that every one of them has.

use crate::fault::Fault;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// The media type of everything but pages and scripts.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A response with `body` as JSON.
pub(crate) fn json_response<T: Serialize>(status: StatusCode, body: &T) -> Result<Response<Bytes>, Fault> {
    let body = serde_json::to_vec(body).map_err(|_| Fault::Asset("a response"))?;
    Ok(new_response(status, JSON, Bytes::from(body)))
}

/// A response with a body that is already written.
pub(crate) fn new_response(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// A browser that came over TLS does not come without it for a year (RFC 6797). It holds for this
/// host only: what else its domain serves is not ours to decide.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what every response has: its type is not to be guessed from its contents, and it is not
/// stored unless a route allows it.
pub(crate) fn add_common_headers(response: &mut Response<Bytes>, over_tls: bool) {
    let headers = response.headers_mut();
    if over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(NO_STORE);
}
