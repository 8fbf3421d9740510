//! `GET /widget/v1/logo/{logo}`: the logo of an operator or a partner, an SVG of the deployment's store
//! of settings. The frame shows it as a picture, in which no script runs and which loads nothing;
//! its own policy says the same for whoever opens its address.

use crate::admission::check_widget_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::new_response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::ids::LogoId;
use onbill_domain::limits::LOGO_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::kv::logo_key;

const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

/// A day: a logo that changes has another id.
const CACHE_POLICY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Its own styles, and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
);

/// 1. It could be a logo → else 404; the address is within its rate → else 429.
/// 2. The store has it → else 404; the store does not respond → 503. It is not too large → else 404,
///    and a warning.
/// 3. 200 with the SVG.
pub(crate) async fn get_logo<P: Platform>(
    call: &Call<'_, P>,
    logo: &str,
) -> Result<Response<Bytes>, HandlerError> {
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such logo.");
    // 1.
    let logo = LogoId::parse(logo).ok_or_else(not_found)?;
    check_widget_rate(call).await?;
    // 2.
    let values = call.platform.read_settings(&[logo_key(&logo)]).await.map_err(|_| {
        call.warn("the store of logos does not respond");
        Reject::service_unavailable()
    })?;
    let svg = values.into_iter().next().flatten().ok_or_else(not_found)?;
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
