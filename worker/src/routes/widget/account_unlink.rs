//! `POST /widget/v1/account/unlink`: the customer ends a link to a partner. The store learns of it from the origin, as of
//! any other closing.

use crate::answer::json;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::admit;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::account_page::{UnlinkRequest, UnlinkResponse};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin ends it → 200, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit::<_, UnlinkRequest>(call).await?;
    // 2.
    let answer: UnlinkResponse =
        query_for_widget(call, operator, "/edge/v1/account/unlink", &request).await?;
    Ok(json(StatusCode::OK, &answer)?)
}
