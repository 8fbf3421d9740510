//! The page with the two choices, and its input. The app on a device has the same two forms.

use super::Netflix;
use super::layout::page;
use super::members::{DEMO_PASSWORD, PaymentMethod, SignupVisit};
use crate::page::price;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::wire::ott::SubscriptionSource;
use serde::Deserialize;

/// A form as it was sent.
#[derive(Deserialize)]
pub(super) struct EnteredSignup {
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) password: String,
    #[serde(default)]
    terms: String,
}

impl EnteredSignup {
    pub(super) fn email(&self) -> &str {
        self.email.trim()
    }

    /// The error message, and the field it belongs to.
    pub(super) fn check(&self) -> Result<(), (String, &'static str)> {
        let email = self.email();
        let plausible = email.len() <= 254
            && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
            && !email.chars().any(|c| c.is_whitespace() || c.is_control());
        if !plausible {
            return Err(("Enter an e-mail address, such as name@example.com.".to_owned(), "email"));
        }
        if self.password.is_empty() {
            return Err(("Enter a password.".to_owned(), "password"));
        }
        if self.terms != "yes" {
            return Err(("Please agree to pay on the bill.".to_owned(), "terms"));
        }
        Ok(())
    }
}

/// Why the page is shown again.
pub(super) struct SignupError {
    pub(super) origin: SubscriptionSource,
    pub(super) message: String,
    /// The field, or `None` when the form as a whole failed.
    pub(super) field: Option<&'static str>,
    pub(super) email: String,
}

/// The page with both choices.
pub(super) fn choices(
    netflix: &Netflix,
    id: &str,
    visit: &SignupVisit,
    problem: Option<&SignupError>,
) -> Response {
    let operator = netflix.operator_name(visit);
    let cost = netflix.0.config.operator(&visit.operator).map(|operator| price(operator.price));
    let on = |origin| problem.filter(|problem| problem.origin == origin);
    let new = on(SubscriptionSource::NewAccount);
    let existing = on(SubscriptionSource::ExistingAccount);
    let title = if problem.is_some() { "Error: pay on your bill" } else { "Pay on your bill" };
    let path = format!("/signup/{id}");
    let fields = |choice| SignupForm { path: &path, choice, operator, turn: None };
    let main = html! {
        div class="lead" {
            h1 { "Netflix Standard on your " (operator) " bill" }
            p { @if let Some(cost) = &cost { strong { (cost) } " a month, " } "on the bill you know. Stop whenever you like." }
        }
        div class="choices" {
            section class="card" aria-labelledby="new-title" {
                h2 id="new-title" { "I’m new here" }
                p { "Make an account. It is paid on your bill from the start." }
                (form(&fields(SubscriptionSource::NewAccount), new))
            }
            section class="card" aria-labelledby="existing-title" {
                h2 id="existing-title" { "I have an account" }
                p { "Log in. From then on, your bill is charged instead of your card." }
                (form(&fields(SubscriptionSource::ExistingAccount), existing))
                (demo_accounts(netflix))
            }
        }
        p class="centre" { a id="cancel" href={ (visit.return_url) "?outcome=cancelled" } { "Cancel and go back to " (operator) } }
    };
    page(netflix, title, &main)
}

/// The parameters of one of the two forms.
pub(super) struct SignupForm<'a> {
    /// It is sent to `new` or `existing` below this.
    pub(super) path: &'a str,
    pub(super) choice: SubscriptionSource,
    pub(super) operator: &'a str,
    /// The app's turn, where there is one.
    pub(super) turn: Option<u32>,
}

/// The form, with what was wrong when it was sent.
pub(super) fn form(fields: &SignupForm<'_>, problem: Option<&SignupError>) -> Markup {
    let (name, autocomplete, submit) = match fields.choice {
        SubscriptionSource::NewAccount => ("new", "new-password", "Create account"),
        SubscriptionSource::ExistingAccount => ("existing", "current-password", "Log in and switch"),
    };
    let wrong = |field: &str| problem.is_some_and(|problem| problem.field == Some(field));
    let invalid = |field: &str| wrong(field).then_some("true");
    let described = |field: &str| wrong(field).then(|| format!("{name}-problem"));
    let focus = |field: &str| wrong(field);
    html! {
        form id={ (name) "-form" } method="post" action={ (fields.path) "/" (name) } novalidate {
            @if let Some(turn) = fields.turn { input type="hidden" name="turn" value=(turn); }
            @if let Some(problem) = problem {
                p class="problem" id={ (name) "-problem" } role="alert" tabindex="-1" autofocus[problem.field.is_none()] { (problem.message) }
            }
            label for={ (name) "-email" } { "E-mail" }
            input id={ (name) "-email" } name="email" type="email" autocomplete="email" required maxlength="254"
                value=[problem.map(|problem| &problem.email)] aria-invalid=[invalid("email")]
                aria-describedby=[described("email")] autofocus[focus("email")];
            label for={ (name) "-password" } { "Password" }
            input id={ (name) "-password" } name="password" type="password" autocomplete=(autocomplete) required
                maxlength="200" aria-invalid=[invalid("password")] aria-describedby=[described("password")]
                autofocus[focus("password")];
            div class="terms" {
                input id={ (name) "-terms" } name="terms" type="checkbox" value="yes" required
                    aria-invalid=[invalid("terms")] aria-describedby=[described("terms")] autofocus[focus("terms")];
                label for={ (name) "-terms" } {
                    "I agree to the terms of use, and that " (fields.operator) " charges my bill or balance every month until I stop."
                }
            }
            button id={ (name) "-submit" } class="main" type="submit" {
                @if problem.is_some_and(|problem| problem.field.is_none()) { "Try again" } @else { (submit) }
            }
        }
    }
}

/// This is a sandbox: the log-ins are no secret.
pub(super) fn demo_accounts(netflix: &Netflix) -> Markup {
    let members = netflix.members();
    let on_card =
        members.accounts().iter().filter(|account| matches!(account.pays, PaymentMethod::Card { .. }));
    let emails: Vec<&str> = on_card.map(|account| account.email.as_str()).collect();
    html! {
        p class="hint" {
            @if emails.is_empty() { "Every demo account has switched to a bill already." }
            @else { "Demo accounts paid by card: " (emails.join(", ")) ". Password: " code { (DEMO_PASSWORD) } }
        }
    }
}
