//! `GET /widget/v1/onbill.js`: the script that an operator's page includes, as of this release.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::loader_script::LoaderScript;
use bytes::Bytes;
use http::header::{ACCEPT_LANGUAGE, VARY};
use http::{HeaderValue, Response};

/// Five minutes, and a day in which the old script is used while the new one is fetched: a fixed
/// loader reaches every page within the hour, and no page waits for it.
const CACHE_POLICY: HeaderValue =
    HeaderValue::from_static("public, max-age=300, stale-while-revalidate=86400");

/// 1. The call came to an address of this edge that the deployment names → else 404.
/// 2. The browser has this version of the script → 304; else 200 with the script, in the browser's
///    language or that of the parameter `locale`.
pub(crate) fn get_loader<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let script = LoaderScript::find(call)?;
    // 2.
    let mut response = script.respond(call.request.headers(), CACHE_POLICY)?;
    response.headers_mut().insert(VARY, HeaderValue::from(ACCEPT_LANGUAGE));
    Ok(response)
}
