//! `POST /ott/v1/transaction`: the partner charges a subscriber.

use super::routed;
use crate::app::App;
use crate::delivery::{self, charge as hand_off};
use crate::fault::{Failure, Fault};
use crate::routes::authentic::PartnerCall;
use crate::store::{LEASE_SECONDS_MAX, NewCharge, Posting};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use onbill_domain::digest::sha256;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::TransactionRequest;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// Seconds that a post may work on its answer, and for which it has the hand-off to itself: as long as any lease.
pub(crate) const ANSWERING_SECONDS: i64 = LEASE_SECONDS_MAX;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records it, durably, with its hand-off: 404 `pai-not-found`, 400 `parameter-not-supported` for a currency that is
///    not billed in, 400 `invalid-request` for days that coupons have paid for, 422 `idempotency-violation`, 409 `request-in-progress`, or 200 with the first answer when it was
///    recorded before.
/// 3. Tries the hand-off once, right away.
/// 4. 201 with the furthest known state: APPROVED, DECLINED with its reason, or PENDING.
pub(in crate::routes) async fn post_transaction(
    State(app): State<Arc<App>>,
    call: PartnerCall,
) -> Result<Response, Failure> {
    // 1.
    let request: TransactionRequest = parse(&call.body)?;
    request.check()?;

    // 2.
    let (now, pai) = (app.now(), request.pai);
    // Of the members as understood, in one order: spaces and unknown members do not make another charge.
    let fingerprint =
        sha256(&serde_json::to_vec(&request).map_err(|_| Fault::Broken("a request does not serialize"))?);
    let new = NewCharge {
        transaction_id: app.random.uuid(),
        limits: app.config.limits_in(request.amount.currency),
        partner: call.partner,
        fingerprint,
        request,
        answering_until: now.plus_seconds(ANSWERING_SECONDS),
    };
    let charge = match app.store.post_transaction(call.nonce, now, new).await? {
        Posting::Created(charge) => charge,
        Posting::Decided(answer) => return Ok(json(StatusCode::CREATED, answer)),
        Posting::Replayed(answer) => return Ok(json(StatusCode::OK, answer)),
        Posting::Conflict => {
            let message = "extTransactionID was used for another charge.";
            return Err(Reject::new(ErrorCode::IdempotencyViolation, message).into());
        }
        Posting::InProgress => {
            return Err(
                Reject::new(ErrorCode::RequestInProgress, "The same charge is being answered.").into()
            );
        }
        Posting::PaiNotFound => {
            return Err(Reject::new(ErrorCode::PaiNotFound, "There is no such PAI.").into());
        }
        Posting::CurrencyNotBilled => {
            let message = "amount.currency is not one that the operator bills in.";
            return Err(Reject::new(ErrorCode::ParameterNotSupported, message).into());
        }
        Posting::PaidByCoupon { until } => {
            let message = format!("servicePeriod: coupons have paid for this subscriber until {until}.");
            return Err(Reject::invalid_request(message).into());
        }
    };
    routed::compare(pai, call.subscriber.as_deref(), &charge.handle);

    // 3.
    let outcome = delivery::within_deadline(&app, hand_off::hand_off(&app, &charge, 1)).await;

    // 4.
    let (answer, settling) =
        app.store.answer_transaction(app.now(), charge.transaction_id.clone(), outcome).await?;
    delivery::look_at(settling, "charge", &charge.transaction_id);
    app.ring_outbox();
    Ok(json(StatusCode::CREATED, answer))
}

pub(super) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
