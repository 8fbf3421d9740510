//! `POST /edge/v1/pin`: a customer entered a PIN.

use crate::ambient::Clock;
use crate::config::Config;
use crate::fault::Failure;
use crate::flow::{Eligibility, ExpectedSubscriber, NextSteps};
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::keys::Vault;
use crate::pin;
use crate::routes::authentic::EdgeCall;
use crate::routes::state::action_parts;
use crate::store::Store;
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::wire::edge::{FlowStep, PinRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(PinParts {
    config: Arc<Config>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    eligibility: Arc<Eligibility>,
    next_steps: Arc<NextSteps>,
    instruments: Arc<Instruments>,
});

/// 1. Tries the PIN, which counts as an attempt: 400 `pin-invalid`, 400 `pin-expired` (also when
///    there is no such flow), or 429 after five attempts, until the PIN would have expired. The
///    correct PIN may be entered again, because the first response may be lost.
/// 2. The number is now proven, unless its SIM is new: 400 `account-not-eligible`; or unless the PIN
///    was sent to an earlier subscriber of it: 400 `pin-expired`.
/// 3. The account status decides the next step: see [`NextSteps::decide_next`] for the refusals.
///    200 `confirm`, `already-on-bill` or `account`.
pub(in crate::routes) async fn try_pin(
    State(parts): State<PinParts>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    let PinParts { config, store, vault, clock, eligibility, next_steps, instruments } = parts;
    // 1.
    let request: PinRequest = parse(&call.body)?;
    let flow_hash = sha256(request.flow.as_bytes());
    let now = clock.now();
    let pin_mac = vault.pin_mac(&flow_hash, &pin::as_digits(&request.pin));
    let tried = store.try_pin(call.nonce, now, flow_hash, pin_mac).await?;
    let flow = pin::check_tried(&instruments, now, tried)?;
    instruments.metrics.visits.note_step(Channel::Widget, FunnelStep::PinRight);

    // 2.
    eligibility.check_sim(flow.number.index).await?;
    let msisdn = vault.open_number(&flow.number.sealed)?;

    // 3.
    let offer = flow.offer.as_ref().map(|offer| config.find_offer(offer)).transpose()?;
    let expected = flow.pin.as_ref().map_or(ExpectedSubscriber::Present, ExpectedSubscriber::PinRecipient);
    let next = next_steps.decide_next(offer, flow.locale, &msisdn, expected).await?;
    Ok(Json(next_steps.show(next, &request.flow).await?))
}
