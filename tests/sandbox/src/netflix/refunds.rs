//! `POST /refunds`: refunds all or part of a charge, one `POST
//! /ott/v1/transaction/{extTransactionID}/refund`.
//!
//! JSON in, JSON out: `{extTransactionID, operator?, extRefundID?, amount?, reason}` gives
//! `{extRefundID, attempts, httpStatus, answer, code}`, where absent values are null. A form in,
//! the list of charges out.

use super::Netflix;
use super::edge::EdgeFailure;
use super::ledger::RequestedCharge;
use super::{charges, refund_form::EnteredRefundForm};
use crate::answer::{Refusal, sent_json};
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use bytes::Bytes;
use http::StatusCode;
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire;
use onbill_domain::wire::ott::RefundRequest;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnteredRefund {
    #[serde(rename = "extTransactionID")]
    charge: ExtId,
    /// The charge's operator, where two operators have one with that id.
    operator: Option<OperatorId>,
    /// A new id when absent.
    #[serde(rename = "extRefundID")]
    refund: Option<ExtId>,
    amount: Option<Money>,
    reason: String,
}

/// 404 `transaction-not-found` for a charge that was never requested; 400 for a request that cannot
/// be sent. onbill checks everything else, and its response is shown beside the charge.
pub(super) async fn post_refund(
    State(netflix): State<Netflix>,
    request: Request,
) -> Result<Response, Refusal> {
    let unreadable = || Reject::invalid_request("The body cannot be read.");
    if sent_json(request.headers()) {
        let body = Bytes::from_request(request, &()).await.map_err(|_| unreadable())?;
        return by_program(&netflix, wire::parse(&body)?).await;
    }
    let Form(entered) =
        Form::<EnteredRefundForm>::from_request(request, &()).await.map_err(|_| unreadable())?;
    let charge = find(&netflix, |charge| entered.is_about(charge))?;
    match entered.read(charge.amount.currency) {
        Ok(refund) => {
            netflix.refund(&charge.operator, &charge.id, &refund).await;
            Ok(Redirect::to(&format!("/charges#refund-{}", refund.ext_refund_id)).into_response())
        }
        Err(complaint) => {
            let page = charges::list(&netflix, Some((&entered, complaint)));
            Ok((StatusCode::BAD_REQUEST, page).into_response())
        }
    }
}

async fn by_program(netflix: &Netflix, asked: EnteredRefund) -> Result<Response, Refusal> {
    let is_meant = |operator: &OperatorId| asked.operator.as_ref().is_none_or(|meant| meant == operator);
    let charge = find(netflix, |charge| charge.id == asked.charge && is_meant(&charge.operator))?;
    let made_up = || ExtId::parse(&format!("ref-{}", netflix.0.outside.random.uuid()));
    let name = asked.refund.or_else(made_up);
    let name =
        name.ok_or_else(|| Reject::new(ErrorCode::InternalError, "An identifier could not be made."))?;
    let refund = RefundRequest { ext_refund_id: name, amount: asked.amount, reason: asked.reason };
    refund.check()?;
    let outcome = netflix.refund(&charge.operator, &charge.id, &refund).await;
    let (status, answer, code) = match outcome.answer {
        Ok((status, answer)) => (Some(status), Some(answer), None),
        Err(EdgeFailure::Refused { status, code }) => (Some(status), None, Some(code)),
        Err(EdgeFailure::Silent) => (None, None, None),
    };
    let reported = json!({
        "extRefundID": refund.ext_refund_id, "attempts": outcome.attempts,
        "httpStatus": status.map(|status| status.as_u16()), "answer": answer, "code": code,
    });
    Ok(Json(reported).into_response())
}

fn find(netflix: &Netflix, is_meant: impl Fn(&RequestedCharge) -> bool) -> Result<RequestedCharge, Reject> {
    let charge = netflix.ledger().charges().iter().find(|charge| is_meant(charge)).cloned();
    charge.ok_or_else(|| Reject::new(ErrorCode::TransactionNotFound, "There is no such charge."))
}
