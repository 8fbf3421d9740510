//! `POST /csp/account/validate`: the operator's data about a number's account.

use super::signed_json;
use crate::answer::Refusal;
use crate::operator::Operator;
use axum::Json;
use axum::extract::{Request, State};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::csp::{AccountValidateRequest, AccountValidateResponse};

/// 200 with the account status, also of a ceased account; 404 `account-not-found` for a number that
/// never had one.
pub(in super::super) async fn post_account_validate(
    State(operator): State<Operator>,
    request: Request,
) -> Result<Json<AccountValidateResponse>, Refusal> {
    let asked: AccountValidateRequest = signed_json(&operator, request).await?;
    let ledger = operator.ledger();
    let subscriber = ledger
        .subscriber(&asked.msisdn)
        .ok_or_else(|| Reject::new(ErrorCode::AccountNotFound, "There is no such account."))?;
    Ok(Json(AccountValidateResponse {
        status: subscriber.account.status,
        account_type: subscriber.account.account_type,
        balance: subscriber.account.balance,
        subscriber_id: subscriber.subscriber_id.clone(),
    }))
}
