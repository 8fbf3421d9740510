//! `GET /widget/v1/onbill/{file}`: one version of the loader, by its hash. A page that names its
//! `integrity` includes it from here, and continues to work after the next release: KV keeps each
//! version that `loader_facts.rs` has named. What KV has is not believed: it must have the hash.

use crate::admission::check_widget_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::loader_script::LoaderScript;
use bytes::Bytes;
use http::{HeaderValue, Response};
use onbill_domain::reject::{ErrorCode, Reject};

/// A year, the longest that caches agree on.
const CACHE_POLICY: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The characters of a SHA-256 in base64url.
const HASH_LENGTH: usize = 43;

/// The key of a version in KV.
pub(super) fn kv_key(hash: &str) -> String {
    format!("loader/{hash}")
}

/// 1. The call came to an address of this edge that the deployment names → else 404.
/// 2. It is the present version in one of the languages → 304 or 200, whatever KV does.
/// 3. It could be another version → else 404; the address is within its rate → else 429; KV has a
///    script with this hash → 304 or 200, else 404; KV does not respond → 503.
pub(crate) async fn get_hashed_loader<P: Platform>(
    call: &Call<'_, P>,
    file: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1. and 2.
    let hash = file.strip_suffix(".js").unwrap_or_default();
    if let Some(present) = LoaderScript::find_by_hash(call, hash)? {
        return Ok(present.respond(call.request.headers(), CACHE_POLICY)?);
    }
    // 3.
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such version of the loader.");
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if hash.len() != HASH_LENGTH || !hash.bytes().all(is_character) {
        return Err(not_found().into());
    }
    check_widget_rate(call).await?;
    let kept = call.platform.kv_get(&kv_key(hash)).await.map_err(|_| {
        call.warn("KV does not respond");
        Reject::service_unavailable()
    })?;
    let script = kept.map(LoaderScript::new).filter(|script| script.hash() == hash).ok_or_else(not_found)?;
    Ok(script.respond(call.request.headers(), CACHE_POLICY)?)
}
