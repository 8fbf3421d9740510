//! A request, read whole and bounded in size, before any of it is trusted.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Uri};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};

/// A request, read whole and bounded in size.
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Received {
    /// 413 `body-too-large`, 415 `unsupported-media-type`.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Reject> {
        let too_large = || Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB.");
        let (parts, body) = request.into_parts();
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
        // A request without a body has no content type.
        if [Method::POST, Method::PUT].contains(&parts.method)
            && !body.is_empty()
            && !content_type(&parts.headers)
                .is_some_and(|found| found.eq_ignore_ascii_case("application/json"))
        {
            return Err(Reject::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."));
        }
        Ok(Self { method: parts.method, uri: parts.uri, headers: parts.headers, body })
    }
}

/// Returns the media type without its parameters.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    Some(headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim())
}
