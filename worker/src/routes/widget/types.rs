//! `GET /widget/v1/onbill.d.ts`: the types of the element, those of the npm package.

use crate::response::new_response;
use crate::routes::widget::loader_script::allow_every_site;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};

const TYPES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/npm/onbill.d.ts"));
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// 200.
pub(crate) fn get_types() -> Response<Bytes> {
    let mut response = new_response(StatusCode::OK, PLAIN_TEXT, Bytes::from_static(TYPES.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    allow_every_site(headers);
    response
}
