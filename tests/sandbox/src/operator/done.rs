//! The return page, where customers arrive from the partner. The dashboard trusts the signed
//! result, which is verified here on the server; the widget beside it shows the customer the same
//! in its own words.

use super::Operator;
use super::dashboard::{WidgetView, widget};
use super::layout::{PageView, number_link, page};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use onbill_domain::account::AccountType;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::token::{self, ResultClaims, SignupOutcome};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct DoneQuery {
    onbill_result: Option<String>,
    #[serde(flatten)]
    view: PageView,
}

/// 200 with the result, or without one when none came; 400 when it is not genuine or expired.
pub(super) async fn get_done(
    State(operator): State<Operator>,
    Query(query): Query<DoneQuery>,
    headers: HeaderMap,
) -> Response {
    let visitor = operator.logged_in(&headers);
    let config = operator.config();
    let result = query.onbill_result.as_deref().map(|result| {
        token::verify::<ResultClaims>(&config.keys, config.operator.as_str(), operator.now(), result)
    });
    let status = if matches!(result, Some(Err(_))) { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let is_success = matches!(&result, Some(Ok(claims)) if claims.outcome == SignupOutcome::Success);
    let prepaid = visitor.as_ref().is_some_and(|msisdn| {
        let ledger = operator.ledger();
        ledger
            .subscriber(msisdn)
            .is_some_and(|subscriber| subscriber.account.account_type == AccountType::Prepaid)
    });
    let beside = if is_success { "outcome success" } else { "outcome" };
    let main = html! {
        section class="hero" {
            h1 { (headline(result.as_ref())) }
            @if let Some(msisdn) = &visitor {
                p { a href=(number_link("/bill", msisdn)) { "See the " @if prepaid { "statement" } @else { "bill" } } " or go " a href=(query.view.link("/")) { "back to the overview" } "." }
            } @else {
                p { a href=(query.view.link("/")) { "Back to the overview" } }
            }
        }
        div class=(beside) {
            (widget(&operator, &query.view, WidgetView::Offer, visitor.is_some()))
            (result_card(&operator, result.as_ref()))
        }
    };
    (status, page(&operator, &query.view, "Netflix on your bill", visitor.as_ref(), &main)).into_response()
}

fn headline(result: Option<&Result<ResultClaims, Reject>>) -> &'static str {
    match result {
        Some(Ok(claims)) => match claims.outcome {
            SignupOutcome::Success => "Netflix is on your bill",
            SignupOutcome::Pending => "Almost there",
            SignupOutcome::Cancelled => "Nothing was changed",
        },
        Some(Err(reject)) if reject.code == ErrorCode::TokenExpired => "This page is too old",
        Some(Err(_)) => "This cannot be confirmed",
        None => "Nothing to confirm",
    }
}

/// What the server found: a dashboard may act upon nothing else.
fn result_card(operator: &Operator, result: Option<&Result<ResultClaims, Reject>>) -> Markup {
    let (signature, words) = match result {
        Some(Ok(_)) => ("valid", "Valid"),
        Some(Err(reject)) if reject.code == ErrorCode::TokenExpired => (reject.code.as_str(), "Too old"),
        Some(Err(reject)) => (reject.code.as_str(), "Not valid"),
        None => ("none", "None"),
    };
    let claims = result.and_then(|result| result.as_ref().ok());
    html! {
        section class="card" id="result" data-signature=(signature) data-outcome=[claims.map(|claims| claims.outcome.as_str())] {
            h2 { "What " (operator.config().name) "’s server checked" }
            dl class="facts" {
                div { dt { "Signature" } dd { (words) } }
                @if let Some(claims) = claims {
                    div { dt { "Outcome" } dd { (outcome_words(claims.outcome)) } }
                    div { dt { "Offer" } dd { (claims.offer) } }
                    @if let Some(id) = &claims.partner_subscription_id {
                        div { dt { "Subscription" } dd class="code" { (id) } }
                    }
                }
            }
            p class="quiet" {
                @match result {
                    Some(Ok(_)) => "The result in the address was signed by onbill for this operator and has not expired.",
                    Some(Err(_)) => "The result in the address is not one that onbill signed for this operator, or it has expired.",
                    None => "There is no result in the address.",
                }
            }
        }
    }
}

fn outcome_words(outcome: SignupOutcome) -> &'static str {
    match outcome {
        SignupOutcome::Success => "Signed up",
        SignupOutcome::Pending => "Not finished yet",
        SignupOutcome::Cancelled => "Cancelled",
    }
}
