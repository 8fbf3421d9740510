//! `GET /staff/authorize`: a person signs in with one click, and the browser goes back with a code.

use super::people::{PEOPLE, Person, find_person};
use super::{IssuedCode, Operator};
use crate::answer::Refusal;
use crate::operator::config::StaffClient;
use crate::operator::layout::{PageView, page};
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use onbill_domain::reject::Reject;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Length of an S256 challenge (RFC 7636 §4.2): 32 bytes in base64url.
const CHALLENGE_CHARS: usize = 43;

/// 1. Client and redirect URI are the registered ones, to the letter: 400, and the browser is led nowhere
///    (RFC 6749 §4.1.2.1).
/// 2. The request asks for a code, with the scope `openid`, a state and an S256 challenge: back with
///    `invalid_request`, `unsupported_response_type` or `invalid_scope` otherwise.
/// 3. 200 with the people to choose from; or back with a code for the one who was chosen.
pub(in crate::operator) async fn get_authorize(
    State(operator): State<Operator>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = query.unwrap_or_default();
    let fields = Fields::read(&query).ok_or_else(|| Reject::invalid_request("A parameter occurs twice."))?;
    // 1.
    let client = operator.staff_client()?;
    let redirect_uri = check_client(client, &fields)?;
    // 2.
    if let Some(error) = find_error(&fields) {
        return Ok(go_back(&operator, redirect_uri, &fields, ("error", error)));
    }
    // 3.
    let Some(chosen) = fields.get("person") else { return Ok(choose_page(&operator, &query)) };
    let person = find_person(chosen).ok_or_else(|| Reject::invalid_request("There is no such person."))?;
    let issued = IssuedCode {
        person,
        redirect_uri: redirect_uri.to_owned(),
        challenge: fields.get("code_challenge").unwrap_or_default().to_owned(),
        nonce: fields.get("nonce").map(str::to_owned),
        issued_at: operator.now(),
    };
    let code = operator.0.staff_logins.issue(&*operator.0.outside.random, issued);
    Ok(go_back(&operator, redirect_uri, &fields, ("code", &code)))
}

/// The parameters of a query.
struct Fields(Vec<(String, String)>);

impl Fields {
    /// `None` for a query with a parameter twice, or text that is not UTF-8.
    fn read(query: &str) -> Option<Self> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if fields.iter().any(|(known, _)| *known == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn check_client<'f>(client: &StaffClient, fields: &'f Fields) -> Result<&'f str, Reject> {
    if fields.get("client_id") != Some(&client.client_id) {
        return Err(Reject::invalid_request("client_id is not one of this issuer's."));
    }
    let redirect_uri = fields.get("redirect_uri").filter(|uri| *uri == client.redirect_uri);
    redirect_uri.ok_or_else(|| Reject::invalid_request("redirect_uri is not the one that is registered."))
}

/// The error that the client gets.
fn find_error(fields: &Fields) -> Option<&'static str> {
    let has = |name| fields.get(name).is_some_and(|value| !value.is_empty());
    let challenge = fields.get("code_challenge").unwrap_or_default();
    let is_challenge = challenge.len() == CHALLENGE_CHARS
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fields.get("response_type") != Some("code") {
        return Some("unsupported_response_type");
    }
    if !fields.get("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
        return Some("invalid_scope");
    }
    let is_sound = has("state") && is_challenge && fields.get("code_challenge_method") == Some("S256");
    (!is_sound).then_some("invalid_request")
}

/// Back to the client with a code or an error, the state and the issuer (RFC 9207).
fn go_back(operator: &Operator, redirect_uri: &str, fields: &Fields, result: (&str, &str)) -> Response {
    let issuer = operator.issuer();
    let state = fields.get("state").map(|state| ("state", state));
    let query: Vec<String> = [Some(result), state, Some(("iss", issuer.as_str()))]
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
    Redirect::to(&format!("{redirect_uri}?{}", query.join("&"))).into_response()
}

fn choose_page(operator: &Operator, query: &str) -> Response {
    let link = |person: &Person| format!("/staff/authorize?{query}&person={}", person.subject);
    let main: Markup = html! {
        h1 { "Sign in for the console" }
        p { "Who are you today?" }
        ul {
            @for person in PEOPLE {
                li { a class="button" href=(link(person)) { (person.name) ", " (person.desk) } }
            }
        }
    };
    page(operator, &PageView::default(), "Sign in", None, &main)
}
