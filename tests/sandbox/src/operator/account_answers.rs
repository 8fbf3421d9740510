//! `/account-answers`: what the CSP API says of an account beyond its status. A POST sets it for one
//! number, as a clerk of the operator would; a body with the number alone clears it.

use super::Operator;
use crate::answer::Refusal;
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::refusal_detail::{Ineligibility, Suspension};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is reported of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountAnswer {
    /// Why it may not pay on the bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Ineligibility>,
    /// Why it is suspended, which it then is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// How much may still be charged to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spendable: Option<Money>,
}

#[derive(Deserialize)]
struct NumberField {
    msisdn: Msisdn,
}

/// The words to choose from.
pub(super) async fn get_account_answers() -> Json<Value> {
    Json(json!({"reason": Ineligibility::ALL, "suspension": Suspension::ALL, "spendable": "an amount"}))
}

/// 404 `account-not-found` for a number without an account here.
pub(super) async fn post_account_answer(
    State(operator): State<Operator>,
    body: Bytes,
) -> Result<Json<AccountAnswer>, Refusal> {
    let NumberField { msisdn } = wire::parse(&body)?;
    let answer: AccountAnswer = wire::parse(&body)?;
    let set = operator.ledger().set_answer(&msisdn, answer);
    set.ok_or_else(|| Reject::new(ErrorCode::AccountNotFound, "There is no such account here."))?;
    Ok(Json(answer))
}
