//! `GET /widget/v1/font/{font}`: an operator's font, a WOFF2 that the deployment's store of settings has
//! in base64. The frame of that operator loads it, and no other page may.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::new_response;
use crate::routes::widget::asset::{CACHE_POLICY, not_found, read_asset};
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::encoding::decode_base64;
use onbill_domain::ids::FontId;
use onbill_domain::limits::FONT_BYTES_MAX;
use onbill_domain::wire::kv::font_key;

const WOFF2: HeaderValue = HeaderValue::from_static("font/woff2");

/// The first bytes of every WOFF2 (W3C WOFF2 §4.1).
const SIGNATURE: &[u8] = b"wOF2";

/// 1. It could be a font → else 404.
/// 2. The store has it → else 429, 404, 503. It is a WOFF2 of at most 100 KiB → else 404, and a
///    warning.
/// 3. 200 with the font.
pub(crate) async fn get_font<P: Platform>(
    call: &Call<'_, P>,
    font: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let font = FontId::parse(font).ok_or_else(not_found)?;
    // 2.
    let kept = read_asset(call, font_key(&font)).await?;
    // The tool that encodes it may end it with a line feed.
    let woff2 = decode_base64(kept.trim_end());
    let woff2 = woff2.filter(|woff2| woff2.starts_with(SIGNATURE) && woff2.len() <= FONT_BYTES_MAX);
    let Some(woff2) = woff2 else {
        call.warn("a font is too large, or is no WOFF2 in base64");
        return Err(not_found().into());
    };
    // 3.
    let mut response = new_response(StatusCode::OK, WOFF2, Bytes::from(woff2));
    response.headers_mut().insert(CACHE_CONTROL, CACHE_POLICY);
    Ok(response)
}
