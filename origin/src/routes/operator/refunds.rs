//! `POST /operator/v1/refunds`: care refunds all or part of a charge.

use crate::charge::{RecordedRefund, RefundPosts};
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::routes::ott::stored_response::json_response;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use onbill_domain::wire::care::DeskRefundRequest;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. Checks the request: 400 `invalid-request`.
/// 2. Records the refund durably, with its submission to billing and its entry in the audit: 200 with
///    the first response when it was recorded before; see [`RefundPosts::record_desk_refund`] for the
///    refusals.
/// 3. Submits it once, immediately, as a partner's. The partner gets the outcome by the webhook
///    for refunds, under our own id.
/// 4. 201 with the latest known state: APPROVED, DECLINED, or PENDING.
pub(in crate::routes) async fn post_refund(
    State(refunds): State<Arc<RefundPosts>>,
    call: OperatorCall,
) -> Result<Response, Failure> {
    // 1.
    let request: DeskRefundRequest = parse(&call.body)?;
    // 2.
    let refund = match refunds.record_desk_refund(call.nonce, call.key, request).await? {
        RecordedRefund::New(refund) => refund,
        RecordedRefund::Replay(response) => return Ok(json_response(StatusCode::OK, response)),
    };
    // 3. and 4.
    Ok(json_response(StatusCode::CREATED, refunds.submit_refund(&refund).await?))
}
