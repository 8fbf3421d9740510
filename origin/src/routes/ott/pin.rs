//! `POST /ott/v1/pin`: a partner's app asks for proof by SMS of the number that it has read.

use super::addressed;
use crate::ambient::{Clock, Random};
use crate::config::{Config, NumberPlan};
use crate::delivery::WakeUp;
use crate::fault::{Failure, Fault};
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::keys::Vault;
use crate::pin::PinIssuer;
use crate::pin::{self, GoodFor, WantedPin};
use crate::routes::authentic::PartnerCall;
use crate::routes::state::action_parts;
use crate::store::{Journey, NewFlow, PinAsker, Queue, Store};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::ExtId;
use onbill_domain::limits::PIN_TTL_SECONDS;
use onbill_domain::wire::device::{DevicePinRequest, DevicePinResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(SendPinParts {
    config: Arc<Config>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    pins: Arc<PinIssuer>,
    instruments: Arc<Instruments>,
});

/// 1. Checks the request and its operator: 400 `invalid-request`, `parameter-not-supported`.
/// 2. Opens a flow of this partner with a PIN; 429 when the number has had this partner's PINs, or
///    the PINs of the hour are used up. The queue decides later whether to send an SMS, so that this call
///    does the same work for every number.
/// 3. 202, the same for every number.
pub(in crate::routes) async fn send_pin(
    State(parts): State<SendPinParts>,
    call: PartnerCall,
) -> Result<(StatusCode, Json<DevicePinResponse>), Failure> {
    let SendPinParts { config, store, vault, numbers, clock, random, wake_up, pins, instruments } = parts;
    // 1.
    let request: DevicePinRequest = parse(&call.body)?;
    addressed::check_addressee(&instruments, &config, &call.partner, request.operator.as_ref())?;
    let msisdn = numbers.parse(request.msisdn.expose())?;

    // 2.
    let now = clock.now();
    let pin_id = encode_base64url(&random.bytes::<16>());
    let flow = sha256(pin_id.as_bytes());
    let wanted = WantedPin {
        good_for: GoodFor::Paying,
        locale: request.locale,
        asked_by: PinAsker::Partner(call.partner.clone()),
        challenge: None,
        page: None,
    };
    let new = NewFlow {
        flow,
        number: vault.seal_number(&*random, &msisdn)?,
        journey: Journey::Device { partner: call.partner.clone() },
        locale: request.locale,
        expires_at: now.plus_seconds(PIN_TTL_SECONDS),
        pin: Some(pins.issue(now, &flow, &msisdn, wanted)?),
        assertion: None,
    };
    let started = store.start_flow(call.nonce, now, new).await?;
    pin::check_started(&instruments, now, started, call.partner.as_str())?;
    instruments.metrics.visits.note_step(Channel::App, FunnelStep::PinIssued);
    wake_up.wake(Queue::Pins);

    // 3.
    let pin_id = ExtId::parse(&pin_id).ok_or(Fault::Broken("a PIN's name is not an identifier"))?;
    Ok((
        StatusCode::ACCEPTED,
        Json(DevicePinResponse { pin_id, expires_at: now.plus_seconds(PIN_TTL_SECONDS) }),
    ))
}
