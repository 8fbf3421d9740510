//! `POST /widget/v1/result`: the frame asks what the signed result on the operator's return URL says.

use crate::answer::json;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::admit;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::edge::{ResultRequest, ResultResponse};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin, which signed it, reads it → 200, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit::<_, ResultRequest>(call).await?;
    // 2.
    let result: ResultResponse = query_for_widget(call, operator, "/edge/v1/result", &request).await?;
    Ok(json(StatusCode::OK, &result)?)
}
