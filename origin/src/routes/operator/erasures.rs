//! `POST /operator/v1/erasures`: the operator asks for the erasure of a subscriber.

use super::stamp_call;
use crate::ambient::Clock;
use crate::care::{Act, DeskGate};
use crate::config::NumberPlan;
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::keys::Vault;
use crate::routes::authentic::OperatorCall;
use crate::routes::state::action_parts;
use crate::store::{ErasureState, Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::operator::{ErasureOutcome, ErasureRequest, ErasureResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

action_parts!(ErasureParts {
    gate: Arc<DeskGate>,
    store: Arc<Store>,
    vault: Arc<Vault>,
    numbers: NumberPlan,
    clock: Arc<dyn Clock>,
    wake_up: WakeUp,
});

/// 200 with the progress of the erasure, also for every repeated call. Nothing is erased twice, so
/// that a subscriber who signs up afterwards stays. 400 `invalid-request`; 403
/// `forbidden` for a role that may not; 422
/// `idempotency-violation` when the erasureID came before, and this number has a subscriber who was
/// already there then and was not erased.
pub(in crate::routes) async fn post_erasure(
    State(parts): State<ErasureParts>,
    call: OperatorCall,
) -> Result<Json<ErasureResponse>, Failure> {
    let ErasureParts { gate, store, vault, numbers, clock, wake_up } = parts;
    let ErasureRequest { erasure_id, msisdn, actor, role, reference } = parse(&call.body)?;
    let number = vault.index_number(&numbers.parse(msisdn.expose())?);
    let stamp = stamp_call(&call, actor, role, reference)?;
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::EraseSubscriber).await?;
    let (nonce, name) = (Some(call.nonce), Some(erasure_id.clone()));
    let erasure = store.erase_number(nonce, clock.now(), stamp, name, number).await?;
    wake_up.wake(Queue::All);
    let outcome = match erasure {
        ErasureState::Erased => ErasureOutcome::Erased,
        ErasureState::Erasing => ErasureOutcome::Erasing,
        ErasureState::NotFound => ErasureOutcome::NotFound,
        ErasureState::Conflict => {
            let message = "erasureID was used for another erasure.";
            return Err(Reject::new(ErrorCode::IdempotencyViolation, message).into());
        }
    };
    Ok(Json(ErasureResponse { erasure_id, outcome }))
}
