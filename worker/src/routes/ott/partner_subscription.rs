//! `POST /ott/v1/partnerSubscription`: the customer has completed the sign-up at the partner.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_pai::route_by_pai;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. The operator of the PAI is found → else 404 `pai-not-found`; it stays unknown → 503.
/// 4. Its origin records the subscription → 201 or 200, or its refusal; no valid response → 503.
pub(crate) async fn post_partner_subscription<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let request: PartnerSubscriptionRequest = parse(call.request.body())?;
    // 3. and 4.
    Ok(route_by_pai::<_, PartnerSubscriptionResponse>(call, partner, request.pai).await?.response)
}
