//! `/member`: a member's account: until when it is paid, by what, and what comes then. When its
//! last paid day is near, it offers to continue with the phone bill.
//!
//! `?on=YYYY-MM-DD` shows the page as it will be on another day: the sandbox's clock cannot be
//! advanced.

use super::Netflix;
use super::accounts::has_ended;
use super::config::KnownOperator;
use super::coupons::RedeemedCoupon;
use super::layout::{MenuItem, menu_page};
use super::members::{DEMO_PASSWORD, MemberAccount, PaymentMethod};
use super::redeem_form::log_out;
use crate::page::{day, period, price};
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::day::Day;
use onbill_domain::ids::OperatorId;
use serde::Deserialize;

/// Days before the last paid one at which the member is asked how to continue: as long as a bill
/// takes.
const NEAR_DAYS: i64 = 14;

#[derive(Deserialize)]
pub(super) struct MemberQuery {
    on: Option<Day>,
}

/// The account of the logged-in member, or the log-in.
pub(super) async fn get_member(
    State(netflix): State<Netflix>,
    Query(view): Query<MemberQuery>,
    headers: HeaderMap,
) -> Response {
    let Some(account) = netflix.logged_in(&headers) else { return log_in_form(&netflix, None) };
    let today = view.on.unwrap_or_else(|| Day::of_timestamp(netflix.now()));
    let main = html! { div class="column" {
        div class="lead" {
            h1 { "Your account" }
            p { strong id="member" { (account.email) } }
        }
        (show_membership(&netflix, &account, today))
        @if !account.coupons.is_empty() {
            h2 { "Your codes" }
            ul class="members" id="coupons" {
                @for coupon in account.coupons.iter().rev() { (redeemed(&netflix, coupon, today)) }
            }
        }
        p class="centre" { a href="/redeem" { "Redeem " @if account.coupons.is_empty() { "a" } @else { "another" } " code" } }
        (log_out())
        (behind_the_scenes(today))
    } };
    menu_page(&netflix, MenuItem::Member, "Your account", &main)
}

/// The log-in form; with the entered address, when the password did not match it.
pub(super) fn log_in_form(netflix: &Netflix, problem: Option<&str>) -> Response {
    let title = if problem.is_some() { "Error: log in" } else { "Log in" };
    let main = html! { div class="column" {
        div class="lead" {
            h1 { "Log in" }
            p { "See how long your membership is paid for. New here with a code? " a href="/redeem" { "Redeem it" } "." }
        }
        form id="log-in-form" class="card redeem" method="post" action="/log-in" novalidate {
            @if problem.is_some() {
                p class="problem" id="problem" role="alert" { "E-mail and password do not match an account." }
            }
            label for="email" { "E-mail" }
            input id="email" name="email" type="email" autocomplete="email" required maxlength="254" value=[problem];
            label for="password" { "Password" }
            input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200"
                aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")] autofocus[problem.is_some()];
            p class="hint" { "Every account here has the password " code { (DEMO_PASSWORD) } "." }
            button id="log-in-submit" class="main" type="submit" { "Log in" }
        }
    } };
    menu_page(netflix, MenuItem::Member, title, &main)
}

/// How long it is paid for, and what follows.
fn show_membership(netflix: &Netflix, account: &MemberAccount, today: Day) -> Markup {
    let left = account.paid_until.map(|until| until.days_since(today));
    let has_ended = has_ended(netflix, account);
    let word = match left {
        None if has_ended => "ended",
        None => "monthly",
        Some(..0) => "ended",
        Some(..=NEAR_DAYS) => "near",
        Some(_) => "paid",
    };
    html! {
        section class="card membership" id="membership" data-membership=(word) data-paid-until=[account.paid_until] {
            @match account.paid_until {
                Some(until) if until >= today => { p class="figure" { "Paid until " (day(until)) } }
                Some(until) if account.pays == PaymentMethod::Coupons => { p class="figure" { "Ended on " (day(until)) } }
                _ if has_ended => { p class="figure" { "No longer on the phone bill" } }
                _ => { p class="figure" { "Active, month by month" } }
            }
            p { (then(netflix, account, today)) }
            @if matches!(word, "near" | "ended") && (has_ended || !matches!(account.pays, PaymentMethod::Bill { .. })) {
                (go_on(netflix, account, today))
            }
        }
    }
}

/// Whether there are prepaid days to come, today's among them.
fn has_paid_days(account: &MemberAccount, today: Day) -> bool {
    account.paid_until.is_some_and(|until| until >= today)
}

/// What pays when no prepaid days are left.
fn then(netflix: &Netflix, account: &MemberAccount, today: Day) -> Markup {
    let is_ahead = has_paid_days(account, today);
    let from = if is_ahead { "From the day after, " } else { "" };
    html! {
        @match &account.pays {
            PaymentMethod::Bill { operator, .. } if has_ended(netflix, account) => {
                "Your " (name_of(netflix, operator)) " bill pays for no more months. Your list and your profiles are kept."
            }
            PaymentMethod::Bill { operator, .. } => {
                @if is_ahead { (from) "your " } @else { "Your " } (name_of(netflix, operator)) " bill pays, every month."
            }
            PaymentMethod::Card { last4 } => {
                @if is_ahead { (from) "your card •••• " (last4) " is charged again." } @else { "Your card •••• " (last4) " is charged every month." }
            }
            PaymentMethod::Coupons if is_ahead => { "Then it ends by itself. Nothing more is charged." }
            PaymentMethod::Coupons => { "Your list and your profiles are kept. Nothing more was charged." }
        }
    }
}

/// The operators on whose bill the member can continue; first the one whose coupon it was.
fn go_on(netflix: &Netflix, account: &MemberAccount, today: Day) -> Markup {
    let last = account.coupons.last().map(|coupon| &coupon.operator);
    let mut sites: Vec<(&KnownOperator, &String)> =
        netflix.0.config.operators.iter().filter_map(|known| Some((known, known.site.as_ref()?))).collect();
    sites.sort_by_key(|(known, _)| Some(&known.id) != last);
    html! {
        @if !sites.is_empty() {
            div class="go-on" id="go-on" {
                h2 { "Continue with your phone bill" }
                p {
                    @if has_paid_days(account, today) {
                        "Month by month, without a gap: the first month begins after the days that are paid."
                    } @else {
                        "Month by month: the first month begins when you have signed up."
                    }
                }
                ul {
                    @for (known, site) in sites {
                        li { a class="main" href=(site) { "At " (known.name) ", " (price(known.price)) " a month" } }
                    }
                }
            }
        }
    }
}

fn redeemed(netflix: &Netflix, coupon: &RedeemedCoupon, today: Day) -> Markup {
    let days = coupon.service_period;
    let chip = match (days.from() > today, days.to() < today) {
        (true, _) => "Comes next",
        (_, true) => "Ended",
        _ => "Now",
    };
    html! {
        li class="card" data-reference=(coupon.ext_reference) {
            div class="title" {
                h3 { (coupon.months) " months" }
                span class="chip" { (chip) }
            }
            dl {
                div class="wide" { dt { "Pays for" } dd { (period(days)) } }
                div { dt { "Price" } dd { (price(coupon.amount)) } }
                div { dt { "Billed by" } dd { (name_of(netflix, &coupon.operator)) } }
            }
        }
    }
}

/// The operator's name; its id, if there is no contract any more.
pub(super) fn name_of<'n>(netflix: &'n Netflix, operator: &'n OperatorId) -> &'n str {
    netflix.0.config.operator(operator).map_or(operator.as_str(), |known| known.name.as_str())
}

/// Details for a user of the sandbox.
fn behind_the_scenes(today: Day) -> Markup {
    html! {
        details class="card scenes" {
            summary { "Behind the scenes" }
            form method="get" action="/member" {
                label for="on" { "This page as it is on" }
                input id="on" name="on" type="date" required value=(today);
                button type="submit" { "Show" }
            }
        }
    }
}
