//! `POST /ott/v1/transaction`: the partner charges a subscriber.

use super::routed;
use super::stored_response::json_response;
use crate::charge::{ChargePosts, RecordedCharge};
use crate::fault::Failure;
use crate::instruments::Instruments;
use crate::routes::authentic::PartnerCall;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use onbill_domain::wire::ott::TransactionRequest;
use onbill_domain::wire::parse;
use std::sync::Arc;
use tokio::time::Instant;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records the charge durably, with its submission to billing: 200 with the first response when
///    it was recorded before; see [`ChargePosts::record_charge`] for the refusals.
/// 3. Submits it once, immediately.
/// 4. 201 with the latest known state: APPROVED, DECLINED with its reason, or PENDING.
pub(in crate::routes) async fn post_transaction(
    State(charges): State<Arc<ChargePosts>>,
    State(instruments): State<Arc<Instruments>>,
    call: PartnerCall,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    // 1.
    let request: TransactionRequest = parse(&call.body)?;
    request.check()?;

    // 2.
    let pai = request.pai;
    let charge = match charges.record_charge(call.partner, call.nonce, request, begun).await? {
        RecordedCharge::New(charge) => charge,
        RecordedCharge::Declined(response) => return Ok(json_response(StatusCode::CREATED, response)),
        RecordedCharge::Replay(response) => return Ok(json_response(StatusCode::OK, response)),
    };
    routed::warn_if_routed_elsewhere(
        &instruments,
        &charge.partner,
        pai,
        call.subscriber.as_deref(),
        &charge.handle,
    );

    // 3. and 4.
    Ok(json_response(StatusCode::CREATED, charges.submit_charge(&charge, begun).await?))
}
