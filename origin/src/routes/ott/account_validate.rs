//! `POST /ott/v1/account/validate`: a partner's app has read a number and asks whether its
//! subscriber may pay on the bill, and under which PAI.

use super::addressed;
use crate::ambient::{Clock, Random};
use crate::ceiling::{check_tallied, reject_exceeded};
use crate::charge::not_cut_over;
use crate::config::{Config, NumberPlan, NumberProof};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::flow::{Eligibility, ExpectedSubscriber};
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::keys::Vault;
use crate::pin;
use crate::routes::authentic::PartnerCall;
use crate::routes::state::action_parts;
use crate::store::{DevicePin, Hash, NewPai, NewPaiIds, NumberCheck, PinRecipient, Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::day::Day;
use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use onbill_domain::pai::PaiState;
use onbill_domain::refusal_detail::RefusalReason;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::device::{DeviceValidateRequest, DeviceValidateResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(AccountValidateParts {
    config: Arc<Config>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    eligibility: Arc<Eligibility>,
    instruments: Arc<Instruments>,
});

/// 1. Checks the request, its operator, and the offer: 400 `invalid-request`,
///    `parameter-not-supported`.
/// 2. Where a PIN has to prove the number, tries it: 400 `pin-invalid` (also when there is none),
///    400 `pin-expired` (also when it was sent to an earlier subscriber of the number), or 429 after
///    five attempts. Up to here nothing is looked up by the number,
///    so that all numbers behave alike. Every call from here on is counted, for the number and for
///    the partner: 429 beyond a ceiling, whatever the account. The count is in the transaction that
///    the call makes anyway. Only a refusal without a PIN needs one of its own: it would otherwise
///    write nothing, and numbers could be tried without being counted.
/// 3. The account status decides: 404 `account-not-found`, 400 `suspended-non-payment`,
///    `insufficient-balance`, `account-not-eligible`; the last also for a new SIM, unless its
///    subscriber already pays this partner. 403 `signups-closed`, with the same exception, while the
///    operator takes no new customers.
/// 4. Finds or creates the subscriber and their PAI. If the PAI is on hold, an event came in after
///    the account status was read: 400 `suspended-non-payment`. If it is dark, another system answers for
///    it: 503 `service-unavailable`.
/// 5. 200.
pub(in crate::routes) async fn validate_account(
    State(parts): State<AccountValidateParts>,
    call: PartnerCall,
) -> Result<Json<DeviceValidateResponse>, Failure> {
    let AccountValidateParts {
        config,
        store,
        vault,
        numbers,
        clock,
        random,
        wake_up,
        eligibility,
        instruments,
    } = parts;
    // 1.
    let request: DeviceValidateRequest = parse(&call.body)?;
    addressed::check_addressee(&instruments, &config, &call.partner, request.operator.as_ref())?;
    let offer = config.offer_of(&call.partner, request.offer.as_ref())?;
    let msisdn = numbers.parse(request.msisdn.expose())?;

    // 2.
    let limits = config.number_check_limits(&call.partner);
    let check = NumberCheck { partner: call.partner.clone(), number: vault.index_number(&msisdn), limits };
    let (nonce, pin) = match config.number_proof(&call.partner) {
        NumberProof::DeviceRead => {
            let now = clock.now();
            if let Some(exceeded) = store.find_exceeded_check(now, check.clone()).await? {
                return Err(reject_exceeded(&instruments, now, exceeded, call.partner.as_str()).into());
            }
            (Some(call.nonce), None)
        }
        NumberProof::Pin => {
            let pin = request.pin.ok_or_else(pin::pin_invalid)?;
            let flow = find_pin_flow(&store, &check, request.pin_id).await?;
            let mac = vault.pin_mac(&flow, &pin::as_digits(&pin));
            (None, Some(try_pin(&instruments, &store, call.nonce, clock.now(), &check, flow, mac).await?))
        }
    };

    // 3.
    let now = clock.now();
    let expected = pin.as_ref().map_or(ExpectedSubscriber::Present, ExpectedSubscriber::PinRecipient);
    let (known, account_type) = match eligibility.check_device(offer, &msisdn, expected).await {
        Ok(account) => account,
        Err(failure) => {
            let failure = withhold_reason(failure);
            return Err(count_refusal(&instruments, &store, nonce, now, check, failure).await?);
        }
    };

    // 4.
    let number = vault.seal_number(&*random, &msisdn)?;
    let fresh = NewPaiIds::draw(&*random);
    let new = NewPai {
        partner: call.partner.clone(),
        number,
        subscriber_ref: known.subscriber_ref,
        proved_in: pin.map(|pin| pin.flow),
        fresh,
    };
    let row = match nonce {
        Some(nonce) => {
            let issued = store.issue_checked_pai(nonce, now, limits, new).await?;
            check_tallied(&instruments, now, issued, &call.partner)?
        }
        None => store.issue_pai(None, now, new).await?.ok_or_else(pin::pin_expired)?,
    };
    wake_up.wake(Queue::All);
    if row.is_dark {
        return Err(not_cut_over().into());
    }
    if row.state != PaiState::Active {
        return Err(config.links.show_way_on(Reject::suspended_non_payment()).into());
    }

    // 5.
    instruments.metrics.visits.note_step(Channel::App, FunnelStep::Validated);
    let paid_until = store.find_paid_until(row.pai, Day::of_timestamp(now)).await?;
    Ok(Json(DeviceValidateResponse {
        status: "ACTIVE".to_owned(),
        account_type,
        pai: row.pai,
        operator: config.operator.clone(),
        paid_until,
    }))
}

/// The refusal with no more of the operator's reason than a partner may know.
fn withhold_reason(failure: Failure) -> Failure {
    match failure {
        Failure::Reject(reject) => {
            let reason = reject.reason.map(RefusalReason::for_partner);
            Failure::Reject(Reject { reason, ..reject })
        }
        fault @ Failure::Fault(_) => fault,
    }
}

/// Tries a PIN, which counts as an attempt at it and as a check.
async fn try_pin(
    instruments: &Instruments,
    store: &Store,
    nonce: Nonce,
    now: Timestamp,
    check: &NumberCheck,
    flow: Hash,
    mac: Hash,
) -> Result<PinRecipient, Failure> {
    let NumberCheck { partner, number, limits } = check.clone();
    let pin = DevicePin { partner, number, flow, mac, limits };
    let tried = store.try_device_pin(nonce, now, pin).await?;
    let tried = check_tallied(instruments, now, tried, &check.partner)?;
    let recipient = pin::check_tried(instruments, now, tried)?;
    instruments.metrics.visits.note_step(Channel::App, FunnelStep::PinRight);
    Ok(recipient)
}

/// Counts a refusal that no PIN has been counted for. Failures of the operator's systems or of ours
/// reveal nothing about the number.
async fn count_refusal(
    instruments: &Instruments,
    store: &Store,
    nonce: Option<Nonce>,
    now: Timestamp,
    check: NumberCheck,
    failure: Failure,
) -> Result<Failure, Failure> {
    if let (Failure::Reject(reject), Some(nonce)) = (&failure, nonce) {
        let is_unknown = reject.code == ErrorCode::AccountNotFound;
        let partner = check.partner.clone();
        let counted = store.count_refused_check(nonce, now, check, is_unknown).await?;
        check_tallied(instruments, now, counted, &partner)?;
    }
    Ok(failure)
}

/// Finds the flow that a PIN belongs to, or else the newest flow that this partner began for the
/// number. Without one it returns a flow that does not exist, and the attempt is refused like any
/// other.
async fn find_pin_flow(store: &Store, check: &NumberCheck, pin_id: Option<ExtId>) -> Result<Hash, Failure> {
    if let Some(id) = pin_id {
        return Ok(sha256(id.as_str().as_bytes()));
    }
    let newest = store.find_newest_device_flow(check.partner.clone(), check.number).await?;
    Ok(newest.unwrap_or_default())
}
