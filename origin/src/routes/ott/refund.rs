//! `POST /ott/v1/transaction/{extTransactionID}/refund`: the partner gives back all or part of a charge.

use super::transaction::{ANSWERING_SECONDS, json};
use crate::app::App;
use crate::delivery::{self, refund as hand_off};
use crate::fault::{Failure, Fault};
use crate::routes::authentic::PartnerCall;
use crate::store::{NewRefund, RefundPosting};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::RefundRequest;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records it, durably, with its hand-off: 404 `transaction-not-found`; 409 `request-in-progress` while the same is
///    being answered or the charge is not settled; 400 `invalid-request` for more than what is left of the charge; 422
///    `idempotency-violation`; or 200 with the first answer when it was recorded before.
/// 3. Tries the hand-off once, right away.
/// 4. 201 with the furthest known state: APPROVED, DECLINED, or PENDING.
///
/// A closed PAI does not stand in the way: money goes back to whom it was taken from.
pub(in crate::routes) async fn post_refund(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    call: PartnerCall,
) -> Result<Response, Failure> {
    // 1.
    let request: RefundRequest = parse(&call.body)?;
    request.check()?;
    let not_found = || Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.");
    // A path that is not UTF-8 names nothing either.
    let Path(ext_transaction_id) = path.map_err(|_| not_found())?;
    let ext_transaction_id = ExtId::parse(&ext_transaction_id).ok_or_else(not_found)?;

    // 2.
    let now = app.now();
    let fingerprint = serde_json::to_vec(&(&ext_transaction_id, &request));
    let new = NewRefund {
        refund_id: app.random.uuid(),
        partner: call.partner,
        ext_transaction_id,
        fingerprint: sha256(&fingerprint.map_err(|_| Fault::Broken("a request does not serialize"))?),
        request,
        answering_until: now.plus_seconds(ANSWERING_SECONDS),
    };
    let refund = match app.store.post_refund(call.nonce, now, new).await? {
        RefundPosting::Created(refund) => refund,
        RefundPosting::Replayed(answer) => return Ok(json(StatusCode::OK, answer)),
        RefundPosting::TransactionNotFound => return Err(not_found().into()),
        RefundPosting::Conflict => {
            let message = "extRefundID was used for another refund.";
            return Err(Reject::new(ErrorCode::IdempotencyViolation, message).into());
        }
        RefundPosting::InProgress => {
            return Err(
                Reject::new(ErrorCode::RequestInProgress, "The same refund is being answered.").into()
            );
        }
        RefundPosting::ChargePending => {
            let message = "The charge is not settled yet: ask for the refund again when it is.";
            return Err(Reject::new(ErrorCode::RequestInProgress, message).into());
        }
        RefundPosting::NotWithinRemainder { remaining } => {
            let message = format!("amount must lie within the {remaining} that are left of the charge.");
            return Err(Reject::invalid_request(message).into());
        }
    };

    // 3.
    let outcome = delivery::within_deadline(&app, hand_off::hand_off(&app, &refund, 1)).await;

    // 4.
    let (answer, settling) = app.store.answer_refund(app.now(), refund.refund_id.clone(), outcome).await?;
    delivery::look_at(settling, "refund", &refund.refund_id);
    app.ring_outbox();
    Ok(json(StatusCode::CREATED, answer))
}
