//! `PUT /ott/v1/partnerSubscription/{partnerSubscriptionID}`: the partner changes the state of a
//! subscription.

use crate::ambient::Clock;
use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use crate::store::{ChangeSubscriptionResult, Store};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::PartnerSubscriptionResponse;
use onbill_domain::wire::parse;
use onbill_domain::wire::subscription::SubscriptionChange;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records the change: 404 `subscription-not-found`; 400 `invalid-request` for a subscription that has
///    ended, unless the call reports just that.
/// 3. 200, also for every repetition.
///
/// The change has no other effect. The PAI stays, so that the partner recognizes a customer who
/// returns; what may be charged for the subscription, and until when, is between the partner and
/// its customer.
pub(in crate::routes) async fn change_subscription(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    path: Result<Path<String>, PathRejection>,
    call: PartnerCall,
) -> Result<Json<PartnerSubscriptionResponse>, Failure> {
    // 1.
    let change: SubscriptionChange = parse(&call.body)?;
    change.check()?;
    let not_found = || Reject::new(ErrorCode::SubscriptionNotFound, "There is no such subscription.");
    // A path that is not UTF-8 gets the same response.
    let Path(id) = path.map_err(|_| not_found())?;
    let id = ExtId::parse(&id).ok_or_else(not_found)?;

    // 2.
    let status = change.status.as_str().to_owned();
    match store.change_subscription(call.nonce, clock.now(), call.partner, id.clone(), change).await? {
        ChangeSubscriptionResult::Current => {}
        ChangeSubscriptionResult::NotFound => return Err(not_found().into()),
        ChangeSubscriptionResult::Cancelled => {
            return Err(
                Reject::invalid_request("The subscription is over: a new one needs a new name.").into()
            );
        }
    }

    // 3.
    Ok(Json(PartnerSubscriptionResponse { partner_subscription_id: id.to_string(), status }))
}
