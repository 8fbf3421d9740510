//! `GET /ott/v1/echo`: what onbill sees of a partner's call. An operator's origin answers, so that the
//! partner can try the signature of a response as well.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_number::choose_operator;
use crate::ott::by_owner::find_named_operator;
use crate::ott::forward::{forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::ott::EchoResponse;

/// 1. The call is a partner's → else 401, 429.
/// 2. One operator is meant, and it sells the partner → else 400 `invalid-request`,
///    `parameter-not-supported`.
/// 3. Its origin answers → 200; no valid response → 503.
pub(crate) async fn get_echo<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let operator = match find_named_operator(call, partner).await? {
        Some(named) => named,
        None => choose_operator(call, partner, None).await?,
    };
    // 3.
    relay::<EchoResponse>(&forward(call, &operator, None).await?)
}
