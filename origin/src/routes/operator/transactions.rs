//! `GET /operator/v1/transactions`: the ledger, one page at a time.

use crate::config::Config;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::store::{Cursor, Period, ReportDate, ReportFilter, ReportedCharge, Store};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use onbill_domain::encoding::{decode_base64url, encode_base64url};
use onbill_domain::ids::PartnerId;
use onbill_domain::limits::{EXT_ID_CHARS_MAX, TRANSACTIONS_PER_PAGE};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ledger::{LedgerEntry, TransactionsQuery, TransactionsResponse};
use std::sync::Arc;

/// 200 with charges ordered by the time at which they were posted, oldest first, and the cursor of
/// the next page. The set of charges of a past day never changes; their states may. 400
/// `invalid-request` for a malformed query; 400 `parameter-not-supported` for a partner that this
/// operator does not have.
pub(in crate::routes) async fn page_of_transactions(
    State(config): State<Arc<Config>>,
    State(store): State<Arc<Store>>,
    query: Result<Query<TransactionsQuery>, QueryRejection>,
    _: OperatorCall,
) -> Result<Json<TransactionsResponse>, Failure> {
    let is_no_query =
        |_| Reject::invalid_request("from and to are days; status, partner and cursor are optional.");
    let Query(query) = query.map_err(is_no_query)?;
    let wrong_order = || Reject::invalid_request("to must not lie before from.");
    let period = Period::of_days(query.from, query.to).ok_or_else(wrong_order)?;
    let partner = find_partner(&config, query.partner)?;
    let no_cursor = || Reject::invalid_request("cursor is not one of an earlier page.");
    let after = query.cursor.map(|text| read_cursor(&text, period).ok_or_else(no_cursor)).transpose()?;
    let select =
        ReportFilter { partner: partner.clone(), period, dated: ReportDate::Created, status: query.status };
    let page = store.list_charges(select, after, TRANSACTIONS_PER_PAGE).await?;
    let page = page.map(|line| to_entry(line, &partner));
    Ok(Json(TransactionsResponse { transactions: page.lines, next: page.next.map(|at| write_cursor(&at)) }))
}

/// The requested partner, or the only one if the query names none.
fn find_partner(config: &Config, asked: Option<PartnerId>) -> Result<PartnerId, Reject> {
    let known = config.partner_ids();
    match asked {
        Some(partner) if known.contains(&partner) => Ok(partner),
        Some(_) => {
            Err(Reject::new(ErrorCode::ParameterNotSupported, "partner is not one of this operator's."))
        }
        None => match known.first() {
            Some(only) if known.len() == 1 => Ok((*only).clone()),
            _ => Err(Reject::invalid_request("partner is required where there are several.")),
        },
    }
}

fn to_entry(line: ReportedCharge, partner: &PartnerId) -> LedgerEntry {
    LedgerEntry {
        transaction_id: line.transaction_id,
        ext_transaction_id: line.ext_transaction_id,
        partner: partner.clone(),
        amount: line.amount,
        refunded: Money { amount_minor: line.refunded_minor, currency: line.amount.currency },
        status: line.status,
        decline_reason: line.decline_reason,
        created_at: line.created_at,
        settled_at: line.settled_at,
    }
}

/// The cursor is opaque to clients: its contents may change.
fn write_cursor(cursor: &Cursor) -> String {
    encode_base64url(format!("{} {}", cursor.at.unix_seconds(), cursor.id).as_bytes())
}

fn read_cursor(text: &str, period: Period) -> Option<Cursor> {
    let plain = String::from_utf8(decode_base64url(text)?).ok()?;
    let (at, id) = plain.split_once(' ')?;
    let at = Timestamp::from_unix_seconds(at.parse().ok()?);
    let is_id = id.len() <= EXT_ID_CHARS_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    (period.has(at) && is_id).then(|| Cursor { at, id: id.to_owned() })
}
