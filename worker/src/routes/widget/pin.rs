//! `POST /widget/v1/pin`: the customer entered the PIN from the SMS. The origin counts the
//! attempts.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::account_words::LocaleField;
use crate::routes::widget::{admit_widget_call, step_response};
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::edge::{FlowStep, PinRequest};
use onbill_domain::wire::parse;

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin gives the next step → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_pin<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, PinRequest>(call).await?;
    let LocaleField { locale } = parse(call.request.body())?;
    // 2.
    let next: FlowStep = query_for_widget(call, &operator, "/edge/v1/pin", &request).await?;
    step_response(&next, locale)
}
