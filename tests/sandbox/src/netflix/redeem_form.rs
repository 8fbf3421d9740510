//! The page where a code is entered, and its error messages. Each refusal says what to do next.

use super::Netflix;
use super::edge::EdgeFailure;
use super::layout::{MenuItem, menu_page};
use super::members::{DEMO_PASSWORD, MemberAccount};
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::reject::ErrorCode;
use serde::Deserialize;

/// The form as it was sent.
#[derive(Deserialize)]
pub(super) struct EnteredCoupon {
    #[serde(default)]
    pub(super) code: String,
    /// Our id of the redemption, made with the form: whatever is sent with that form is this
    /// redemption.
    #[serde(rename = "extReference", default)]
    pub(super) reference: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) password: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RedeemField {
    Code,
    Email,
    Password,
}

/// Why the page is shown again.
pub(super) struct RedeemError {
    /// `None` when the form as a whole failed.
    field: Option<RedeemField>,
    words: String,
    /// Whether the next try requests the same redemption, because the outcome of this one is
    /// unknown.
    is_open: bool,
}

impl RedeemError {
    /// The form was not made here.
    pub(super) const OLD_FORM: Self = Self { field: None, words: String::new(), is_open: false };

    pub(super) fn at(field: RedeemField, words: &str) -> Self {
        Self { field: Some(field), words: words.to_owned(), is_open: true }
    }

    /// onbill's refusal, for the person who has entered the code. It reveals nothing of the charged
    /// bill but that the charge failed: the bill may be another person's.
    pub(super) fn of(failure: &EdgeFailure) -> Self {
        let code = match failure {
            EdgeFailure::Refused { code, .. } => code.as_str(),
            EdgeFailure::Silent => return Self::busy(),
        };
        let words = match serde_json::from_value(code.into()) {
            Ok(ErrorCode::InvalidRequest) => {
                "The code is mistyped. Compare it with the message, group by group."
            }
            Ok(ErrorCode::TokenInvalid) => {
                "This code is not valid. If you have several messages, use the code from the newest one: it replaces the \
                 earlier ones. Otherwise ask the phone company that sent it."
            }
            Ok(ErrorCode::TokenExpired) => {
                "This code has expired, and nothing is charged for it. Buy a new one at the phone company that sent it."
            }
            Ok(ErrorCode::TokenAlreadyUsed) => {
                "This code has been used already, and works only once. If it was you, log in to the account that you used it for."
            }
            Ok(
                ErrorCode::SuspendedNonPayment
                | ErrorCode::InsufficientBalance
                | ErrorCode::AccountNotEligible
                | ErrorCode::AccountNotFound,
            ) => {
                "The phone bill that this code is charged to does not accept it at the moment. The buyer can ask their \
                 phone company why. Nothing was charged, and the code can be entered again."
            }
            Ok(ErrorCode::TooManyRequests) => {
                "Too many codes are being tried at the moment. Wait a minute, then press the button again."
            }
            Ok(ErrorCode::IdempotencyViolation) => {
                "An earlier attempt from this page is still running. Look at your account. If nothing is there, try again."
            }
            _ if failure.is_passing() => return Self::busy(),
            _ => {
                let words =
                    format!("This code was not accepted ({code}). Nothing was charged. Ask us about it.");
                return Self { field: Some(RedeemField::Code), words, is_open: false };
            }
        };
        Self { field: Some(RedeemField::Code), words: words.to_owned(), is_open: false }
    }

    fn busy() -> Self {
        let words = "We are getting no answer at the moment. Nothing is lost: press the button again in a while. However often you \
                     do, the code is used only once.";
        Self { field: None, words: words.to_owned(), is_open: true }
    }

    fn words(&self) -> &str {
        if self.words.is_empty() { "The page had expired. Please try again." } else { &self.words }
    }
}

/// The page, for a member or for a guest.
pub(super) fn page(
    netflix: &Netflix,
    member: Option<&MemberAccount>,
    problem: Option<(&EnteredCoupon, &RedeemError)>,
) -> Response {
    let title = if problem.is_some() { "Error: redeem a code" } else { "Redeem a code" };
    let complaint = problem.map(|(_, complaint)| complaint);
    let kept =
        problem.filter(|(_, complaint)| complaint.is_open).map(|(entered, _)| entered.reference.clone());
    let reference = kept.filter(|kept| !kept.is_empty());
    let reference = reference.unwrap_or_else(|| format!("redeem-{}", netflix.0.outside.random.uuid()));
    let main = html! { div class="column" {
        div class="lead" {
            h1 { "Redeem a code" }
            p { "The code is in the text message that your phone company has sent to you, or to the person who gave it to you." }
        }
        form id="redeem-form" class="card redeem" method="post" action="/redeem" novalidate {
            input type="hidden" name="extReference" value=(reference);
            @if let Some(complaint) = complaint {
                p class="problem" id="problem" role="alert" tabindex="-1" autofocus[complaint.field.is_none()] { (complaint.words()) }
            }
            (code_field(problem))
            @match member {
                Some(member) => { p class="hint" id="for" { "For your account " strong { (member.email) } "." } }
                None => { (account_fields(netflix, problem)) }
            }
            button id="redeem-submit" class="main" type="submit" {
                @if complaint.is_some_and(|complaint| complaint.field.is_none()) { "Try again" } @else { "Redeem" }
            }
        }
        @if member.is_some() { (log_out()) }
        script type="module" src="/assets/netflix.js" {}
    } };
    menu_page(netflix, MenuItem::Redeem, title, &main)
}

/// A log-out for a visitor who is not the logged-in member.
pub(super) fn log_out() -> Markup {
    html! { form class="centre" method="post" action="/log-out" { button class="plain" type="submit" { "Not you? Log out" } } }
}

fn code_field(problem: Option<(&EnteredCoupon, &RedeemError)>) -> Markup {
    let wrong = is_wrong(problem, RedeemField::Code);
    let described = if wrong { "problem code-hint" } else { "code-hint" };
    html! {
        label for="code" { "Code" }
        input id="code" name="code" class="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required
            placeholder="XXXX-XXXX-XXXX-XXXX-XXXX" value=[problem.map(|(entered, _)| grouped(&entered.code))]
            aria-invalid=[wrong.then_some("true")] aria-describedby=(described) autofocus[wrong];
        p class="hint" id="code-hint" { "Twenty letters and digits. Capitals, spaces and dashes do not matter." }
    }
}

fn account_fields(netflix: &Netflix, problem: Option<(&EnteredCoupon, &RedeemError)>) -> Markup {
    let invalid = |field| is_wrong(problem, field).then_some("true");
    let described = |field| is_wrong(problem, field).then_some("problem");
    html! {
        fieldset {
            legend { "For which account?" }
            label for="email" { "E-mail" }
            input id="email" name="email" type="email" autocomplete="email" required maxlength="254"
                value=[problem.map(|(entered, _)| &entered.email)] aria-invalid=[invalid(RedeemField::Email)]
                aria-describedby=[described(RedeemField::Email)] autofocus[is_wrong(problem, RedeemField::Email)];
            label for="password" { "Password" }
            input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200"
                aria-invalid=[invalid(RedeemField::Password)] aria-describedby=[described(RedeemField::Password)]
                autofocus[is_wrong(problem, RedeemField::Password)];
            p class="hint" {
                "An e-mail that is new here makes a new account. Members: " (addresses(netflix)) ". Password: " code { (DEMO_PASSWORD) }
            }
        }
    }
}

fn addresses(netflix: &Netflix) -> String {
    let members = netflix.members();
    let first: Vec<&str> = members.accounts().iter().take(3).map(|account| account.email.as_str()).collect();
    first.join(", ")
}

fn is_wrong(problem: Option<(&EnteredCoupon, &RedeemError)>, field: RedeemField) -> bool {
    problem.is_some_and(|(_, complaint)| complaint.field == Some(field))
}

/// The minimum of an e-mail address.
pub(super) fn is_address(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A code in groups of four, for reading; an invalid one stays as it was typed.
fn grouped(typed: &str) -> String {
    let symbols: Vec<char> = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if !symbols.iter().all(char::is_ascii_alphanumeric) {
        return typed.to_owned();
    }
    let groups: Vec<String> = symbols.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_shown_in_groups() {
        for (typed, shown) in [
            ("ac00 0g40-r4zb", "AC00-0G40-R4ZB"),
            ("AC000", "AC00-0"),
            ("", ""),
            ("Äc00", "Äc00"),
            ("AC00_0G40", "AC00_0G40"),
        ] {
            assert_eq!(grouped(typed), shown);
        }
    }
}
