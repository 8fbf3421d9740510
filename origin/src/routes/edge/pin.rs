//! `POST /edge/v1/pin`: a customer entered a PIN.

use crate::ambient::Clock;
use crate::config::Config;
use crate::fault::Failure;
use crate::flow::{Eligibility, Holder, NextSteps};
use crate::keys::Vault;
use crate::pin;
use crate::routes::authentic::EdgeCall;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::wire::edge::{FlowStep, PinRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Tries the PIN, which counts as an attempt: 400 `pin-invalid`, 400 `pin-expired` (also when
///    there is no such flow), or 429 after five attempts, until the PIN would have expired. The
///    correct PIN may be entered again, because the first response may be lost.
/// 2. The number is now proven, unless its SIM is new: 400 `account-not-eligible`; or unless the PIN
///    was sent to an earlier subscriber of it: 400 `pin-expired`.
/// 3. The account status decides the next step: see [`NextSteps::decide_next`] for the refusals.
///    200 `confirm`, `already-on-bill` or `account`.
pub(in crate::routes) async fn try_pin(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    State(vault): State<Arc<Vault>>,
    State(clock): State<Arc<dyn Clock>>,
    State(eligibility): State<Arc<Eligibility>>,
    State(next_steps): State<Arc<NextSteps>>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    // 1.
    let request: PinRequest = parse(&call.body)?;
    let flow_hash = sha256(request.flow.as_bytes());
    let now = clock.now();
    let pin_mac = vault.pin_mac(&flow_hash, &pin::as_digits(&request.pin));
    let flow = pin::check_tried(now, store.try_pin(call.nonce, now, flow_hash, pin_mac).await?)?;

    // 2.
    eligibility.check_sim(flow.number.index).await?;
    let msisdn = vault.open_number(&flow.number.sealed)?;

    // 3.
    let offer = flow.offer.as_ref().map(|offer| config.find_offer(offer)).transpose()?;
    let holder = flow.pin.as_ref().map_or(Holder::Present, Holder::PinRecipient);
    let next = next_steps.decide_next(offer, flow.locale, &msisdn, holder).await?;
    Ok(Json(next_steps.show(next, &request.flow).await?))
}
