//! `POST /edge/v1/pin`: a customer entered a PIN.

use super::{proven_flow, standing};
use crate::app::App;
use crate::fault::{Failure, Fault};
use crate::routes::authentic::EdgeCall;
use crate::store::PinTry;
use axum::Json;
use axum::extract::State;
use onbill_domain::digest::sha256;
use onbill_domain::limits::PIN_DIGITS;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::wire::edge::{FlowStep, PinRequest};
use onbill_domain::wire::parse;
use std::sync::Arc;
use zeroize::Zeroizing;

/// 1. Tries the PIN, which counts: 400 `pin-invalid`, 400 `pin-expired` (over, used, or no such flow), or 429 once
///    five tries were wrong, until the code would have expired.
/// 2. The number is proven now, unless its SIM is a new one (400 `account-not-eligible`): the account's standing decides,
///    with its refusals.
/// 3. 200 `confirm`.
pub(in crate::routes) async fn try_pin(
    State(app): State<Arc<App>>,
    call: EdgeCall,
) -> Result<Json<FlowStep>, Failure> {
    // 1.
    let request: PinRequest = parse(&call.body)?;
    let flow_hash = sha256(request.flow.as_bytes());
    let now = app.now();
    let pin_mac = app.vault.pin_mac(&flow_hash, &as_digits(&request.pin));
    let flow = match app.store.try_pin(call.nonce, now, flow_hash, pin_mac).await? {
        PinTry::Proven(flow) => flow,
        PinTry::Wrong => return Err(Reject::new(Code::PinInvalid, "The PIN does not match.").into()),
        PinTry::UsedUp { expires_at } => {
            let seconds = u32::try_from(expires_at.seconds_since(now)).unwrap_or(1);
            return Err(Reject::too_many("Too many wrong tries: ask for a new PIN.", seconds).into());
        }
        PinTry::Expired => return Err(Reject::new(Code::PinExpired, "The PIN is no longer valid.").into()),
    };

    // 2.
    standing::check_sim(&app, flow.number.index).await?;
    let offer = app.offer(&flow.offer)?;
    let msisdn =
        app.vault.open_number(&flow.number.sealed).ok_or(Fault::Broken("a sealed number does not open"))?;
    let (known, account_type) = standing::check(&app, offer, &msisdn).await?;

    // 3.
    let flow = proven_flow::mark(&app, &request.flow, &known.generation);
    Ok(Json(FlowStep::Confirm { flow, account_type, offer: offer.view() }))
}

/// A PIN as people type it: spaces dropped, digits of the Arabic scripts read as digits. Anything else stays and will
/// not match.
fn as_digits(typed: &str) -> Zeroizing<String> {
    let digit = |c: char| match c {
        '\u{660}'..='\u{669}' => char::from_digit(c as u32 - 0x660, 10).unwrap_or(c),
        '\u{6f0}'..='\u{6f9}' => char::from_digit(c as u32 - 0x6f0, 10).unwrap_or(c),
        _ => c,
    };
    // Twice the digits is enough to be wrong with.
    Zeroizing::new(typed.chars().filter(|c| !c.is_whitespace()).take(2 * PIN_DIGITS).map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_type_a_pin_in_their_own_digits() {
        for typed in ["123456", " 123 456 ", "١٢٣٤٥٦", "۱۲۳۴۵۶"] {
            assert_eq!(as_digits(typed).as_str(), "123456", "{typed}");
        }
        assert_ne!(as_digits("1234567").as_str(), "123456");
    }
}
