//! `POST /edge/v1/validate`: a customer entered a number.

use crate::ambient::{Clock, Random};
use crate::config::{Config, NumberPlan};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::flow::{ExpectedSubscriber, NextSteps};
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::keys::Vault;
use crate::pin::PinIssuer;
use crate::pin::{self, GoodFor, WantedPin};
use crate::routes::authentic::EdgeCall;
use crate::routes::state::action_parts;
use crate::store::{Journey, NewFlow, PinAsker, PresentedAssertion, Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::Keyring;
use onbill_domain::limits::{FLOW_TTL_SECONDS, PIN_DIGITS, PIN_TTL_SECONDS};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::return_url::check_return_url;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::{self, SessionClaims};
use onbill_domain::wire::edge::{FlowPurpose, FlowStep, ValidateRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(ValidateParts {
    config: Arc<Config>,
    keys: Arc<Keyring>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    pins: Arc<PinIssuer>,
    next_steps: Arc<NextSteps>,
    instruments: Arc<Instruments>,
});

/// 1. Checks the offer, if one is requested (400 `parameter-not-supported`), the return URL and the
///    number (400 `invalid-request`).
/// 2. Checks the session assertion, if there is one (400 `token-invalid`, `token-expired`; 409
///    `token-already-used` when another frame has presented it before this call takes effect). If it
///    lists the number, the number is proven, and the account status decides the next step: see
///    [`NextSteps::decide_next`] for the refusals. 200 `confirm`, `already-on-bill` or `account`.
/// 3. Otherwise opens a flow with a PIN: 200 `pin`, the same for every number of the operator's
///    country, and 400 `number-foreign` for every other; or 429 when the number has had its PINs, or
///    the operator's PINs of the hour are used up, or 403 `challenge-required`. Strangers and customers
///    with a session have PINs of their own each. The queue decides later whether to send an SMS, so
///    that this call does the same work for every number.
pub(in crate::routes) async fn validate(
    State(parts): State<ValidateParts>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    let ValidateParts {
        config,
        keys,
        store,
        vault,
        numbers,
        clock,
        random,
        wake_up,
        pins,
        next_steps,
        instruments,
    } = parts;
    // 1.
    let request: ValidateRequest = parse(&call.body)?;
    let offer = match &request.purpose {
        FlowPurpose::SignUp { offer } => Some(config.find_offer(offer)?),
        FlowPurpose::Account { .. } => None,
    };
    let return_url = match request.return_url {
        Some(url) => {
            check_return_url(&url, &config.dashboards)
                .map_err(|fault| Reject::invalid_request(fault.message()))?;
            url
        }
        None => format!("{}/", config.dashboards[0]),
    };
    let msisdn = numbers.parse(&request.msisdn)?;

    // 2.
    let now = clock.now();
    let claims = request.session.as_deref().map(|session| read_session(&keys, &config, now, session));
    let claims = claims.transpose()?;
    let is_same = |listed: &Msisdn| numbers.parse(listed.expose()).is_ok_and(|listed| listed == msisdn);
    let proven = claims.as_ref().is_some_and(|claims| claims.numbers.iter().any(is_same));
    let (asked_by, who) =
        if claims.is_some() { (PinAsker::Session, "session") } else { (PinAsker::Widget, "widget") };
    let next = if proven {
        Some(next_steps.decide_next(offer, request.locale, &msisdn, ExpectedSubscriber::Present).await?)
    } else {
        None
    };

    // 3. Without an SMS, the customer would not know that they have mistaken the country. The refusal
    //    does not show which numbers have an account.
    if !proven && !numbers.is_domestic(&msisdn) {
        return Err(Reject::new(ErrorCode::NumberForeign, "msisdn is a number of another country.").into());
    }
    let flow = encode_base64url(&random.bytes::<32>());
    let flow_hash = sha256(flow.as_bytes());
    let pin = if next.is_some() {
        None
    } else {
        let good_for = if offer.is_some() { GoodFor::Paying } else { GoodFor::OwnPage };
        let wanted = WantedPin {
            good_for,
            locale: request.locale,
            asked_by,
            challenge: request.challenge,
            page: request.page.as_ref().filter(|page| config.dashboards.contains(page)).map(String::as_str),
        };
        Some(pins.issue(now, &flow_hash, &msisdn, wanted)?)
    };
    let expires_at = now.plus_seconds(FLOW_TTL_SECONDS);
    let new = NewFlow {
        flow: flow_hash,
        number: vault.seal_number(&*random, &msisdn)?,
        journey: Journey::Widget { offer: offer.map(|offer| offer.id.clone()), return_url },
        locale: request.locale,
        expires_at,
        pin,
        assertion: claims.zip(request.session).map(|(claims, session)| PresentedAssertion {
            assertion: sha256(session.as_bytes()),
            // A frame without a secret of its own is another one at each call.
            frame: request.frame.map_or(flow_hash, |frame| sha256(frame.as_str().as_bytes())),
            expires_at: Timestamp::from_unix_seconds(claims.exp),
        }),
    };
    let started = store.start_flow(call.nonce, now, new).await?;
    pin::check_started(&instruments, now, started, who)?;
    let visits = &instruments.metrics.visits;
    visits.note_step(Channel::Widget, FunnelStep::Validated);
    if let Some(next) = next {
        return Ok(Json(next_steps.show(next, &flow).await?));
    }
    visits.note_step(Channel::Widget, FunnelStep::PinIssued);
    wake_up.wake(Queue::Pins);
    Ok(Json(FlowStep::Pin { flow, expires_at: now.plus_seconds(PIN_TTL_SECONDS), digits: PIN_DIGITS }))
}

/// The claims of a genuine assertion of this operator's dashboard.
fn read_session(
    keys: &Keyring,
    config: &Config,
    now: Timestamp,
    session: &str,
) -> Result<SessionClaims, Reject> {
    token::verify(keys, config.operator.as_str(), now, session)
}
