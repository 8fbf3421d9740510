//! `GET /accounts`: all members as a page and as JSON: `{accounts: [{accountID, email, plan, pays,
//! coupons, paidUntil}], leaks: [{at, where, found}]}`, where `pays` is `{how: "card", last4}`,
//! `{how: "coupons"}` or `{how: "bill", operator, pai, extSubscriptionID, partnerSubscriptionID,
//! reported}`: there, `reported` is `{pai, state, reason?, sequence}` as the operator's origin last
//! reported it, or null.

use super::Netflix;
use super::billing_runs;
use super::layout::page;
use super::member::name_of;
use super::members::{MemberAccount, PaymentMethod};
use super::messages::{self, SentMessage};
use super::words::{capitalized, reason_words};
use crate::answer::wants_json;
use crate::copy_button::{copy_button, segment, signed_call};
use crate::page::day;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::ids::OperatorId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::partner::AccountStateRequest;
use serde_json::{Value, json};

/// The list and the result of the leak check.
pub(super) async fn get_accounts(State(netflix): State<Netflix>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        let accounts = netflix.members().accounts().to_vec();
        let accounts: Vec<Value> = accounts.iter().map(|account| in_json(&netflix, account)).collect();
        return Json(json!({"accounts": accounts, "leaks": netflix.0.leaks.found()})).into_response();
    }
    list(&netflix, None)
}

/// The page, with the outcome of a message.
pub(super) fn list(netflix: &Netflix, sent: Option<&SentMessage>) -> Response {
    let accounts = netflix.members().accounts().to_vec();
    let leaks = netflix.0.leaks.found();
    let main = html! {
        div class="lead" {
            h1 { "Accounts" }
            p id="leak-check" data-leaks=(leaks.len()) {
                @if leaks.is_empty() { "Leak check: no phone number has reached this partner." }
                @else { "Leak check: " (leaks.len()) " found." }
            }
        }
        ul class="members" { @for account in &accounts { (member(netflix, account, sent)) } }
    };
    page(netflix, "Accounts", &main)
}

/// The last reported account state of a customer who pays on the bill.
pub(super) fn account_state(netflix: &Netflix, account: &MemberAccount) -> Option<AccountStateRequest> {
    let PaymentMethod::Bill { operator, pai, .. } = &account.pays else { return None };
    netflix.ledger().account_state(operator, *pai).cloned()
}

/// Whether the account was paid on a bill, and its operator has ended that.
pub(super) fn has_ended(netflix: &Netflix, account: &MemberAccount) -> bool {
    account_state(netflix, account).is_some_and(|reported| reported.state == PaiState::Closed)
}

fn in_json(netflix: &Netflix, account: &MemberAccount) -> Value {
    let mut value = json!(account);
    if matches!(account.pays, PaymentMethod::Bill { .. }) {
        value["pays"]["reported"] = json!(account_state(netflix, account));
    }
    value
}

fn in_words(reported: &AccountStateRequest) -> (&'static str, String) {
    match (reported.state, reported.reason) {
        (PaiState::Active, _) => ("active", "Active".to_owned()),
        (PaiState::Suspended, _) => ("suspended", "On hold at the operator".to_owned()),
        (PaiState::Closed, reason) => {
            ("closed", format!("Closed: {}", reason.map_or("no reason", reason_words)))
        }
    }
}

fn member(netflix: &Netflix, account: &MemberAccount, sent: Option<&SentMessage>) -> Markup {
    let reported = account_state(netflix, account);
    let has_ended = reported.as_ref().is_some_and(|reported| reported.state == PaiState::Closed);
    let (how, words) = match account.pays {
        PaymentMethod::Bill { .. } => ("bill", "On the phone bill"),
        PaymentMethod::Card { .. } => ("card", "By card"),
        PaymentMethod::Coupons => ("coupons", "By coupon"),
    };
    html! {
        li class="card" data-account=(account.id) data-how=(how) {
            div class="title" {
                h2 { (account.email) }
                @if has_ended { span class="quiet" { "Ended" } } @else { span class={ "chip " (how) } { (words) } }
            }
            dl {
                div { dt { "Account" } dd { (account.id) } }
                div { dt { "Plan" } dd { (capitalized(account.plan)) } }
                @if let Some(until) = account.paid_until { div { dt { "Paid until" } dd { (day(until)) } } }
                @match &account.pays {
                    PaymentMethod::Coupons => {}
                    PaymentMethod::Card { last4 } => { div { dt { "Card" } dd { "•••• " (last4) } } }
                    PaymentMethod::Bill { operator, pai, ext_subscription_id, partner_subscription_id } => {
                        div { dt { "Operator" } dd { (name_of(netflix, operator)) } }
                        @if let Some((state, words)) = reported.as_ref().map(in_words) {
                            div { dt { "There" } dd data-state=(state) { (words) } }
                        }
                        div class="wide" { dt { "PAI" } dd class="code" { (pai) } }
                        div class="wide" { dt { "Our subscription" } dd class="code" { (ext_subscription_id) } }
                        div class="wide" { dt { "onbill’s subscription" } dd class="code" { (partner_subscription_id) } }
                    }
                }
            }
            @if let PaymentMethod::Bill { operator, pai, partner_subscription_id, .. } = &account.pays {
                div class="calls" {
                    @if let Some(call) = charge_call(netflix, operator, *pai) { (copy_button(&call, "a charge")) }
                    (copy_button(&cancel_call(netflix, partner_subscription_id), "its end"))
                }
                (messages::form(netflix, *pai, sent))
            }
        }
    }
}

/// A charge by hand, of the month that the next billing run charges.
fn charge_call(netflix: &Netflix, operator: &OperatorId, pai: Pai) -> Option<String> {
    let days = billing_runs::days_to_run(netflix)?;
    let body = json!({
        "extTransactionID": format!("by-hand-{}", netflix.0.outside.random.uuid()), "pai": pai,
        "amount": netflix.0.config.operator(operator)?.price, "description": "By hand",
        "servicePeriod": {"from": days.from(), "to": days.to()},
    });
    Some(signed_call(&netflix.0.config.edge_url, "POST", "/ott/v1/transaction", Some(&body)))
}

/// The cancelling of a subscription by hand.
fn cancel_call(netflix: &Netflix, partner_subscription_id: &str) -> String {
    let path = format!("/ott/v1/partnerSubscription/{}", segment(partner_subscription_id));
    signed_call(&netflix.0.config.edge_url, "PUT", &path, Some(&json!({"status": "CANCELLED"})))
}
