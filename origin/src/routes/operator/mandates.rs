//! `GET /operator/v1/mandates`: what customers have agreed to, one page at a time.

use crate::fault::Failure;
use crate::mandate::EvidenceChain;
use crate::routes::authentic::OperatorCall;
use crate::store::{MandatePlace, Period, Store};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use onbill_domain::encoding::{decode_base64url, encode_base64url};
use onbill_domain::limits::MANDATES_PER_PAGE;
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::mandate::{MandatesQuery, MandatesResponse};
use std::sync::Arc;

/// 200 with mandates in the order in which they were recorded, in a chain of hashes that continues
/// from page to page, and the cursor of the next page. 400 `invalid-request` for a malformed query.
pub(in crate::routes) async fn page_of_mandates(
    State(store): State<Arc<Store>>,
    query: Result<Query<MandatesQuery>, QueryRejection>,
    _: OperatorCall,
) -> Result<Json<MandatesResponse>, Failure> {
    let is_no_query = |_| Reject::invalid_request("from and to are days; cursor is optional.");
    let Query(query) = query.map_err(is_no_query)?;
    let wrong_order = || Reject::invalid_request("to must not lie before from.");
    let period = Period::of_days(query.from, query.to).ok_or_else(wrong_order)?;
    let no_cursor = || Reject::invalid_request("cursor is not one of an earlier page.");
    let mut chain = match &query.cursor {
        None => EvidenceChain::begin(),
        Some(text) => read_cursor(text, period).ok_or_else(no_cursor)?,
    };
    let mandates = chain.read_lines(&store, period, MANDATES_PER_PAGE).await?;
    let is_last = mandates.len() < MANDATES_PER_PAGE as usize;
    let next = (!is_last).then(|| write_cursor(&chain)).flatten();
    Ok(Json(MandatesResponse { mandates, next, end: is_last.then(|| chain.end()) }))
}

/// The cursor is opaque to clients: its contents may change.
fn write_cursor(chain: &EvidenceChain) -> Option<String> {
    let place = chain.last?;
    let plain =
        format!("{} {} {} {}", place.recorded_at.unix_seconds(), place.sequence, chain.lines, chain.hash);
    Some(encode_base64url(plain.as_bytes()))
}

fn read_cursor(text: &str, period: Period) -> Option<EvidenceChain> {
    let plain = String::from_utf8(decode_base64url(text)?).ok()?;
    let mut parts = plain.split(' ');
    let recorded_at = Timestamp::from_unix_seconds(parts.next()?.parse().ok()?);
    let place = MandatePlace { recorded_at, sequence: parts.next()?.parse().ok()? };
    let (lines, hash) = (parts.next()?.parse().ok()?, parts.next()?.to_owned());
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_one = parts.next().is_none() && is_hash && period.has(recorded_at);
    is_one.then_some(EvidenceChain { last: Some(place), lines, hash })
}
