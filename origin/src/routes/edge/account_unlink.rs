//! `POST /edge/v1/account/unlink`: the subscriber of a proven number ends a link to a partner.

use crate::ambient::Clock;
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::flow::{AccountPages, subscription_not_found};
use crate::routes::authentic::EdgeCall;
use crate::store::{Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::account_page::{UnlinkRequest, UnlinkResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. The flow must belong to the present subscriber of the number: see
///    [`AccountPages::find_owner`] for the refusals.
/// 2. The name must be that of one of the subscriber's links: 400 `invalid-request`.
/// 3. Closes the PAI permanently. The queue reports it to the partner and the edge, and a pending
///    charge is declined when it is submitted to billing.
/// 4. 200 with the present state of the link, also for every repeated call.
pub(in crate::routes) async fn unlink(
    State(pages): State<Arc<AccountPages>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    call: EdgeCall,
) -> Result<Json<UnlinkResponse>, Failure> {
    // 1.
    let request: UnlinkRequest = parse(&call.body)?;
    let owner = pages.find_owner(&request.flow).await?;
    // 2.
    let pai = pages.find_pai(&owner, &request.flow, &request.subscription).await?;
    // 3.
    let link = store.unlink_partner(call.nonce, clock.now(), owner.number, owner.subscriber_ref, pai).await?;
    let link = link.ok_or_else(subscription_not_found)?;
    wake_up.wake(Queue::All);
    // 4.
    Ok(Json(UnlinkResponse { subscription: pages.view_subscription(&request.flow, &link, None) }))
}
