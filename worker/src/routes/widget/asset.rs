//! What an operator's brand adds to the widget: logos and fonts, in the deployment's store of settings.

use crate::admission::check_asset_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use http::HeaderValue;
use onbill_domain::reject::{ErrorCode, Reject};

/// A day: what changes has another id.
pub(super) const CACHE_POLICY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// 404 for what the store does not have.
pub(super) fn not_found() -> Reject {
    Reject::new(ErrorCode::NotFound, "There is nothing of this name.")
}

/// Reads what the store has at `key`: the address is within its rate for assets → else 429; the store
/// has it → else 404; the store does not respond → 503.
pub(super) async fn read_asset<P: Platform>(call: &Call<'_, P>, key: String) -> Result<String, HandlerError> {
    check_asset_rate(call).await?;
    let values = call.platform.read_settings(&[key]).await.map_err(|_| {
        call.warn("the store of logos and fonts does not respond");
        Reject::service_unavailable()
    })?;
    Ok(values.into_iter().next().flatten().ok_or_else(not_found)?)
}
