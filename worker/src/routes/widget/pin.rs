//! `POST /widget/v1/pin`: the customer entered the PIN from the SMS. The origin counts the
//! attempts.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::admit_widget_call;
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::wire::edge::{FlowStep, PinRequest};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin gives the next step → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_pin<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, PinRequest>(call).await?;
    // 2.
    let next: FlowStep = query_for_widget(call, operator, "/edge/v1/pin", &request).await?;
    Ok(json_response(StatusCode::OK, &next)?)
}
