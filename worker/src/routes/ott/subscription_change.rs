//! `PUT /ott/v1/partnerSubscription/{partnerSubscriptionID}`: a new status of a subscription at the
//! partner, or a new plan or price.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_owner::route_by_owner;
use crate::ott::by_transaction::parse_ext_id;
use crate::ott::owner::Resource;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::SubscriptionLookupRequest;
use onbill_domain::wire::ott::PartnerSubscriptionResponse;
use onbill_domain::wire::subscription::SubscriptionUpdate;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. The path has an identifier, the body the expected members, within their limits → else 400
///    `invalid-request`.
/// 3. The operator of the subscription is found → else 404 `subscription-not-found`; two claim it, or it
///    stays unknown → 503.
/// 4. Its origin records the change → 200, or its refusal; no valid response → 503, and the partner
///    retries.
pub(crate) async fn put_partner_subscription<P: Platform>(
    call: &Call<'_, P>,
    partner_subscription_id: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let partner_subscription_id = parse_ext_id(partner_subscription_id)?;
    SubscriptionUpdate::parse(call.request.body())?;
    // 3. and 4.
    let lookup = SubscriptionLookupRequest { partner: partner.id.clone(), partner_subscription_id };
    let resource = Resource {
        name: "a subscription",
        path: "/edge/v1/subscription",
        absent: Reject::new(ErrorCode::SubscriptionNotFound, "There is no such subscription."),
    };
    route_by_owner::<_, PartnerSubscriptionResponse>(call, partner, &resource, &lookup).await
}
