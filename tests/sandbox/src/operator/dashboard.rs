//! `GET /`: the subscriber's overview, with the widget on it.

use super::Operator;
use super::bill::plan_of;
use super::layout::{MenuItem, PageView, THEMES, menu_page, number_link};
use crate::account_file::Subscriber;
use crate::page::{day, price, spoken_number};
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use maud::{Markup, html};
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;

/// The overview of the logged-in subscriber, or the welcome page.
pub(super) async fn get_dashboard(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Response {
    let visitor = operator.logged_in(&headers);
    let subscriber = visitor.as_ref().and_then(|msisdn| operator.ledger().subscriber(msisdn).cloned());
    let main = html! {
        @match &subscriber {
            Some(subscriber) => (greeting(subscriber)),
            None => {
                section class="hero" {
                    h1 { "Welcome to " (operator.config().name) }
                    p { "Sign in at the top to see your plan and your bill." }
                }
            }
        }
        (offer(&operator, &view, visitor.is_some()))
        @if let Some(subscriber) = &subscriber { (cards(&operator, subscriber)) }
        (behind_the_scenes(&operator, "/", &view, visitor.as_ref()))
    };
    menu_page(&operator, &view, ("Overview", MenuItem::Overview), visitor.as_ref(), &main)
}

fn greeting(subscriber: &Subscriber) -> Markup {
    html! {
        section class="hero" {
            h1 { "Good to see you" }
            p { "Your line is " strong id="line" { (spoken_number(subscriber.msisdn.expose())) } }
        }
        @match subscriber.account.status {
            AccountStatus::Active => {}
            AccountStatus::Suspended => {
                p class="notice" { strong { "Your line is suspended." } " A bill is unpaid. Pay it and everything works again within minutes." }
            }
            AccountStatus::Ceased => { p class="notice" { strong { "This line has ended." } " What you see is its last state." } }
        }
    }
}

fn cards(operator: &Operator, subscriber: &Subscriber) -> Markup {
    let plan = plan_of(subscriber, operator.config().currency);
    let (services, total) = {
        let ledger = operator.ledger();
        let (lines, total) = ledger.bill(&subscriber.msisdn);
        (lines.len(), total)
    };
    let used = used_tenths_of_gigabytes(&subscriber.msisdn, plan.data_gigabytes);
    let prepaid = subscriber.account.account_type == AccountType::Prepaid;
    html! {
        div class="cards" {
            section class="card" {
                h2 { "Plan" }
                p class="figure" { (plan.name) }
                p { (price(plan.price)) @if prepaid { " for 30 days" } @else { " a month" } " · calls and texts included" }
                p class="quiet" { "Customer since " (day(subscriber.activated_on)) }
            }
            section class="card usage" {
                h2 { "Data" }
                (ring(used, plan.data_gigabytes * 10))
                div {
                    p class="figure" { (used / 10) "." (used % 10) " GB" }
                    p { "of " (plan.data_gigabytes) " GB used" }
                }
            }
            section class="card" {
                @if let Some(balance) = subscriber.account.balance.filter(|_| prepaid) {
                    h2 { "Balance" }
                    p class="figure" id="balance" { (price(balance)) }
                } @else {
                    h2 { "Next bill" }
                    p class="figure" id="next-bill" { (price(plan.with(total))) }
                }
                p {
                    @match (services, prepaid) {
                        (0, true) => "No services paid from it yet",
                        (0, false) => "Nothing on it besides your plan",
                        (1, true) => "1 service paid from it",
                        (1, false) => "1 service besides your plan",
                        (more, true) => { (more) " services paid from it" }
                        (more, false) => { (more) " services besides your plan" }
                    }
                }
                a href=(number_link("/bill", &subscriber.msisdn)) { "See the " @if prepaid { "statement" } @else { "bill" } }
            }
        }
    }
}

/// A demo figure that stays the same for a number.
fn used_tenths_of_gigabytes(msisdn: &Msisdn, of: u64) -> u64 {
    let seed = msisdn.expose().bytes().fold(7, |sum, b| (sum * 31 + u64::from(b)) % 997);
    of * (20 + seed % 70) / 10
}

/// A ring that is filled to `part` of `whole`.
fn ring(part: u64, whole: u64) -> Markup {
    let percent = part.saturating_mul(100) / whole.max(1);
    html! {
        svg class="ring" viewBox="0 0 40 40" role="img" aria-label={ (percent) " percent used" } {
            circle cx="20" cy="20" r="16" {}
            circle class="part" cx="20" cy="20" r="16" pathLength="100" stroke-dasharray={ (percent) " 100" } {}
        }
    }
}

fn offer(operator: &Operator, view: &PageView, logged_in: bool) -> Markup {
    html! {
        section class="offer" aria-labelledby="offer-title" {
            // First, so that a phone shows it without scrolling.
            div {
                (widget(operator, view, WidgetView::Offer, logged_in))
                button id="reopen" type="button" class="main" hidden { "Get Netflix on my bill" }
            }
            div class="pitch" {
                h2 id="offer-title" { "Netflix on your phone bill" }
                p { "One bill for your line and your series. No card to enter, and you can stop any month." }
                ul {
                    li { "New to Netflix, or a member already: both work" }
                    li { "Paid with your bill, or from your prepaid balance" }
                    li { "Netflix never gets your number" }
                    @if !logged_in { li { "No need to sign in: we text you a code" } }
                }
            }
        }
    }
}

/// What the widget shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WidgetView {
    /// The purchase.
    Offer,
    /// The customer's own page.
    Account,
}

/// The element as in the contract, and the edge's script. Its `session` is set by the dashboard's
/// own script.
pub(super) fn widget(operator: &Operator, view: &PageView, shown: WidgetView, logged_in: bool) -> Markup {
    let config = operator.config();
    let (offer, page) = match shown {
        WidgetView::Offer => (Some(&config.offer), None),
        WidgetView::Account => (None, Some("account")),
    };
    html! {
        pay-on-bill operator=(config.operator) offer=[offer] view=[page] locale=(view.locale().as_str())
            return-url=(view.link(&config.return_path)) data-logged-in[logged_in] {}
        script src={ (config.edge_url) "/widget/v1/onbill.js" } async {}
    }
}

/// Details and options for developers, on the page with this path.
pub(super) fn behind_the_scenes(
    operator: &Operator,
    path: &str,
    view: &PageView,
    visitor: Option<&Msisdn>,
) -> Markup {
    html! {
        details class="card scenes" {
            summary { "Behind the scenes" }
            div {
                form method="get" action=(path) {
                    div {
                        label for="theme" { "Colours" }
                        select id="theme" name="theme" {
                            @for (word, name) in THEMES { option value=(word) selected[word == view.theme()] { (name) } }
                        }
                    }
                    div {
                        label for="locale" { "Widget’s language" }
                        select id="locale" name="locale" {
                            @for locale in Locale::ALL {
                                option value=(locale.as_str()) lang=(locale.as_str()) selected[locale == view.locale()] { (locale.own_name()) }
                            }
                        }
                    }
                    button type="submit" { "Show" }
                }
                ul class="links" {
                    li { a href="/sms" { "Everyone’s messages" } }
                    li { a href="/bill" { "Everyone’s bills" } }
                    @if operator.config().coupons.is_some() { li { a href="/coupons" { "Everyone’s coupons" } } }
                    @if let Some(msisdn) = visitor { li { a href=(number_link("/sms", msisdn)) { "My messages" } } }
                    li { a href=(view.link("/bare")) { "The widget as a bare iframe" } }
                    li { a href=(view.link("/playground")) { "Every state of the widget" } }
                }
                h3 { "What the widget reported to this page" }
                ol id="widget-events" {}
            }
        }
    }
}
