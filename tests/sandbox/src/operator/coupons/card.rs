//! A coupon on a page: its status, and the actions available there.

use super::purchases::Purchase;
use super::status_texts;
use crate::page::{day, moment, period, price};
use maud::{Markup, html};
use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;

/// The card. `trouble` is this page's error message; `facts` and `ways` are its additional details
/// and actions.
pub(super) fn card(purchase: &Purchase, trouble: Option<&str>, facts: &Markup, ways: &Markup) -> Markup {
    let status = status_texts::status_text(purchase);
    let reported = purchase.reported.as_ref();
    // What was refused, or has not been confirmed yet, is not bought.
    let asked = if reported.is_some() { "Bought" } else { "Ordered" };
    let expires_at = reported.filter(|_| purchase.is_open()).and_then(|reported| reported.expires_at);
    html! {
        li class="card coupon" id={ "coupon-" (purchase.id) } data-coupon=(purchase.id) data-state=(status.word) tabindex="-1" {
            div class="title" {
                h3 { "Netflix, " (purchase.months) " months" }
                span class={ "chip " (status.word) } { (status.chip) }
            }
            @if let Some(words) = trouble { p class="notice" role="alert" { (words) } }
            p role="status" { (status.sentence) }
            dl class="facts" {
                div { dt { "Price" } dd { (price(purchase.price)) } }
                div { dt { (asked) } dd { (moment(purchase.at)) } }
                @if let Some(at) = expires_at { div { dt { "Enter it by" } dd { (day(last_day(at))) } } }
                @if let Some(days) = reported.and_then(|reported| reported.service_period) {
                    div class="wide" { dt { "Pays for" } dd { (period(days)) } }
                }
                (facts)
            }
            div class="ways" { (ways) }
        }
    }
}

/// As in the SMS: a day that is not over in any time zone when the code expires.
fn last_day(expires_at: Timestamp) -> Day {
    Day::of_timestamp(expires_at.plus_seconds(-1)).minus_days(1)
}

/// A button that acts once, with a description of its effect.
pub(super) fn button(purchase: &Purchase, action: &str, label: &str, hint: &str) -> Markup {
    let described = format!("hint-{}-{}", label.to_ascii_lowercase().replace(' ', "-"), purchase.id);
    html! {
        form method="post" action=(action) {
            input type="hidden" name="turn" value=(purchase.turn);
            button type="submit" aria-describedby=(described) { (label) }
            small id=(described) { (hint) }
        }
    }
}
