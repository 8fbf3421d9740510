//! `GET /widget/v1/onbill.json`: what a page that names the loader's `integrity` has to write.

use crate::admission::check_widget_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::hashed_loader::kv_key;
use crate::routes::widget::loader_script::{LoaderScript, allow_every_site};
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::reject::Reject;
use serde::Serialize;

#[derive(Serialize)]
struct LoaderFacts {
    /// Where this version is, unchanged.
    url: String,
    integrity: String,
    /// The types of the element.
    types: String,
}

/// 1. The call came to an address of this edge that the deployment names → else 404; the address is
///    within its rate → else 429.
/// 2. KV keeps the present version → else 503: what is named here has to be served after the next
///    release too.
/// 3. 200 with its address and its hash, in the browser's language or that of the parameter `locale`.
pub(crate) async fn get_loader_facts<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let script = LoaderScript::find(call)?;
    check_widget_rate(call).await?;
    // 2.
    keep_facts(call, &script).await?;
    // 3.
    let base = format!("{}/widget/v1", call.site_origin);
    let facts = LoaderFacts {
        url: format!("{base}/onbill/{}.js", script.hash()),
        integrity: script.integrity(),
        types: format!("{base}/onbill.d.ts"),
    };
    let mut response = json_response(StatusCode::OK, &facts)?;
    allow_every_site(response.headers_mut());
    Ok(response)
}

async fn keep_facts<P: Platform>(call: &Call<'_, P>, script: &LoaderScript) -> Result<(), Reject> {
    let key = kv_key(&script.hash());
    let is_kept = |kept: Option<String>| kept.is_some_and(|kept| kept.as_bytes() == script.text());
    if call.platform.kv_get(&key).await.is_ok_and(is_kept) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(script.text());
    call.platform.kv_put(&key, &text).await.map_err(|_| {
        call.warn("KV does not keep the loader");
        Reject::service_unavailable()
    })
}
