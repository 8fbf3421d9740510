//! The device's screen, and beside it what a user does not see: its SIM, and the calls that the
//! app's server has made.

use super::super::Netflix;
use super::super::config::KnownOperator;
use super::super::signup_form::{SignupError, SignupForm, demo_accounts, form};
use super::device::{AppStage, AppStop, Device, FoundSubscriber, WrongPin};
use super::stops;
use crate::page::{price, spoken_number, time_of_day};
use maud::{Markup, html};
use onbill_domain::account::AccountType;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::PIN_DIGITS;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::device::DevicePinResponse;
use onbill_domain::wire::ott::SubscriptionSource;
use onbill_domain::wire::partner::AccountStateRequest;

/// A device with a SIM of a known operator.
struct ScreenView<'a> {
    netflix: &'a Netflix,
    path: String,
    turn: u32,
    operator: &'a KnownOperator,
    msisdn: &'a Msisdn,
}

/// What is on the screen.
struct ScreenContent {
    /// `data-screen`, and `data-stop` where it is one.
    name: &'static str,
    stop: Option<&'static str>,
    title: String,
    is_error: bool,
    body: Markup,
}

/// The page's title and the page, for the app's stage.
pub(super) fn of(netflix: &Netflix, id: &str, device: &Device) -> (String, Markup) {
    let operator = netflix.0.config.operator_of(&device.sim.network);
    let (Some(operator), Some(msisdn)) = (operator, &device.sim.msisdn) else {
        return other_ways(netflix, id, device);
    };
    let view = ScreenView { netflix, path: format!("/app/{id}"), turn: device.turn, operator, msisdn };
    let screen = match &device.stage {
        AppStage::Offer => view.offer(),
        AppStage::Code { pin, complaint } => view.code(pin, *complaint),
        AppStage::Account { subscriber, problem } => view.account(subscriber, problem.as_ref()),
        AppStage::Stopped { why, .. } => view.stopped(why.clone()),
        AppStage::Done { account_id, account_type, is_news } => {
            view.done(account_id, *account_type, *is_news)
        }
    };
    around(netflix, id, device, screen)
}

/// The other payment methods: the only screen for a SIM of an unknown operator.
pub(super) fn other_ways(netflix: &Netflix, id: &str, device: &Device) -> (String, Markup) {
    let operator = netflix.0.config.operator_of(&device.sim.network);
    let body = html! {
        @match (operator, &device.sim.msisdn) {
            (None, _) => p { "This phone’s SIM is of the network " (device.sim.network) ". There is no contract with its operator, so no operator was asked about the number." }
            (Some(operator), None) => p { "This SIM belongs to " (operator.name) ", but does not tell its number, so " (operator.name) " cannot be asked about it." }
            (Some(operator), Some(_)) => p { a href={ "/app/" (id) } { "Back to paying with " (operator.name) } }
        }
        p { "A real app would offer a card or a gift card now. This simulation does not." }
    };
    let title = "Other ways to pay".to_owned();
    around(
        netflix,
        id,
        device,
        ScreenContent { name: "other-ways", stop: None, title, is_error: false, body },
    )
}

impl ScreenView<'_> {
    /// A form that is one tap.
    fn tap(&self, act: &str, inside: &Markup) -> Markup {
        html! {
            form id={ (act) "-form" } method="post" action={ (self.path) "/" (act) } novalidate {
                input type="hidden" name="turn" value=(self.turn);
                (inside)
            }
        }
    }

    fn another_way(&self) -> Markup {
        html! { p class="centre" { a href={ (self.path) "/other-ways" } { "Pay in another way" } } }
    }

    fn offer(&self) -> ScreenContent {
        let operator = &self.operator.name;
        let body = html! {
            p { strong class="cost" { (price(self.operator.price)) } " a month" }
            p { "No card, and nothing to type: " (operator) " knows this phone by its SIM." }
            dl class="facts" { div { dt { "Your number" } dd { (spoken_number(self.msisdn.expose())) } } }
            (self.tap("validate", &html! { button class="main" type="submit" { "Continue with " (operator) } }))
            p class="hint" { "Only " (operator) " is asked about this number. What we keep is the name that it gives us for you, and not the number." }
            (self.another_way())
        };
        let title = format!("Netflix Standard on your {operator} bill");
        ScreenContent { name: "offer", stop: None, title, is_error: false, body }
    }

    fn code(&self, pin: &DevicePinResponse, complaint: Option<WrongPin>) -> ScreenContent {
        let operator = &self.operator.name;
        let why = complaint.map(|complaint| match complaint {
            WrongPin::Missing => "Enter the digits from the text message.",
            WrongPin::Wrong => "This is not the code. Look at the newest text message, and enter it again.",
            WrongPin::Expired => "This code has expired, or was used. Request a new code.",
        });
        let hint = (complaint != Some(WrongPin::Expired)).then(|| time_of_day(pin.expires_at));
        let described = [why.and(Some("code-problem")), hint.as_ref().and(Some("code-hint"))];
        let described = described.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let body = html! {
            p { (operator) " sends " (PIN_DIGITS) " digits to " span class="number" { (spoken_number(self.msisdn.expose())) } " in a text message." }
            (self.tap("code", &html! {
                label for="code" { "Code" }
                input id="code" class="digits" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12"
                    required aria-invalid=[why.map(|_| "true")] aria-describedby=(described) autofocus[why.is_some()];
                @if let Some(why) = why { p class="problem" id="code-problem" role="alert" { (why) } }
                @if let Some(until) = hint { p class="hint" id="code-hint" { "It is valid until " (until) "." } }
                button class="main" type="submit" { "Continue" }
            }))
            (self.tap("new-code", &html! { button class="quiet" type="submit" { "Send a new code" } }))
            p class="hint" { "No message? Then " (operator) " may not know this number." }
            (self.another_way())
        };
        let title = "Confirm your number".to_owned();
        ScreenContent { name: "code", stop: None, title, is_error: why.is_some(), body }
    }

    fn account(&self, subscriber: &FoundSubscriber, problem: Option<&SignupError>) -> ScreenContent {
        let operator = &self.operator.name;
        let on = |choice| problem.filter(|problem| problem.origin == choice);
        let fields = |choice| SignupForm { path: &self.path, choice, operator, turn: Some(self.turn) };
        let (new, existing) = (SubscriptionSource::NewAccount, SubscriptionSource::ExistingAccount);
        let body = html! {
            p { strong { (price(self.operator.price)) } " a month " @match subscriber.account_type {
                AccountType::Postpaid => { "on your bill" }
                AccountType::Prepaid => { "from your balance" }
            } " at " (operator) ". For which account?" }
            details name="account" open[on(existing).is_none()] {
                summary { "I’m new here" }
                (form(&fields(new), on(new)))
            }
            details name="account" open[on(existing).is_some()] {
                summary { "I have an account" }
                p { "From then on, your card is no longer charged." }
                (form(&fields(existing), on(existing)))
                (demo_accounts(self.netflix))
            }
            (self.another_way())
        };
        let title = "Now your account".to_owned();
        ScreenContent { name: "account", stop: None, title, is_error: problem.is_some(), body }
    }

    fn stopped(&self, why: AppStop) -> ScreenContent {
        let cost = price(self.operator.price);
        let words = stops::words(why, &self.operator.name, &cost, self.netflix.now());
        let body = html! {
            p { (words.text) }
            @if let Some((url, label)) = words.way_on { p { a href=(url) { (label) } } }
            (self.tap("again", &html! { button class="main" type="submit" { (words.again) } }))
            (self.another_way())
        };
        ScreenContent { name: "stopped", stop: Some(words.name), title: words.title, is_error: true, body }
    }

    /// The account as its owner sees it, or a person who has got hold of this SIM.
    fn done(&self, account_id: &str, account_type: AccountType, is_news: bool) -> ScreenContent {
        let (operator, cost) = (&self.operator.name, price(self.operator.price));
        let whence = match account_type {
            AccountType::Postpaid => format!("on your {operator} bill"),
            AccountType::Prepaid => format!("from your {operator} balance"),
        };
        let email = self.netflix.members().account_named(account_id).map(|account| account.email.clone());
        let email = email.unwrap_or_default();
        let email = if is_news { email } else { masked(&email) };
        let reported = self.netflix.find_report(account_id);
        let (name, title, body) = match reported.map(|reported| (reported.state, reported.reason)) {
            Some((PaiState::Closed, reason)) => (
                "closed",
                format!("No longer paid {whence}"),
                html! {
                    p { strong { (email) } ": " (ended(reason, operator)) }
                    (self.tap("validate", &html! { button class="main" type="submit" { "Set it up again" } }))
                    (self.another_way())
                },
            ),
            Some((PaiState::Suspended, _)) => (
                "on-hold",
                "On hold".to_owned(),
                html! {
                    p { strong { (email) } " is paid " (whence) ", and " (operator) " has put your line on hold." }
                    p { "Settle that with " (operator) ". Then it continues by itself." }
                },
            ),
            _ => (
                "done",
                if is_news { "You’re all set".to_owned() } else { format!("Already paid {whence}") },
                html! {
                    dl class="facts" {
                        div { dt { "Account" } dd { (email) } }
                        div { dt { "Paid" } dd { (whence) } }
                        div { dt { "Every month" } dd { (cost) } }
                    }
                    p { "No card is charged, and there is nothing left to do." }
                },
            ),
        };
        ScreenContent { name, stop: None, title, is_error: false, body }
    }
}

impl Netflix {
    /// The last report of the operator's origin about the subscriber who pays for this account.
    fn find_report(&self, account_id: &str) -> Option<AccountStateRequest> {
        let bill = self.members().account_named(account_id).and_then(|account| account.pays.bill());
        let (operator, pai) = bill?;
        self.ledger().account_state(&operator, pai).cloned()
    }
}

fn ended(reason: Option<DeclineReason>, operator: &str) -> String {
    match reason {
        Some(DeclineReason::PaiRevokedByUser) => format!("you have ended it at {operator}."),
        Some(DeclineReason::AccountClosedTakenOver) => {
            format!("{operator} says that the line has a new subscriber.")
        }
        _ => format!("{operator} says that the line has ended."),
    }
}

/// `d•••@example.com`: enough for its owner.
fn masked(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    format!("{}•••@{host}", name.chars().take(1).collect::<String>())
}

/// The device around a screen, and its internals beside it.
fn around(netflix: &Netflix, id: &str, device: &Device, screen: ScreenContent) -> (String, Markup) {
    let operator = netflix.0.config.operator_of(&device.sim.network).map(|operator| operator.name.as_str());
    let sign = match screen.name {
        "done" => "M15 25l6.5 6.5L34 18",
        "offer" | "code" | "account" => "M20 16v16l12-8z",
        _ => "M24 14v13M24 33v.5",
    };
    let main = html! {
        div class="bench" {
            section class="device" aria-label="The device" {
                p class="bar" {
                    span { (operator.unwrap_or("Another operator")) }
                    svg viewBox="0 0 16 12" aria-hidden="true" { path d="M2 11V9M6 11V7M10 11V4M14 11V1" {} }
                }
                div id="screen" class="screen" data-screen=(screen.name) data-stop=[screen.stop] {
                    svg class="sign" viewBox="0 0 48 48" aria-hidden="true" { circle cx="24" cy="24" r="22" {} path d=(sign) {} }
                    h1 { (screen.title) }
                    (screen.body)
                }
            }
            section class="notes" aria-labelledby="notes-title" {
                h2 id="notes-title" { "Behind the screen" }
                dl class="facts" {
                    div { dt { "The SIM’s network" } dd { (device.sim.network) } }
                    div { dt { "Its number" } dd { @match &device.sim.msisdn { Some(msisdn) => (spoken_number(msisdn.expose())), None => "unknown" } } }
                }
                h3 { "What the app’s server has asked of onbill" }
                @if device.calls.is_empty() { p class="quiet" { "Nothing yet." } }
                ol id="calls" {
                    @for call in &device.calls {
                        li { code { "POST " (call.path) } " " (call.with) " " strong { (call.answer) } }
                    }
                }
                p { a href={ "/app/" (id) } { "Open the app again" } }
                p { a href="/app" { "Insert another SIM" } }
            }
        }
    };
    let title = if screen.is_error { format!("Error: {}", screen.title) } else { screen.title };
    (title, main)
}
