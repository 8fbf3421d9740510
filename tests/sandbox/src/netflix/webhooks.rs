//! `POST /transaction-state` and `POST /refund-state`: webhooks of an operator's origin about a
//! later outcome. `POST /dispute-state`: about a charge that a customer calls fraud. `POST /account-state`:
//! about the state of a customer's account.
//!
//! Responses are for the origin, which retries until it reads 2xx. What cannot be true is refused,
//! and shown in red on every page.

use super::Netflix;
use super::report::{ReportError, ReportSource};
use crate::answer::Refusal;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::{ErrorBody, ErrorCode, Reject};
use onbill_domain::wire;
use onbill_domain::wire::ott::{RefundResponse, TransactionResponse};
use onbill_domain::wire::partner::{AccountStateRequest, DisputeStateRequest};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;

/// 1. Not signed by the origin of an operator with which there is a contract → 401; not well formed
///    → 400, 413, 415.
/// 2. About a charge that was never posted to that operator → 404 `transaction-not-found`.
/// 3. Not settled, or inconsistent → 400; settled otherwise before → 409. Equal to the earlier
///    report → 200.
pub(super) async fn post_transaction_state(State(netflix): State<Netflix>, request: Request) -> Response {
    answer(
        CHARGE,
        receive(&netflix, request).await.map(|(operator, reported): (_, TransactionResponse)| {
            netflix.ledger().record_charge_report(&operator, reported, ReportSource::Webhook, netflix.now())
        }),
    )
}

/// Like [`post_transaction_state`], for a refund.
pub(super) async fn post_refund_state(State(netflix): State<Netflix>, request: Request) -> Response {
    answer(
        CHARGE,
        receive(&netflix, request).await.map(|(operator, reported): (_, RefundResponse)| {
            netflix.ledger().record_refund_report(&operator, reported, ReportSource::Webhook, netflix.now())
        }),
    )
}

/// Like [`post_transaction_state`], for a dispute. Older than what is known, or equal → 200, and nothing
/// changes; another state under the same sequence → 409.
pub(super) async fn post_dispute_state(State(netflix): State<Netflix>, request: Request) -> Response {
    answer(
        CHARGE,
        receive(&netflix, request).await.map(|(operator, reported): (_, DisputeStateRequest)| {
            netflix.ledger().record_dispute_report(&operator, reported, netflix.now())
        }),
    )
}

/// 1. As above.
/// 2. About a PAI that this operator never sent → 404 `pai-not-found`.
/// 3. Inconsistent → 400; two states under one sequence, or a closed PAI in any other state → 409.
///    Older than what is known, or equal → 200, and nothing changes.
pub(super) async fn post_account_state(State(netflix): State<Netflix>, request: Request) -> Response {
    answer(
        PAI,
        receive(&netflix, request).await.map(|(operator, reported): (_, AccountStateRequest)| {
            netflix.ledger().record_account_report(&operator, reported, netflix.now())
        }),
    )
}

/// The sender of a webhook, and its contents.
async fn receive<T: DeserializeOwned>(
    netflix: &Netflix,
    request: Request,
) -> Result<(OperatorId, T), Reject> {
    let (party, body) = netflix.0.origins.admit_and_name(request, netflix.now()).await?;
    let known = party.operator_id().filter(|operator| netflix.0.config.operator(operator).is_some());
    Ok((known.ok_or_else(Reject::unauthorized)?, wire::parse(&body)?))
}

/// The response to a webhook about an unknown object.
type UnknownObject = (ErrorCode, &'static str);
const CHARGE: UnknownObject = (ErrorCode::TransactionNotFound, "It was never asked for.");
const PAI: UnknownObject = (ErrorCode::PaiNotFound, "It was never sent by this operator.");

fn answer(unknown: UnknownObject, recorded: Result<Result<(), ReportError>, Reject>) -> Response {
    let wrong = match recorded {
        Ok(Ok(())) => return Json(json!({})).into_response(),
        Ok(Err(wrong)) => wrong,
        Err(reject) => return Refusal(reject).into_response(),
    };
    match wrong {
        ReportError::Unknown => Refusal(Reject::new(unknown.0, unknown.1)).into_response(),
        ReportError::Impossible(what) => Refusal(Reject::invalid_request(what)).into_response(),
        // A code of the partner's own.
        ReportError::Contradicts(what) => {
            let body = ErrorBody {
                code: "state-contradiction".to_owned(),
                message: what.to_owned(),
                reason: None,
                way_on: None,
                words: BTreeMap::new(),
            };
            (StatusCode::CONFLICT, Json(body)).into_response()
        }
    }
}
