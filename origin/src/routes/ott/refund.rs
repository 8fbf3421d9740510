//! `POST /ott/v1/transaction/{extTransactionID}/refund`: the partner refunds all or part of a
//! charge.

use super::stored_response::json_response;
use crate::charge::{RecordedRefund, RefundPosts};
use crate::fault::Failure;
use crate::routes::authentic::PartnerCall;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::ott::RefundRequest;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`, and 404 `transaction-not-found` for a path that
///    names no charge.
/// 2. Records the refund durably, with its submission to billing: 200 with the first response when
///    it was recorded before; see [`RefundPosts::record_refund`] for the refusals.
/// 3. Submits it once, immediately.
/// 4. 201 with the latest known state: APPROVED, DECLINED, or PENDING.
///
/// A closed PAI does not prevent a refund: the money returns to the subscriber who was charged.
pub(in crate::routes) async fn post_refund(
    State(refunds): State<Arc<RefundPosts>>,
    path: Result<Path<String>, PathRejection>,
    call: PartnerCall,
) -> Result<Response, Failure> {
    // 1.
    let request: RefundRequest = parse(&call.body)?;
    request.check()?;
    let not_found = || Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.");
    // A path that is not UTF-8 gets the same response.
    let Path(ext_transaction_id) = path.map_err(|_| not_found())?;
    let id = ExtId::parse(&ext_transaction_id).ok_or_else(not_found)?;

    // 2.
    let refund = match refunds.record_refund(call.partner, call.nonce, id, request).await? {
        RecordedRefund::New(refund) => refund,
        RecordedRefund::Replay(response) => return Ok(json_response(StatusCode::OK, response)),
    };

    // 3. and 4.
    Ok(json_response(StatusCode::CREATED, refunds.submit_refund(&refund).await?))
}
