//! `POST /ott/v1/account/validate`: an app of the partner's has read a number on a device. The origin knows whether its
//! subscriber may pay on the bill, and who they are; nothing of the number stays here.

use crate::admission::device_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate;
use crate::ott::by_number::find_operator;
use crate::ott::forward::{forward, relay_expected};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::device::{DeviceValidateRequest, DeviceValidateResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429; within its rate for numbers → else 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. One operator is meant, and it sells the partner → else 400 `invalid-request`, `parameter-not-supported`.
/// 4. Its origin says who the subscriber is → 200, or its refusal; no proper answer, or one for another operator's
///    subscriber → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate(call).await?;
    device_rate(call, partner.id.as_str()).await?;
    // 2.
    let question: DeviceValidateRequest = parse(call.request.body())?;
    // 3.
    let operator = find_operator(call, partner, question.operator.as_ref())?;
    // 4.
    let response = forward(call, operator, None).await?;
    let is_own = |body: &DeviceValidateResponse| body.operator == operator.id;
    relay_expected(&response, is_own, "a subscriber as another operator's")
}
