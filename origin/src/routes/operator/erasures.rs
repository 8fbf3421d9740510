//! `POST /operator/v1/erasures`: the operator asks for the erasure of a subscriber.

use crate::ambient::Clock;
use crate::config::NumberPlan;
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::keys::Vault;
use crate::routes::authentic::OperatorCall;
use crate::store::{ErasureState, Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::operator::{ErasureOutcome, ErasureRequest, ErasureResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the progress of the erasure, also for every repeated call. Nothing is erased twice, so
/// that a subscriber who signs up afterwards stays. 400 `invalid-request`; 422
/// `idempotency-violation` when the erasureID came before, and this number has a subscriber who was
/// already there then and was not erased.
pub(in crate::routes) async fn post_erasure(
    State(store): State<Arc<Store>>,
    State(vault): State<Arc<Vault>>,
    State(numbers): State<NumberPlan>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    call: OperatorCall,
) -> Result<Json<ErasureResponse>, Failure> {
    let ErasureRequest { erasure_id, msisdn } = parse(&call.body)?;
    let number = vault.index_number(&numbers.parse(msisdn.expose())?);
    let erasure = store.erase_number(Some(call.nonce), clock.now(), Some(erasure_id.clone()), number).await?;
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
