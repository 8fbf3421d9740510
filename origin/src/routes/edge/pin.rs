//! `POST /edge/v1/pin`: a customer entered a PIN.

use super::after_proof::AfterProof;
use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::pin;
use crate::routes::authentic::EdgeCall;
use crate::routes::standing;
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::wire::edge::{FlowStep, PinRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Tries the PIN, which counts: 400 `pin-invalid`, 400 `pin-expired` (over, or no such flow), or 429 once five
///    tries were made, until the code would have expired. The right one is right again: its answer may be lost.
/// 2. The number is proven now, unless its SIM is a new one: 400 `account-not-eligible`.
/// 3. The account's standing decides what comes next: see [`AfterProof::of`] for the refusals. 200 `confirm`,
///    `already-on-bill` or `account`.
pub(in crate::routes) async fn try_pin(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    // 1.
    let request: PinRequest = parse(&call.body)?;
    let flow_hash = sha256(request.flow.as_bytes());
    let now = app.now();
    let pin_mac = app.vault.pin_mac(&flow_hash, &pin::as_digits(&request.pin));
    let flow = pin::proven(now, app.store.try_pin(call.nonce, now, flow_hash, pin_mac).await?)?;

    // 2.
    standing::check_sim(&app, flow.number.index).await?;
    let msisdn =
        app.vault.open_number(&flow.number.sealed).ok_or(Fault::Broken("a sealed number does not open"))?;

    // 3.
    let offer = flow.offer.as_ref().map(|offer| app.offer(offer)).transpose()?;
    let next = AfterProof::of(&app, offer, &msisdn).await?;
    Ok(Json(next.step(&app, &request.flow).await?))
}
