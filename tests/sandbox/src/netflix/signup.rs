//! The sign-up: a new account on the phone bill, or an existing one moved to it from its card. Both
//! end with `POST /ott/v1/partnerSubscription`; only then does anything change here.

use super::Netflix;
use super::edge::EdgeFailure;
use super::layout::page;
use super::members::{DEMO_PASSWORD, PaymentMethod, SignupVisit};
use super::signup_form::{EnteredSignup, SignupError, choices};
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::html;
use onbill_domain::ids::ExtId;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse, SubscriptionSource};

/// The two choices; the last page for a visit that ended.
pub(super) async fn get_signup(State(netflix): State<Netflix>, Path(id): Path<String>) -> Response {
    let visit = netflix.visit(&id);
    match visit {
        None => over(&netflix),
        Some(visit) if visit.account_id.is_some() => to_done(&id),
        Some(visit) => choices(&netflix, &id, &visit, None),
    }
}

/// A new account.
pub(super) async fn post_new(
    State(netflix): State<Netflix>,
    Path(id): Path<String>,
    Form(entered): Form<EnteredSignup>,
) -> Response {
    subscribe(&netflix, &id, SubscriptionSource::NewAccount, entered).await
}

/// An account that has been paid by card until now.
pub(super) async fn post_existing(
    State(netflix): State<Netflix>,
    Path(id): Path<String>,
    Form(entered): Form<EnteredSignup>,
) -> Response {
    subscribe(&netflix, &id, SubscriptionSource::ExistingAccount, entered).await
}

/// 1. No such visit → 404; one that ended → its last page.
/// 2. Invalid input, or an account that cannot be moved to the bill → the page again, with the
///    reason.
/// 3. The edge is called. A refusal or no response → the page again, in words; nothing was changed.
/// 4. The account is on the bill → the last page.
async fn subscribe(
    netflix: &Netflix,
    id: &str,
    origin: SubscriptionSource,
    entered: EnteredSignup,
) -> Response {
    // 1. The visit.
    let Some(visit) = netflix.visit(id) else { return over(netflix) };
    if visit.account_id.is_some() {
        return to_done(id);
    }
    let again = |message: String, field, status: StatusCode| {
        let problem = SignupError { origin, message, field, email: entered.email.clone() };
        (status, choices(netflix, id, &visit, Some(&problem))).into_response()
    };

    // 2. The input.
    if let Err((message, field)) = entered.check().and_then(|()| netflix.may_take(origin, &entered)) {
        return again(message, Some(field), StatusCode::BAD_REQUEST);
    }

    // 3. The edge.
    let Some(plan) = ExtId::parse("standard") else { return over(netflix) };
    let ext_subscription_id = visit.ext_subscription_id.clone();
    // The widget has shown the price, and the customer has agreed to it there.
    let request = PartnerSubscriptionRequest {
        pai: visit.pai,
        ext_subscription_id,
        source: origin,
        plan,
        price: None,
        consent_at: None,
    };
    let (path, of) = ("/ott/v1/partnerSubscription", Some(&visit.operator));
    let outcome = netflix.0.edge.post::<PartnerSubscriptionResponse>(path, &request, of).await;
    let subscription = match outcome.answer {
        Ok((_, subscription)) => subscription,
        Err(failure) => {
            let status =
                if failure.is_passing() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
            return again(in_words(&failure, netflix.operator_name(&visit)), None, status);
        }
    };

    // 4. Done.
    netflix.members().conclude(id, entered.email(), subscription.partner_subscription_id);
    to_done(id)
}

/// The edge's response in words for the customer.
fn in_words(failure: &EdgeFailure, operator: &str) -> String {
    if failure.is_passing() {
        return format!(
            "{operator} does not answer right now. Nothing was changed. Please try again in a moment."
        );
    }
    let EdgeFailure::Refused { code, .. } = failure else { return String::new() };
    match code.as_str() {
        "suspended-non-payment" => {
            format!("Your line at {operator} is suspended. Please contact {operator}.")
        }
        "insufficient-balance" => {
            "Your balance does not cover the first month. Please top up and try again.".to_owned()
        }
        "account-not-found" | "pai-not-found" => {
            format!("{operator} no longer knows this sign-up. Please go back and start again.")
        }
        "idempotency-violation" => "This sign-up was already finished in another way.".to_owned(),
        _ => format!("{operator} did not accept this ({code}). Nothing was changed."),
    }
}

/// "You're all set."
pub(super) async fn get_done(State(netflix): State<Netflix>, Path(id): Path<String>) -> Response {
    let Some(visit) = netflix.visit(&id) else { return over(&netflix) };
    let Some(account_id) = &visit.account_id else {
        return Redirect::to(&format!("/signup/{id}")).into_response();
    };
    let email = {
        let members = netflix.members();
        members.account_named(account_id).map(|account| account.email.clone()).unwrap_or_default()
    };
    let operator = netflix.operator_name(&visit);
    let main = html! {
        section class="card end" id="all-set" {
            svg class="tick" viewBox="0 0 48 48" aria-hidden="true" { circle cx="24" cy="24" r="22" {} path d="m15 25 6.5 6.5L34 18" {} }
            h1 { "You’re all set" }
            p { strong { (email) } " now pays on the " (operator) " bill. Each month appears there; no card is charged." }
            a id="continue" class="main" href=(visit.return_url) { "Back to " (operator) }
        }
    };
    page(&netflix, "All set", &main)
}

/// The visit does not exist, or has expired.
fn over(netflix: &Netflix) -> Response {
    let main = html! {
        section class="card end" id="visit-over" {
            h1 { "This sign-up is over" }
            p { "Nothing was changed. Please start again on your operator’s site." }
        }
    };
    (StatusCode::NOT_FOUND, page(netflix, "Sign-up is over", &main)).into_response()
}

fn to_done(id: &str) -> Response {
    Redirect::to(&format!("/signup/{id}/done")).into_response()
}

impl Netflix {
    fn visit(&self, id: &str) -> Option<SignupVisit> {
        let now = self.now();
        self.members().visit(id, now).cloned()
    }

    /// The operator's name for readers.
    pub(super) fn operator_name(&self, visit: &SignupVisit) -> &str {
        self.0.config.operator(&visit.operator).map_or("Your operator", |operator| operator.name.as_str())
    }

    /// Whether this account can be used in this sign-up, else the reason and the field it belongs
    /// to.
    pub(super) fn may_take(
        &self,
        origin: SubscriptionSource,
        entered: &EnteredSignup,
    ) -> Result<(), FormError> {
        self.is_free(origin, entered.email())?;
        if origin == SubscriptionSource::ExistingAccount && entered.password != DEMO_PASSWORD {
            return Err(mismatch());
        }
        Ok(())
    }

    /// Checks an account for a customer who has already proved that it is theirs.
    pub(super) fn is_free(&self, origin: SubscriptionSource, email: &str) -> Result<(), FormError> {
        let pays = self.members().account(email).map(|account| account.pays.clone());
        match (origin, pays) {
            (SubscriptionSource::NewAccount, None)
            | (
                SubscriptionSource::ExistingAccount,
                Some(PaymentMethod::Card { .. } | PaymentMethod::Coupons),
            ) => Ok(()),
            (SubscriptionSource::NewAccount, Some(_)) => Err((
                "There is an account with this e-mail already. Log in to it instead.".to_owned(),
                "email",
            )),
            (SubscriptionSource::ExistingAccount, Some(PaymentMethod::Bill { operator, pai, .. })) => {
                let reported = self.ledger().account_state(&operator, pai).map(|reported| reported.state);
                if reported == Some(PaiState::Closed) {
                    return Ok(());
                }
                let kindly =
                    "Good news: this account is paid on a phone bill already. There is nothing to do.";
                Err((kindly.to_owned(), "email"))
            }
            (SubscriptionSource::ExistingAccount, None) => Err(mismatch()),
        }
    }
}

/// An error message, and the field it belongs to.
pub(super) type FormError = (String, &'static str);

fn mismatch() -> FormError {
    ("E-mail and password do not match an account.".to_owned(), "password")
}
