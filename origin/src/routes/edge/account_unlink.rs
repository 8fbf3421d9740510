//! `POST /edge/v1/account/unlink`: the holder of a proven number ends a link to a partner.

use super::own_page::{Owner, not_theirs, subscription};
use crate::app::App;
use crate::fault::Failure;
use crate::routes::authentic::EdgeCall;
use axum::Json;
use axum::extract::State;
use onbill_domain::wire::account_page::{UnlinkRequest, UnlinkResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. The flow must be that of the number's present holder: see [`Owner::of_flow`] for the refusals.
/// 2. The name must be that of a link of theirs: 400 `invalid-request`.
/// 3. Closes the PAI, for ever. Partner and edge are told by the outbox, and a charge that waits is declined by the
///    hand-off.
/// 4. 200 with the link as it stands now, however often it is asked for.
pub(in crate::routes) async fn unlink(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<UnlinkResponse>, Failure> {
    // 1.
    let request: UnlinkRequest = parse(&call.body)?;
    let owner = Owner::of_flow(&app, &request.flow).await?;
    // 2.
    let pai = owner.pai(&app, &request.flow, &request.subscription).await?;
    // 3.
    let link = app.store.unlink(call.nonce, app.now(), owner.number, owner.generation, pai).await?;
    let link = link.ok_or_else(not_theirs)?;
    app.ring_outbox();
    // 4.
    Ok(Json(UnlinkResponse { subscription: subscription(&app, &request.flow, &link) }))
}
