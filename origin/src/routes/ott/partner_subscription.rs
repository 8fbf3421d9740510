//! `POST /ott/v1/partnerSubscription`: the customer has finished the sign-up at the partner.

use super::routed;
use crate::ambient::Clock;
use crate::fault::Failure;
use crate::keys::StableIds;
use crate::routes::authentic::PartnerCall;
use crate::store::{RecordSubscriptionResult, Store};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 201 when recorded, 200 with the same response when it was recorded before; 404 `pai-not-found`;
/// 422 `idempotency-violation` when the partner has used the id for something else; 400
/// `account-not-eligible` when the PAI has another live subscription.
pub(in crate::routes) async fn record_subscription(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(ids): State<Arc<StableIds>>,
    call: PartnerCall,
) -> Result<(StatusCode, Json<PartnerSubscriptionResponse>), Failure> {
    let request: PartnerSubscriptionRequest = parse(&call.body)?;
    routed::check_routing(&store, &call, request.pai).await?;
    let new_id = ids.subscription(&call.partner, &request.ext_subscription_id);
    let reject = match store
        .record_subscription(call.nonce, clock.now(), call.partner, new_id, request)
        .await?
    {
        RecordSubscriptionResult::Created(answer) => return Ok((StatusCode::CREATED, Json(answer))),
        RecordSubscriptionResult::Replayed(answer) => return Ok((StatusCode::OK, Json(answer))),
        RecordSubscriptionResult::Conflict => Reject::new(
            ErrorCode::IdempotencyViolation,
            "extSubscriptionID was used for another subscription.",
        ),
        RecordSubscriptionResult::PaiNotFound => Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
        RecordSubscriptionResult::AlreadyOnBill => {
            Reject::new(ErrorCode::AccountNotEligible, "The PAI has a live subscription already.")
        }
    };
    Err(reject.into())
}
