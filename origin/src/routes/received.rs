//! A request, read whole and bounded in size, before any of it is trusted.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::LengthLimitError;
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use std::error::Error as _;

/// A request, read whole and bounded in size.
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Received {
    /// 413 `body-too-large`, 415 `unsupported-media-type`, 400 `invalid-request` for a body that
    /// does not arrive whole.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Reject> {
        let too_large = || Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB.");
        let (parts, body) = request.into_parts();
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
            if is_over_limit(&error) {
                too_large()
            } else {
                Reject::invalid_request("The body is incomplete.")
            }
        })?;
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

/// Whether the body was read up to the limit, and not cut off by its sender before.
fn is_over_limit(error: &axum::Error) -> bool {
    error.source().is_some_and(<dyn std::error::Error + 'static>::is::<LengthLimitError>)
}

/// Returns the media type without its parameters; `None` when there are several.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let first = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(first.split(';').next()?.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::io;

    async fn refusal(length: Option<&str>, chunks: Vec<io::Result<Vec<u8>>>) -> Option<&'static str> {
        let request = Request::post("/").header(CONTENT_TYPE, "application/json");
        let request = match length {
            Some(length) => request.header(CONTENT_LENGTH, length),
            None => request,
        };
        let request = request.body(Body::from_stream(stream::iter(chunks))).expect("is a request");
        Received::read(request).await.err().map(|reject| reject.code.as_str())
    }

    #[tokio::test]
    async fn body_that_is_cut_off_is_not_too_large() {
        let cut = || Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        assert_eq!(refusal(None, vec![Ok(b"{}".to_vec())]).await, None);
        assert_eq!(refusal(None, vec![Ok(b"{".to_vec()), cut()]).await, Some("invalid-request"));
        assert_eq!(refusal(Some("100"), vec![cut()]).await, Some("invalid-request"));
        let large = || Ok(vec![b' '; BODY_BYTES_MAX]);
        assert_eq!(refusal(None, vec![large()]).await, None);
        assert_eq!(refusal(None, vec![large(), Ok(vec![b' '])]).await, Some("body-too-large"));
        assert_eq!(refusal(None, vec![large(), large(), cut()]).await, Some("body-too-large"));
        assert_eq!(refusal(Some("16385"), vec![cut()]).await, Some("body-too-large"));
    }
}
