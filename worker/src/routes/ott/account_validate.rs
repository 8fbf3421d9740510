//! `POST /ott/v1/account/validate`: a partner's app has read a number on a device. The origin
//! decides whether its subscriber may pay on the bill; the edge keeps nothing of the number.

use crate::admission::check_device_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_number::choose_operator;
use crate::ott::forward::{forward, relay_expected};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::device::{DeviceValidateRequest, DeviceValidateResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429; within its rate for numbers → else 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. One operator is meant, and it sells the partner → else 400 `invalid-request`,
///    `parameter-not-supported`.
/// 4. Its origin identifies the subscriber → 200, or its refusal; no valid response, or one for
///    another operator's subscriber → 503.
pub(crate) async fn post_account_validate<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    check_device_rate(call, partner.id.as_str()).await?;
    // 2.
    let request: DeviceValidateRequest = parse(call.request.body())?;
    // 3.
    let operator = choose_operator(call, partner, request.operator.as_ref()).await?;
    // 4.
    let response = forward(call, &operator, None).await?;
    let is_own = |body: &DeviceValidateResponse| body.operator == operator.id;
    relay_expected(&response, is_own, "a subscriber as another operator's")
}
