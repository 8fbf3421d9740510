//! `POST /ott/v1/pin`: an app of the partner's wants a number that it has read to be proved by text message. Messages are
//! counted at the origin.

use crate::admission::device_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate;
use crate::ott::by_number::find_operator;
use crate::ott::forward::{forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::device::{DevicePinRequest, DevicePinResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429; within its rate for numbers → else 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. One operator is meant, and it sells the partner → else 400 `invalid-request`, `parameter-not-supported`.
/// 4. Its origin takes it → 202, the same for every number, or its refusal; no proper answer → 503.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate(call).await?;
    device_rate(call, partner.id.as_str()).await?;
    // 2.
    let question: DevicePinRequest = parse(call.request.body())?;
    // 3.
    let operator = find_operator(call, partner, question.operator.as_ref())?;
    // 4.
    relay::<DevicePinResponse>(&forward(call, operator, None).await?)
}
