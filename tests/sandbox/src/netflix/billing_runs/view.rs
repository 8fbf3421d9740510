//! The pages of billing runs.

use super::super::Netflix;
use super::super::charges::{chip, state_call};
use super::super::member::name_of;
use super::super::words::{capitalized, reason_words, status_words};
use super::{BillingRun, RunCharge, RunTotals, month_to_run};
use crate::copy_button::copy_button;
use crate::page::price;
use maud::{Markup, html};

/// The form, and the runs so far.
pub(super) fn runs(netflix: &Netflix, runs: &[BillingRun]) -> Markup {
    html! {
        div class="lead" {
            h1 { "Billing runs" }
            p { "Charges every account on a phone bill for one month. The same month again bills no one twice." }
        }
        (form(&month_to_run(netflix, runs.first())))
        @if !runs.is_empty() {
            h2 { "Runs so far" }
            ul class="members" { @for run in runs { li class="card" { h3 { (run.month) } (totals(run)) } } }
        }
    }
}

fn form(month: &str) -> Markup {
    html! {
        form id="run-form" class="card run" method="post" action="/billing-runs" {
            div {
                label for="month" { "Month" }
                input id="month" name="month" type="month" required min="2020-01" max="2100-12" value=(month);
            }
            button id="run-submit" class="main" type="submit" { "Run" }
        }
    }
}

/// The result of one run, and the form for the next.
pub(super) fn result(netflix: &Netflix, run: &BillingRun) -> Markup {
    html! {
        div class="lead" {
            h1 { "Billing run " (run.month) }
            p { a href="/billing-runs" { "All runs" } " · " a href="/charges" { "All charges, and giving money back" } }
        }
        section class="card" id="run-totals" { (totals(run)) }
        (form(&month_to_run(netflix, Some(run))))
        @if run.charges.is_empty() {
            p class="quiet" { "There was no account to charge: none pays on a phone bill, or all have paid ahead." }
        } @else {
            ul class="members" id="run-charges" { @for charge in &run.charges { (line(netflix, charge)) } }
        }
    }
}

fn totals(run: &BillingRun) -> Markup {
    let totals = run.totals;
    let counts = [
        ("charges", totals.charges),
        ("approved", totals.approved),
        ("pending", totals.pending),
        ("declined", totals.declined),
        ("failed", totals.failed),
        ("paid ahead", totals.paid_ahead),
    ];
    html! {
        p class="summary" { (summary(totals)) }
        dl class="counts" { @for (name, count) in counts { div { dt { (name) } dd data-total=(name) { (count) } } } }
    }
}

/// What the run has added: `0 new, 1 already billed`.
fn summary(totals: RunTotals) -> String {
    // They were pending or declined before, and are not asked for again.
    let known = totals.charges.saturating_sub(totals.new + totals.already_billed + totals.failed);
    let known = if known > 0 { format!(", {known} answered before and not billed") } else { String::new() };
    format!("{} new, {} already billed{known}", totals.new, totals.already_billed)
}

fn line(netflix: &Netflix, charge: &RunCharge) -> Markup {
    let status = status_words(charge.answer.as_ref().map(|answer| answer.status));
    html! {
        li class="card" data-ext-transaction=(charge.ext_transaction_id) {
            div class="title" {
                h2 class="code" { (charge.ext_transaction_id) }
                (chip(status))
            }
            dl {
                div { dt { "Amount" } dd { (price(charge.amount)) } }
                div { dt { "Operator" } dd { (name_of(netflix, &charge.operator)) } }
                div { dt { "HTTP" } dd { @match charge.http_status { Some(201) => "201 new", Some(200) => "200 as before", Some(other) => (other), None => "none" } } }
                @if charge.attempts > 1 { div { dt { "Attempts" } dd { (charge.attempts) } } }
                @if let Some(code) = &charge.code { div { dt { "Code" } dd class="code" { (code) } } }
                @if let Some(reason) = charge.answer.as_ref().and_then(|answer| answer.decline_reason) {
                    div { dt { "Reason" } dd { (capitalized(reason_words(reason))) } }
                }
            }
            (copy_button(&state_call(netflix, &charge.ext_transaction_id), "its state"))
        }
    }
}
