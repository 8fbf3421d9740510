//! `POST /csp/account/validate`: the operator's data about a number's account.

use super::signed_json;
use crate::answer::Refusal;
use crate::operator::{AccountAnswer, Operator};
use axum::Json;
use axum::extract::{Request, State};
use onbill_domain::account::AccountStatus;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::csp::{AccountValidateRequest, AccountValidateResponse};

/// 200 with the account status, also of a ceased account; 404 `account-not-found` for a number that
/// never had one. A question about a purchase has a purpose, a partner and a positive amount: else 400.
pub(in super::super) async fn post_account_validate(
    State(operator): State<Operator>,
    request: Request,
) -> Result<Json<AccountValidateResponse>, Refusal> {
    let asked: AccountValidateRequest = signed_json(&operator, request).await?;
    check_purchase(&asked)?;
    let ledger = operator.ledger();
    let subscriber = ledger
        .subscriber(&asked.msisdn)
        .ok_or_else(|| Reject::new(ErrorCode::AccountNotFound, "There is no such account."))?;
    let AccountAnswer { reason, suspension, spendable } = ledger.answer(&asked.msisdn);
    let status = suspension.map_or(subscriber.account.status, |_| AccountStatus::Suspended);
    Ok(Json(AccountValidateResponse {
        status,
        account_type: subscriber.account.account_type,
        balance: subscriber.account.balance,
        subscriber_id: subscriber.subscriber_id.clone(),
        eligible: reason.map(|_| false),
        reason,
        suspension,
        spendable,
    }))
}

fn check_purchase(asked: &AccountValidateRequest) -> Result<(), Reject> {
    let AccountValidateRequest { msisdn: _, partner, offer, amount, purpose } = asked;
    match (purpose, partner, amount) {
        (Some(_), Some(_), Some(amount)) if amount.amount_minor > 0 => Ok(()),
        (None, None, None) if offer.is_none() => Ok(()),
        _ => Err(Reject::invalid_request("purpose, partner and a positive amount come together.")),
    }
}
