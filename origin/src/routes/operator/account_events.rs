//! `POST /operator/v1/account-events`: the operator reports an event of an account.

use crate::ambient::{Clock, Random};
use crate::config::NumberPlan;
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::instruments::Instruments;
use crate::keys::Vault;
use crate::lifecycle::event::{EventResult, follow};
use crate::routes::authentic::OperatorCall;
use crate::routes::state::action_parts;
use crate::store::{Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::operator::{AccountEventRequest, AccountEventResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(AccountEventParts {
    store: Arc<Store>,
    vault: Arc<Vault>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    wake_up: WakeUp,
    instruments: Arc<Instruments>,
});

/// 200 with the outcome of the event, also for every repetition; 400 `invalid-request`; 422
/// `idempotency-violation` when the same eventID came before with other contents.
pub(in crate::routes) async fn post_account_event(
    State(parts): State<AccountEventParts>,
    call: OperatorCall,
) -> Result<Json<AccountEventResponse>, Failure> {
    let AccountEventParts { store, vault, numbers, clock, random, wake_up, instruments } = parts;
    let mut request: AccountEventRequest = parse(&call.body)?;
    request.msisdn = numbers.parse(request.msisdn.expose())?;
    let new_msisdn = request.new_msisdn.map(|number| numbers.parse(number.expose()));
    request.new_msisdn = new_msisdn.transpose()?;
    request.check(clock.now())?;
    let event_id = request.event_id.clone();
    match follow(&instruments, &vault, &*random, &store, clock.now(), Some(call.nonce), &request).await? {
        EventResult::Recorded(outcome) => {
            wake_up.wake(Queue::All);
            Ok(Json(AccountEventResponse { event_id, outcome }))
        }
        EventResult::Conflict => {
            let message = "eventID was used for another event.";
            Err(Reject::new(ErrorCode::IdempotencyViolation, message).into())
        }
    }
}
