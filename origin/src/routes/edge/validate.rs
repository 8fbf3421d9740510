//! `POST /edge/v1/validate`: a customer entered a number.

use super::after_proof::AfterProof;
use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::pin::{self, GoodFor};
use crate::routes::authentic::EdgeCall;
use crate::store::{Journey, NewFlow};
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::limits::{FLOW_TTL_SECONDS, PIN_DIGITS, PIN_TTL_SECONDS};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::Reject;
use onbill_domain::site_origin;
use onbill_domain::token::{self, SessionClaims};
use onbill_domain::wire::edge::{FlowPurpose, FlowStep, ValidateRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the offer, if one is wanted (400 `parameter-not-supported`), the return URL and the number (400 `invalid-request`).
/// 2. With a session assertion, checks it (400 `token-invalid`, `token-expired`). If it lists the number, the number
///    is proven, and the account's standing decides what comes next: see [`AfterProof::of`] for the refusals. 200
///    `confirm`, `already-on-bill` or `account`.
/// 3. Otherwise opens a flow with a PIN: 200 `pin`, the same for every number, or 429 when the number had its codes
///    for the day. Whether a text message goes out is decided later, by the outbox: here, every number costs the
///    same work.
pub(in crate::routes) async fn validate(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    // 1.
    let request: ValidateRequest = parse(&call.body)?;
    let offer = match &request.purpose {
        FlowPurpose::SignUp { offer } => Some(app.offer(offer)?),
        FlowPurpose::Account { .. } => None,
    };
    let return_url = match request.return_url {
        Some(url) if !site_origin::is_on_site_origin(&url, &app.config.dashboards) => {
            return Err(Reject::invalid_request("returnURL is not on the operator's site.").into());
        }
        Some(url) => url,
        None => format!("{}/", app.config.dashboards[0]),
    };
    let msisdn = app.numbers.read(&request.msisdn)?;

    // 2.
    let now = app.now();
    let proven = match &request.session {
        Some(session) => is_listed(&app, session, &msisdn)?,
        None => false,
    };
    let next = if proven { Some(AfterProof::of(&app, offer, &msisdn).await?) } else { None };

    // 3.
    let flow = encode_base64url(&app.random.bytes::<32>());
    let flow_hash = sha256(flow.as_bytes());
    let broken = || Fault::Broken("a number could not be sealed");
    let pin = if next.is_some() {
        None
    } else {
        let good_for = if offer.is_some() { GoodFor::Paying } else { GoodFor::OwnPage };
        Some(pin::issue(&app, now, &flow_hash, &msisdn, good_for, request.locale).ok_or_else(broken)?)
    };
    let expires_at = now.plus_seconds(FLOW_TTL_SECONDS);
    let new = NewFlow {
        flow: flow_hash,
        number: app.vault.seal_number(&*app.random, &msisdn).ok_or_else(broken)?,
        journey: Journey::Widget { offer: offer.map(|offer| offer.id.clone()), return_url },
        locale: request.locale,
        expires_at,
        pin,
    };
    pin::started(now, app.store.start_flow(call.nonce, now, new).await?)?;
    if let Some(next) = next {
        return Ok(Json(next.step(&app, &flow).await?));
    }
    app.ring_outbox();
    Ok(Json(FlowStep::Pin { flow, expires_at: now.plus_seconds(PIN_TTL_SECONDS), digits: PIN_DIGITS }))
}

fn is_listed(app: &App, session: &str, msisdn: &Msisdn) -> Result<bool, Reject> {
    let claims: SessionClaims = token::verify(&app.keys, app.config.operator.as_str(), app.now(), session)?;
    Ok(claims.numbers.contains(msisdn))
}
