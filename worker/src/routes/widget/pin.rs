//! `POST /widget/v1/pin`: the customer entered the code from the text message. Tries are counted at the origin.

use crate::answer::json;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::admit;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::edge::{FlowStep, PinRequest};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin says what comes next → 200, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit::<_, PinRequest>(call).await?;
    // 2.
    let next: FlowStep = query_for_widget(call, operator, "/edge/v1/pin", &request).await?;
    Ok(json(StatusCode::OK, &next)?)
}
