//! `GET /charges`: every charge that was requested, what is known of it, and its refunds, newest
//! first; as a page and as JSON: `{charges: [{extTransactionID, operator, pai, amount,
//! servicePeriod, remaining, reported, by, refunds: [{extRefundID, reason, asked, code, reported, by}]}],
//! contradictions: [{at, operator, what}]}`. `reported` is the latest response or webhook, `by` is
//! `response` or `webhook`; unknown values are null.

use super::Netflix;
use super::layout::page;
use super::ledger::{PartnerLedger, RequestedCharge, RequestedRefund};
use super::member::name_of;
use super::refund_form::{self, EnteredRefundForm};
use super::report::{KnownReport, ReportSource};
use super::words::{capitalized, reason_words, status_words};
use crate::answer::wants_json;
use crate::copy_button::{copy_button, segment, signed_call};
use crate::page::{period, price};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::wire::ott::{RawResult, TransactionStatus};
use serde_json::{Value, json};

/// Most charges on the page; the JSON has all.
const LISTED_MAX: usize = 100;

pub(super) async fn get_charges(State(netflix): State<Netflix>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        Json(everything(&netflix.ledger())).into_response()
    } else {
        list(&netflix, None)
    }
}

fn everything(ledger: &PartnerLedger) -> Value {
    let refund = |refund: &RequestedRefund| {
        json!({
            "extRefundID": refund.id, "reason": refund.reason, "asked": refund.asked,
            "code": refund.refusal.as_ref().map(|refusal| &refusal.code),
            "reported": refund.known.as_ref().map(|known| &known.reported),
            "by": refund.known.as_ref().map(|known| known.source),
        })
    };
    let charge = |charge: &RequestedCharge| {
        json!({
            "extTransactionID": charge.id, "operator": charge.operator, "pai": charge.pai,
            "amount": charge.amount, "servicePeriod": charge.service_period,
            "remaining": ledger.remaining(charge),
            "reported": charge.known.as_ref().map(|known| &known.reported),
            "by": charge.known.as_ref().map(|known| known.source),
            "refunds": ledger.refunds_of(charge).map(refund).collect::<Value>(),
        })
    };
    let charges: Value = ledger.charges().iter().rev().map(charge).collect();
    json!({"charges": charges, "contradictions": ledger.contradictions()})
}

/// The page; with the input of one of its forms and why it is invalid.
pub(super) fn list(netflix: &Netflix, problem: Option<(&EnteredRefundForm, &str)>) -> Response {
    let title = if problem.is_some() { "Error: charges" } else { "Charges" };
    // The frame of the page reads the ledger as well.
    let main = {
        let ledger = netflix.ledger();
        let charges = ledger.charges();
        html! {
            div class="lead" {
                h1 { "Charges" }
                p { "The state of each charge, from its response or from a later webhook." }
            }
            @if charges.is_empty() {
                p class="quiet" { "No account was charged yet. " a href="/billing-runs" { "Start a billing run" } "." }
            }
            @if charges.len() > LISTED_MAX {
                p class="quiet" { "The latest " (LISTED_MAX) " of " (charges.len()) "." }
            }
            ul class="members" id="charges" {
                @for charge in charges.iter().rev().take(LISTED_MAX) {
                    (card(netflix, &ledger, charge, problem.filter(|(entered, _)| entered.is_about(charge))))
                }
            }
        }
    };
    page(netflix, title, &main)
}

fn card(
    netflix: &Netflix,
    ledger: &PartnerLedger,
    charge: &RequestedCharge,
    problem: Option<(&EnteredRefundForm, &str)>,
) -> Markup {
    let reported = charge.known.as_ref().map(|known| &known.reported);
    let status = reported.map(|reported| reported.status);
    let remaining = ledger.remaining(charge);
    let refunds: Vec<&RequestedRefund> = ledger.refunds_of(charge).collect();
    let may_give_back = status == Some(TransactionStatus::Approved) && remaining.amount_minor > 0;
    html! {
        li class="card" data-ext-transaction=(charge.id) data-status=(word(status)) {
            div class="title" {
                h2 class="code" { (charge.id) }
                (chip(status_words(status)))
            }
            dl {
                div { dt { "Amount" } dd { (price(charge.amount)) } }
                @if !charge.is_declined() {
                    div { dt { "Not refunded" } dd data-remaining=(remaining.amount_minor) { (price(remaining)) } }
                }
                div class="wide" { dt { "For" } dd { (period(charge.service_period)) } }
                div { dt { "Operator" } dd { (name_of(netflix, &charge.operator)) } }
                @if let Some(reason) = reported.and_then(|reported| reported.decline_reason) {
                    div { dt { "Reason" } dd { (capitalized(reason_words(reason))) } }
                }
                (raw(reported.and_then(|reported| reported.raw_result.as_ref())))
                (known_by(charge.known.as_ref()))
            }
            (copy_button(&state_call(netflix, &charge.id), "its state"))
            @if !refunds.is_empty() {
                ul class="refunds" aria-label={ "Refunds of " (charge.id) } {
                    @for refund in refunds { (item(netflix, charge, refund)) }
                }
            }
            @if may_give_back { (refund_form::fresh(netflix, charge, remaining, problem)) }
        }
    }
}

/// The call that asks how a charge stands.
pub(super) fn state_call(netflix: &Netflix, id: &ExtId) -> String {
    signed_call(&netflix.0.config.edge_url, "GET", &charge_path(id), None)
}

fn charge_path(id: &ExtId) -> String {
    format!("/ott/v1/transaction/{}", segment(id.as_str()))
}

fn item(netflix: &Netflix, charge: &RequestedCharge, refund: &RequestedRefund) -> Markup {
    let reported = refund.known.as_ref().map(|known| &known.reported);
    let amount = reported.map(|reported| reported.amount).or(refund.asked);
    let is_refused = refund.refusal.as_ref().is_some_and(|refusal| !refusal.is_passing);
    let status = reported.map(|reported| reported.status);
    let (word, words) =
        if is_refused { ("refused", "Refused") } else { (word(status), status_words(status)) };
    let path = format!("{}/refund/{}", charge_path(&charge.id), segment(refund.id.as_str()));
    let call = signed_call(&netflix.0.config.edge_url, "GET", &path, None);
    html! {
        li id={ "refund-" (refund.id) } data-ext-refund=(refund.id) data-status=(word) {
            div class="title" {
                h3 { @match amount { Some(amount) => (price(amount)), None => "The rest of it" } " back" }
                (chip(words))
            }
            dl {
                div { dt { "Why" } dd { (refund.reason) } }
                @if let Some(refusal) = &refund.refusal { div { dt { "Code" } dd class="code" { (refusal.code) } } }
                (raw(reported.and_then(|reported| reported.raw_result.as_ref())))
                (known_by(refund.known.as_ref()))
                div class="wide" { dt { "Refund" } dd class="code" { (refund.id) } }
            }
            @if !is_refused { (copy_button(&call, "its state")) }
            @if reported.is_none() && !is_refused { (refund_form::again(charge, refund)) }
        }
    }
}

fn raw(result: Option<&RawResult>) -> Markup {
    html! { @if let Some(raw) = result { div { dt { "Code of " (raw.scope) } dd class="code" { (raw.raw_code) } } } }
}

fn known_by<T>(known: Option<&KnownReport<T>>) -> Markup {
    let how = known.map(|known| match known.source {
        ReportSource::Response => "its response",
        ReportSource::Webhook => "a webhook",
    });
    html! { @if let Some(how) = how { div { dt { "Known by" } dd { (how) } } } }
}

/// The badge, with the words in its class for the style sheet.
pub(super) fn chip(words: &str) -> Markup {
    html! { span class={ "chip " (words.to_ascii_lowercase().replace(' ', "-")) } { (words) } }
}

/// The word for programs.
fn word(status: Option<TransactionStatus>) -> &'static str {
    status.map_or("no answer", TransactionStatus::as_str)
}
