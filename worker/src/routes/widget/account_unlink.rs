//! `POST /widget/v1/account/unlink`: the customer ends a link to a partner. The store learns of it from the origin, as of
//! any other closing.

use crate::answer::json;
use crate::call::Call;
use crate::fault::Stop;
use crate::origin::ask;
use crate::platform::Platform;
use crate::routes::widget::admit;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::account_page::{UnlinkRequest, UnlinkResponse};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin ends it → 200, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, Stop> {
    // 1.
    let (operator, question) = admit::<_, UnlinkRequest>(call).await?;
    // 2.
    let answer: UnlinkResponse = ask(call, operator, "/edge/v1/account/unlink", &question).await?;
    Ok(json(StatusCode::OK, &answer)?)
}
