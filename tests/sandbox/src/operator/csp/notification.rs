//! `POST /csp/notification`: an SMS to a number.

use super::signed_json;
use crate::answer::Refusal;
use crate::operator::Operator;
use axum::extract::{Request, State};
use http::StatusCode;
use onbill_domain::reject::Reject;
use onbill_domain::wire::csp::SmsRequest;

/// 202, for every number alike.
pub(in super::super) async fn post_notification(
    State(operator): State<Operator>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let message: SmsRequest = signed_json(&operator, request).await?;
    if message.text.trim().is_empty() {
        return Err(Reject::invalid_request("text must not be empty.").into());
    }
    let now = operator.now();
    operator.ledger().text(&message.msisdn, message.text, now);
    Ok(StatusCode::ACCEPTED)
}
