//! `GET /operator/v1/summary`: what happened on each day, for charts.

use crate::daily_counts::DailyCounts;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use onbill_domain::reject::Reject;
use onbill_domain::wire::summary::{SummaryQuery, SummaryResponse};
use std::sync::Arc;

/// 200 with the counts of the days from `from` to `to`; 400 `invalid-request` for a malformed query, and
/// see [`DailyCounts::read_summary`]. It only reads, so its nonce need not be spent.
pub(in crate::routes) async fn read_summary(
    State(counts): State<Arc<DailyCounts>>,
    query: Result<Query<SummaryQuery>, QueryRejection>,
    _: OperatorCall,
) -> Result<Json<SummaryResponse>, Failure> {
    let is_no_query = |_| Reject::invalid_request("from and to are days.");
    let Query(SummaryQuery { from, to }) = query.map_err(is_no_query)?;
    Ok(Json(counts.read_summary(from, to).await?))
}
