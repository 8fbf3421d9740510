//! `POST /ott/v1/notification`: a message to a subscriber. Who that is, and how many they have had
//! today, only the origin knows.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_pai::route_by_pai;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::notification::{NotificationRequest, NotificationResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members, within their limits → else 400 `invalid-request`.
/// 3. The operator of the PAI is found → else 404 `pai-not-found`; it stays unknown → 503.
/// 4. Its origin accepts the message → 202, or its refusal; no valid response → 503, and the
///    partner retries, with the same `extNotificationID` if it has one.
pub(crate) async fn post_notification<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let notification: NotificationRequest = parse(call.request.body())?;
    notification.check()?;
    // 3. and 4.
    Ok(route_by_pai::<_, NotificationResponse>(call, partner, notification.pai).await?.response)
}
