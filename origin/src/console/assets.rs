//! The style sheet. Its path has the hash of its contents, so that a browser may keep it permanently.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use std::sync::LazyLock;

const STYLE: &str = include_str!("console.css");
/// Bytes of the hash in the path: two style sheets of one program's history never share them.
const HASH_BYTES: usize = 9;

/// Where the style sheet of this program is.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| {
    let hash = sha256(STYLE.as_bytes());
    format!("/assets/console-{}.css", encode_base64url(&hash[..HASH_BYTES]))
});

/// 200 with the style sheet; 404 for that of another program.
pub(super) async fn style(uri: http::Uri) -> Response {
    if uri.path() != *STYLE_PATH {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLE).into_response()
}
