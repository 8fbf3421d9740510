//! `GET /widget/v1/logo/{logo}`: the logo of an operator or a partner, an SVG of the deployment's store
//! of settings. The frame shows it as a picture, in which no script runs and which loads nothing;
//! its own policy says the same where its address is opened.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::new_response;
use crate::routes::widget::asset::{CACHE_POLICY, not_found, read_asset};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::ids::LogoId;
use onbill_domain::limits::LOGO_BYTES_MAX;
use onbill_domain::wire::kv::logo_key;

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// Its own styles, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
);

/// 1. It could be a logo → else 404.
/// 2. The store has it → else 429, 404, 503. It has at most 16 KiB → else 404, and a warning.
/// 3. 200 with the SVG.
pub(crate) async fn get_logo<P: Platform>(
    call: &Call<'_, P>,
    logo: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let logo = LogoId::parse(logo).ok_or_else(not_found)?;
    // 2.
    let svg = read_asset(call, logo_key(&logo)).await?;
    if svg.len() > LOGO_BYTES_MAX {
        call.warn("a logo is too large to be shown");
        return Err(not_found().into());
    }
    // 3.
    let mut response = new_response(StatusCode::OK, SVG, Bytes::from(svg));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, CACHE_POLICY);
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
