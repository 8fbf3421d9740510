//! `POST /ott/v1/account/validate`: an app of the partner's has read a number. May its subscriber pay on the bill, and who
//! are they?

use super::addressed;
use crate::app::App;
use crate::config::NumberProof;
use crate::fault::{Failure, Fault};
use crate::pin;
use crate::routes::authentic::PartnerCall;
use crate::routes::standing;
use crate::store::{DevicePin, FreshNames, NewPai};
use axum::Json;
use axum::extract::State;
use onbill_domain::day::Day;
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::PaiState;
use onbill_domain::reject::Reject;
use onbill_domain::signature::Nonce;
use onbill_domain::wire::device::{DeviceValidateRequest, DeviceValidateResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request, whom it is for, and the offer: 400 `invalid-request`, `parameter-not-supported`.
/// 2. Where a PIN has to prove the number, tries it: 400 `pin-invalid` (also when there is none), 400 `pin-expired`, or 429
///    once five tries were made. Until then nothing is looked up by the number: all this is the same for every number.
/// 3. The account's standing decides: 404 `account-not-found`, 400 `suspended-non-payment`, `insufficient-balance`,
///    `account-not-eligible`; the last also for a SIM that is new, unless its subscriber pays this partner already.
/// 4. Finds or creates the subscriber and their PAI. One that is held is so by a word that came in after the account's
///    standing: 400 `suspended-non-payment`.
/// 5. 200.
pub(in crate::routes) async fn validate_account(
    State(app): State<Arc<App>>,
    call: PartnerCall,
) -> Result<Json<DeviceValidateResponse>, Failure> {
    // 1.
    let request: DeviceValidateRequest = parse(&call.body)?;
    addressed::check(&app, &call.partner, request.operator.as_ref())?;
    let offer = app.config.offer_of(&call.partner, request.offer.as_ref())?;
    let msisdn = app.numbers.spell(&request.msisdn);

    // 2.
    let nonce = match app.config.number_proof(&call.partner) {
        NumberProof::DeviceRead => Some(call.nonce),
        NumberProof::Pin => {
            let pin = request.pin.ok_or_else(pin::invalid)?;
            try_pin(&app, call.nonce, &call.partner, &msisdn, request.pin_id, &pin).await?;
            None
        }
    };

    // 3.
    let now = app.now();
    let (known, account_type) = standing::check_device(&app, offer, &msisdn).await?;

    // 4.
    let number =
        app.vault.seal_number(&*app.random, &msisdn).ok_or(Fault::Broken("a number could not be sealed"))?;
    let fresh = FreshNames::draw(&*app.random);
    let new = NewPai { partner: call.partner, number, generation: known.generation, fresh };
    let row = app.store.issue_pai(nonce, now, new).await?;
    app.ring_outbox();
    if row.state != PaiState::Active {
        return Err(Reject::suspended_non_payment().into());
    }

    // 5.
    let paid_until = app.store.paid_until(row.pai, Day::of_timestamp(now)).await?;
    Ok(Json(DeviceValidateResponse {
        status: "ACTIVE".to_owned(),
        account_type,
        pai: row.pai,
        operator: app.config.operator.clone(),
        paid_until,
    }))
}

/// Tries a PIN in the flow that it belongs to, or in the newest of the number's that this partner has begun.
async fn try_pin(
    app: &App,
    nonce: Nonce,
    partner: &PartnerId,
    msisdn: &Msisdn,
    pin_id: Option<ExtId>,
    pin: &str,
) -> Result<(), Failure> {
    let (partner, number) = (partner.clone(), app.vault.index(msisdn));
    let flow = match pin_id {
        Some(id) => sha256(id.as_str().as_bytes()),
        // Where there is none, one that nobody has: the try is refused as any other.
        None => app.store.newest_device_flow(partner.clone(), number).await?.unwrap_or_default(),
    };
    let (now, mac) = (app.now(), app.vault.pin_mac(&flow, &pin::as_digits(pin)));
    let tried = app.store.try_device_pin(nonce, now, DevicePin { partner, number, flow, mac }).await?;
    Ok(pin::proven(now, tried)?)
}
