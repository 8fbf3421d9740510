//! `GET /widget/v1/onbill.js`: the script that an operator's page includes.

use crate::answer::json_bytes;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use std::sync::LazyLock;

const SCRIPT: &str = include_str!("../../../widget/onbill.js");

/// Five minutes, and a day in which the old one is shown while the new one is fetched: a mended loader reaches every
/// page the same hour, and no page waits for it.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");

static TAG: LazyLock<String> =
    LazyLock::new(|| format!("\"{}\"", encode_base64url(&sha256(SCRIPT.as_bytes()))));

/// 1. The browser has this very script → 304.
/// 2. 200 with the script; any site may include it, and no site may read it as anything but a script.
pub(crate) fn get(headers: &HeaderMap) -> Response<Bytes> {
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_ours = |tag: &str| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == TAG.as_str();
    let mut response = if known.flat_map(|list| list.split(',')).any(is_ours) {
        // 1.
        json_bytes(StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        // 2.
        json_bytes(StatusCode::OK, Bytes::from_static(SCRIPT.as_bytes()))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(CACHE_CONTROL, CACHE);
    if let Ok(tag) = HeaderValue::from_str(&TAG) {
        headers.insert(ETAG, tag);
    }
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    response
}
