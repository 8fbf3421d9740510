//! `POST /widget/v1/account/unlink`: the customer ends a link to a partner. KV learns of it from
//! the origin, as of any other closing.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::admit_widget_call;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::account_page::{UnlinkRequest, UnlinkResponse};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin ends it → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_account_unlink<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, UnlinkRequest>(call).await?;
    // 2.
    let response: UnlinkResponse =
        query_for_widget(call, &operator, "/edge/v1/account/unlink", &request).await?;
    Ok(json_response(StatusCode::OK, &response)?)
}
