//! `/operator/v1/disputes`: a desk opens a dispute about a charge, decides it, and lists disputes.

use crate::ambient::Clock;
use crate::care::Disputes;
use crate::fault::Failure;
use crate::flow::{parse_cursor, write_cursor};
use crate::routes::authentic::OperatorCall;
use crate::store::{Period, Store};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use http::StatusCode;
use onbill_domain::day::Day;
use onbill_domain::limits::TRANSACTIONS_PER_PAGE;
use onbill_domain::reject::Reject;
use onbill_domain::wire::dispute::{Dispute, DisputesQuery, DisputesResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// `POST …/disputes`: 201 when the dispute is opened; 200 when it is decided, and to every repetition.
/// For the refusals see [`Disputes::post`]. It moves no money.
pub(in crate::routes) async fn post_dispute(
    State(disputes): State<Arc<Disputes>>,
    call: OperatorCall,
) -> Result<(StatusCode, Json<Dispute>), Failure> {
    let request = parse(&call.body)?;
    let posted = disputes.post(Some(call.nonce), call.key, request).await?;
    let status = if posted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(posted.dispute)))
}

/// `GET …/disputes`: 200 with disputes in the order of their opening, and the cursor of the next page.
/// 400 `invalid-request` for a malformed query. It only reads, so its nonce need not be spent.
pub(in crate::routes) async fn page_of_disputes(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    query: Result<Query<DisputesQuery>, QueryRejection>,
    _: OperatorCall,
) -> Result<Json<DisputesResponse>, Failure> {
    let is_no_query = |_| Reject::invalid_request("from is a day; to, state and cursor are optional.");
    let Query(DisputesQuery { from, to, state, cursor }) = query.map_err(is_no_query)?;
    let to = to.unwrap_or_else(|| Day::of_timestamp(clock.now()).max(from));
    let wrong_order = || Reject::invalid_request("to must not lie before from.");
    let period = Period::of_days(from, to).ok_or_else(wrong_order)?;
    let after = cursor.as_deref().map(parse_cursor).transpose()?;
    if after.as_ref().is_some_and(|after| !period.has(after.at)) {
        return Err(Reject::invalid_request("cursor is not one of an earlier page.").into());
    }
    let page = store.list_disputes(period, state, after, TRANSACTIONS_PER_PAGE).await?;
    Ok(Json(DisputesResponse { next: page.next.as_ref().map(write_cursor), disputes: page.lines }))
}
