//! `/widget/v1`: the loader script, the frame, the frame's own calls, the return page, and what
//! engineers read about them.

pub(crate) mod account;
pub(crate) mod account_script;
pub(crate) mod account_unlink;
pub(crate) mod account_validate;
mod account_words;
mod asset;
pub(crate) mod font;
pub(crate) mod frame;
mod frame_json;
pub(crate) mod hashed_loader;
pub(crate) mod loader;
pub(crate) mod loader_facts;
mod loader_script;
pub(crate) mod logo;
pub(crate) mod pin;
pub(crate) mod refusals;
pub(crate) mod result;
pub(crate) mod return_page;
pub(crate) mod signup;
pub(crate) mod types;

use self::account_words::add_account_words;
use self::frame_json::{to_frame_json, to_frame_json_with_words};
use crate::admission::{check_same_origin, check_widget_rate, read_json_body};
use crate::call::Call;
use crate::config::Operator;
use crate::fault::HandlerError;
use crate::ott::by_owner::not_served;
use crate::platform::Platform;
use crate::refusal_words::find_words;
use crate::response::json_response;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::locale::Locale;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::edge::{FlowStep, OperatorField};
use onbill_domain::wire::parse;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// What the frame's calls share:
///
/// 1. It comes from our own frame → else 403.
/// 2. It is JSON → else 415; at most 16 KiB → else 413.
/// 3. The address is within its rate → else 429.
/// 4. It has the expected members → else 400 `invalid-request`.
/// 5. We serve the operator → else 400 `parameter-not-supported`; its entry is wrong → 503.
async fn admit_widget_call<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
) -> Result<(Arc<Operator>, T), HandlerError> {
    // 1.
    check_same_origin(call)?;
    // 2.
    let body = read_json_body(call.request)?;
    // 3.
    check_widget_rate(call).await?;
    // 4. The operator is read in a pass of its own, so that a refusal can say where in the body the
    //    request went wrong: a request flattened beside it knows no positions, and costs 5 KB of
    //    wasm.
    let OperatorField { operator } = parse(body)?;
    let request = parse(body)?;
    // 5.
    let operator = call.find_operator(operator.as_str()).await?.ok_or_else(not_served)?;
    Ok((operator, request))
}

/// 200 with the next step. The customer's own page comes with its words, and so does the end that is
/// a refusal elsewhere.
fn step_response(next: &FlowStep, locale: Locale) -> Result<Response<Bytes>, HandlerError> {
    Ok(match next {
        FlowStep::Account { .. } => json_response(StatusCode::OK, &add_account_words(next, locale)?)?,
        FlowStep::AlreadyOnBill { .. } => {
            let words = find_words(ErrorCode::AlreadyOnBill, locale)?;
            json_response(StatusCode::OK, &to_frame_json_with_words(next, &words)?)?
        }
        FlowStep::Pin { .. } | FlowStep::Confirm { .. } => {
            json_response(StatusCode::OK, &to_frame_json(next)?)?
        }
    })
}
