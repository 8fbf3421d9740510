//! `PUT /ott/v1/partnerSubscription/{partnerSubscriptionID}`: the partner changes the state of a
//! subscription, or its plan or price.

use crate::ambient::Clock;
use crate::charge::not_cut_over;
use crate::fault::Failure;
use crate::mandate::{TermsChanges, subscription_is_over, subscription_not_found};
use crate::routes::authentic::PartnerCall;
use crate::store::{ChangeSubscriptionResult, Store};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::ids::ExtId;
use onbill_domain::wire::ott::PartnerSubscriptionResponse;
use onbill_domain::wire::subscription::SubscriptionUpdate;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records the change: 503 `service-unavailable` if its PAI is dark; 404 `subscription-not-found`; 400
///    `invalid-request` for a subscription that has ended, unless the call reports just that. For the refusals of a
///    change of plan or price see [`TermsChanges::change_terms`].
/// 3. 200, also for every repetition.
///
/// A new status has no other effect. The PAI stays, so that the partner recognizes a customer who
/// returns. Of a subscription that was cancelled, the periods that had begun may still be charged.
pub(in crate::routes) async fn change_subscription(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(terms): State<Arc<TermsChanges>>,
    path: Result<Path<String>, PathRejection>,
    call: PartnerCall,
) -> Result<Json<PartnerSubscriptionResponse>, Failure> {
    // 1.
    let update = SubscriptionUpdate::parse(&call.body)?;
    // A path that is not UTF-8 gets the same response.
    let Path(id) = path.map_err(|_| subscription_not_found())?;
    let id = ExtId::parse(&id).ok_or_else(subscription_not_found)?;

    // 2.
    let status = match update {
        SubscriptionUpdate::Terms(change) => {
            // It is asked here too, so that no refusal of the terms comes before it.
            if store.is_dark_subscription(call.partner.clone(), id.clone()).await? {
                return Err(not_cut_over().into());
            }
            terms.change_terms(call.partner, call.nonce, id.clone(), change).await?
        }
        SubscriptionUpdate::Status(change) => {
            let status = change.status;
            let changed =
                store.change_subscription(call.nonce, clock.now(), call.partner, id.clone(), change);
            match changed.await? {
                ChangeSubscriptionResult::Current => status,
                ChangeSubscriptionResult::NotFound => return Err(subscription_not_found().into()),
                ChangeSubscriptionResult::NotCutOver => return Err(not_cut_over().into()),
                ChangeSubscriptionResult::Cancelled => return Err(subscription_is_over().into()),
            }
        }
    };

    // 3.
    let status = status.as_str().to_owned();
    Ok(Json(PartnerSubscriptionResponse { partner_subscription_id: id.to_string(), status }))
}
