//! `GET /playground`: the widget in each state that a prepared customer or a prepared result brings
//! it to, in every language and with any look. What is chosen is in the address, so that a state can
//! be sent to another person; a number never is.

use super::Operator;
use super::layout::{PageView, THEMES, number_link, page};
use crate::account_file::Subscriber;
use crate::copy_button::{copy_button, plain_call};
use crate::page::spoken_number;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::key::KeyUse;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::token::{self, ISSUER, ResultClaims, SignupOutcome};
use serde::Deserialize;
use serde_json::json;

/// Seconds for which a prepared result is valid.
const RESULT_SECONDS: i64 = 300;

/// Most lines of one customer: more of them show nothing new.
const LINES_MAX: usize = 3;

/// The variables of the widget's look, without their `--onbill-`, and a value to begin with.
const LOOKS: [(&str, &str); 12] = [
    ("accent", "#0a58ca"),
    ("accent-text", "#ffffff"),
    ("background", "#ffffff"),
    ("text", "#161a22"),
    ("muted", "#565e6c"),
    ("border", "#79818f"),
    ("danger", "#b00020"),
    ("radius", "16px"),
    ("font", "Georgia, serif"),
    ("color-scheme", "light"),
    ("layout", "compact"),
    ("height", "340px"),
];

/// Widths of the column that the widget is in, in pixels.
const WIDTHS: [u16; 4] = [280, 320, 360, 448];

/// Who is signed in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Customer {
    Nobody,
    Postpaid,
    Prepaid,
    LowBalance,
    Suspended,
    Ceased,
    SeveralLines,
}

/// What the widget is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Offer,
    UnknownOffer,
    OwnPage,
    /// A visit to the partner that ended so.
    Result(SignupOutcome),
    ExpiredResult,
    ForgedResult,
}

struct PreparedState {
    word: &'static str,
    title: &'static str,
    /// What to do, and what is shown then.
    then: &'static str,
    customer: Customer,
    subject: Subject,
}

const fn state(
    word: &'static str,
    title: &'static str,
    customer: Customer,
    subject: Subject,
    then: &'static str,
) -> PreparedState {
    PreparedState { word, title, then, customer, subject }
}

static STATES: [PreparedState; 17] = {
    use Customer::{Ceased, LowBalance, Nobody, Postpaid, Prepaid, SeveralLines, Suspended};
    use Subject::{ExpiredResult, ForgedResult, Offer, OwnPage, Result, UnknownOffer};
    [
        state(
            "number",
            "Number",
            Nobody,
            Offer,
            "No customer is signed in: the customer enters the number, and confirms it with a code.",
        ),
        state("signed-in", "Signed in, postpaid", Postpaid, Offer, "Continue shows the agreement."),
        state("prepaid", "Signed in, prepaid", Prepaid, Offer, "Continue shows the agreement."),
        state("lines", "Signed in, several lines", SeveralLines, Offer, "The customer chooses the line."),
        state(
            "low-balance",
            "Balance too low",
            LowBalance,
            Offer,
            "Continue is refused, with a way to top up.",
        ),
        state(
            "suspended",
            "Line suspended",
            Suspended,
            Offer,
            "Continue is refused, with a way to pay the bill.",
        ),
        state("ended-line", "Line ended", Ceased, Offer, "Continue is refused, with a way to ask for help."),
        state(
            "not-eligible",
            "Not eligible",
            Postpaid,
            Offer,
            "Run the first call, then continue. The second call ends it.",
        ),
        state("outage", "Outage", Postpaid, Offer, "Take the origin down, then continue."),
        state(
            "success",
            "Back: success",
            Nobody,
            Result(SignupOutcome::Success),
            "The partner has signed the customer up.",
        ),
        state(
            "pending",
            "Back: pending",
            Nobody,
            Result(SignupOutcome::Pending),
            "The partner has not reported it yet.",
        ),
        state(
            "cancelled",
            "Back: cancelled",
            Nobody,
            Result(SignupOutcome::Cancelled),
            "The customer has cancelled at the partner.",
        ),
        state("expired", "Back: too late", Nobody, ExpiredResult, "The result in the address is too old."),
        state(
            "forged",
            "Back: forged",
            Nobody,
            ForgedResult,
            "The result in the address is not signed by onbill.",
        ),
        state(
            "own-number",
            "Own page, number",
            Nobody,
            OwnPage,
            "The customer’s own page, before the number is confirmed.",
        ),
        state(
            "own-page",
            "Own page",
            Postpaid,
            OwnPage,
            "What is linked and was charged. It is empty before a sign-up.",
        ),
        state("refused", "Frame refused", Nobody, UnknownOffer, "The operator does not sell this offer."),
    ]
};

#[derive(Deserialize)]
pub(super) struct PlaygroundQuery {
    #[serde(default)]
    state: String,
    onbill_result: Option<String>,
    #[serde(flatten)]
    view: PageView,
}

fn find_state(word: &str) -> Option<&'static PreparedState> {
    STATES.iter().find(|state| state.word == word)
}

/// 1. The state begins with a result that is not in the address → 303 to the address with it.
/// 2. 200 with the page, in the first state unless another one is named.
pub(super) async fn get_playground(
    State(operator): State<Operator>,
    Query(query): Query<PlaygroundQuery>,
    headers: HeaderMap,
) -> Response {
    let state = find_state(&query.state).unwrap_or(&STATES[0]);
    // 1.
    if query.onbill_result.is_none()
        && let Some(result) = operator.prepared_result(state.subject)
    {
        let (theme, locale) = (query.view.theme(), query.view.locale().as_str());
        let word = state.word;
        let link = format!("/playground?state={word}&theme={theme}&locale={locale}&onbill_result={result}");
        return Redirect::to(&link).into_response();
    }
    // 2.
    let main = html! {
        section class="hero" {
            h1 { "Every state of the widget" }
            p { "With prepared customers and prepared results, in every language and with any look." }
        }
        (choice(state, &query.view))
        div class="offer" {
            div id="stage" { (widget(&operator, state, &query.view)) }
            div class="pitch" {
                h2 { (state.title) }
                p id="then" { (state.then) }
                (help(&operator, state))
                (looks())
                h2 { "What the widget reported to this page" }
                ol id="widget-events" {}
            }
        }
        script type="module" src="/assets/playground.js" {}
    };
    page(&operator, &query.view, "Playground", operator.logged_in(&headers).as_ref(), &main)
}

/// 200 `{session}` for the customer of a state, 204 where no one is signed in.
pub(super) async fn get_session(State(operator): State<Operator>, Path(word): Path<String>) -> Response {
    let numbers =
        find_state(&word).map(|state| operator.prepared_numbers(state.customer)).unwrap_or_default();
    let session = if numbers.is_empty() { None } else { operator.assertion(numbers) };
    match session {
        Some(session) => Json(json!({"session": session})).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

pub(super) async fn get_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("playground.js"))
}

fn choice(state: &PreparedState, view: &PageView) -> Markup {
    html! {
        form id="playground" class="card controls" method="get" action="/playground" {
            div {
                label for="state" { "State" }
                select id="state" name="state" {
                    @for each in &STATES { option value=(each.word) selected[each.word == state.word] { (each.title) } }
                }
            }
            div {
                label for="locale" { "Language" }
                select id="locale" name="locale" {
                    @for locale in Locale::ALL {
                        option value=(locale.as_str()) lang=(locale.as_str()) selected[locale == view.locale()] { (locale.own_name()) }
                    }
                }
            }
            div {
                label for="theme" { "Colours of the page" }
                select id="theme" name="theme" {
                    @for (word, name) in THEMES { option value=(word) selected[word == view.theme()] { (name) } }
                }
            }
            div {
                label for="width" { "Width" }
                select id="width" {
                    option value="" { "As it comes" }
                    @for width in WIDTHS { option value=(width) { (width) " px" } }
                }
            }
            button type="submit" { "Show" }
        }
    }
}

fn widget(operator: &Operator, state: &PreparedState, view: &PageView) -> Markup {
    let config = operator.config();
    let (offer, own) = match state.subject {
        Subject::OwnPage => (None, Some("account")),
        Subject::UnknownOffer => (Some("no-such-offer"), None),
        _ => (Some(config.offer.as_str()), None),
    };
    html! {
        pay-on-bill operator=(config.operator) offer=[offer] view=[own] locale=(view.locale().as_str())
            return-url=(view.link(&config.return_path)) data-session={ "/playground/session/" (state.word) } {}
        script src={ (config.edge_url) "/widget/v1/onbill.js" } async {}
    }
}

/// What is needed to get on from a state.
fn help(operator: &Operator, state: &PreparedState) -> Markup {
    let customer = if state.word == "number" { Customer::Postpaid } else { state.customer };
    let line = operator.prepared_numbers(customer).into_iter().next();
    html! {
        @if let Some(msisdn) = &line {
            p {
                "Line: " strong { (spoken_number(msisdn.expose())) } " · "
                a href=(number_link("/sms", msisdn)) { "Its messages" }
            }
            @if state.word == "not-eligible" {
                div class="calls" {
                    (copy_button(&answer_call(operator, msisdn, Some("minor")), "not eligible"))
                    (copy_button(&answer_call(operator, msisdn, None), "as before"))
                }
            }
        }
        @if state.word == "outage" {
            p { code { "touch target/dev/down/origin-" (operator.config().operator) } " begins it, " code { "rm" } " ends it." }
        }
    }
}

/// The call by which the operator says why a number may not pay, or takes that back.
fn answer_call(operator: &Operator, msisdn: &Msisdn, reason: Option<&str>) -> String {
    let mut body = json!({"msisdn": msisdn.expose()});
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    plain_call(&format!("{}/account-answers", operator.config().public_url), Some(&body))
}

/// The variables, which the page's script sets on the element; and the style sheet that has them.
fn looks() -> Markup {
    html! {
        details class="card looks" {
            summary { "Look" }
            form id="looks" autocomplete="off" {
                @for (name, example) in LOOKS {
                    div {
                        label for={ "look-" (name) } { code { "--onbill-" (name) } }
                        input id={ "look-" (name) } name=(name) placeholder=(example) maxlength="200" spellcheck="false";
                    }
                }
                button type="button" id="looks-example" { "An example" }
                button type="reset" { "The page’s own" }
            }
            pre id="looks-sheet" tabindex="0" role="region" aria-label="The style sheet" {}
        }
    }
}

fn is_active(subscriber: &Subscriber, of: AccountType) -> bool {
    subscriber.account.status == AccountStatus::Active && subscriber.account.account_type == of
}

impl Operator {
    /// The lines of a prepared customer; none where the accounts have no such customer.
    fn prepared_numbers(&self, customer: Customer) -> Vec<Msisdn> {
        let ledger = self.ledger();
        let subscribers = ledger.subscribers();
        let in_status = |status: AccountStatus| subscribers.iter().find(|each| each.account.status == status);
        let prepaid = || subscribers.iter().filter(|each| is_active(each, AccountType::Prepaid));
        let balance = |each: &&Subscriber| each.account.balance.map_or(0, |balance| balance.amount_minor);
        // The last ones of the file: people try the first ones.
        let postpaid = || subscribers.iter().rev().filter(|each| is_active(each, AccountType::Postpaid));
        let chosen: Vec<&Subscriber> = match customer {
            Customer::Nobody => Vec::new(),
            Customer::Postpaid => postpaid().take(1).collect(),
            Customer::SeveralLines => postpaid().take(LINES_MAX).collect(),
            Customer::Prepaid => prepaid().max_by_key(balance).into_iter().collect(),
            Customer::LowBalance => prepaid().min_by_key(balance).into_iter().collect(),
            Customer::Suspended => in_status(AccountStatus::Suspended).into_iter().collect(),
            Customer::Ceased => in_status(AccountStatus::Ceased).into_iter().collect(),
        };
        chosen.into_iter().map(|each| each.msisdn.clone()).collect()
    }

    /// The result with which a state begins. The sandbox has the key to check results, which is the
    /// key that they are signed with.
    fn prepared_result(&self, subject: Subject) -> Option<String> {
        let outcome = match subject {
            Subject::Offer | Subject::UnknownOffer | Subject::OwnPage => return None,
            Subject::Result(outcome) => outcome,
            Subject::ExpiredResult | Subject::ForgedResult => SignupOutcome::Success,
        };
        let now = self.now().unix_seconds();
        let iat = if subject == Subject::ExpiredResult { now - 2 * RESULT_SECONDS } else { now };
        let claims = ResultClaims {
            iss: ISSUER.to_owned(),
            aud: self.config().operator.clone(),
            outcome,
            offer: self.config().offer.clone(),
            partner_subscription_id: None,
            jti: self.0.outside.random.uuid(),
            iat,
            exp: iat + RESULT_SECONDS,
        };
        let key = self.config().keys.signing_key(KeyUse::ReturnResult, self.config().party())?;
        let mut result = token::sign(key, &claims)?;
        if subject == Subject::ForgedResult {
            // One symbol more than was signed.
            result.push('A');
        }
        Some(result)
    }
}
