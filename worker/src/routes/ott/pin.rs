//! `POST /ott/v1/pin`: a partner's app wants a number that it has read to be proved by a PIN in an
//! SMS. The origin counts the SMS.

use crate::admission::check_device_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_number::choose_operator;
use crate::ott::forward::{forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::device::{DevicePinRequest, DevicePinResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429; within its rate for numbers → else 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. One operator is meant, and it sells the partner → else 400 `invalid-request`,
///    `parameter-not-supported`.
/// 4. Its origin accepts it → 202, the same for every number, or its refusal; no valid response →
///    503.
pub(crate) async fn post_pin<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    check_device_rate(call, partner.id.as_str()).await?;
    // 2.
    let request: DevicePinRequest = parse(call.request.body())?;
    // 3.
    let operator = choose_operator(call, partner, request.operator.as_ref()).await?;
    // 4.
    relay::<DevicePinResponse>(&forward(call, &operator, None).await?)
}
