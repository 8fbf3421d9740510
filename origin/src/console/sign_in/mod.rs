//! Signing in at the operator's identity provider, by `OpenID` Connect: the code flow with PKCE (RFC 7636),
//! a state that the browser's cookie has to match, and a nonce that the ID token has to match. And out.

mod attempt;
mod id_token;
mod keys;
mod provider;
mod relying_party;

pub(crate) use provider::discovery_url;
pub(super) use relying_party::SignIn;

use super::Console;
use super::cookies::CookieName;
use super::form::Posted;
use super::layout::{bare_page, redirect_to};
use super::refused::Refused;
use super::session::{new_session, presented_session};
use attempt::{ATTEMPT_SECONDS, Attempt};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::html;
use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use onbill_domain::plain_text::is_plain_line;
use provider::ProviderFault;
use relying_party::NotSignedIn;
use serde::Deserialize;

/// Longest name of a person in the head of a page, in characters: longer ones are left out.
const NAME_CHARS_MAX: usize = 60;
/// Longest code of an issuer, in bytes; RFC 6749 sets no limit, and the large issuers stay below half.
const CODE_BYTES_MAX: usize = 4_096;

/// `GET /sign-in`: 303 to the identity provider. 503 while it does not answer. A browser that has had a
/// session may have been left at a desk: the person who sits there now proves who they are.
pub(super) async fn begin(State(console): State<Console>, headers: HeaderMap) -> Response {
    let sign_in = &console.sign_in;
    let attempt = Attempt::begin(&*sign_in.random);
    let has_to_prove = presented_session(&console, &headers).is_some();
    match sign_in.authorization_url(&attempt, has_to_prove).await {
        Ok(url) => {
            let mut response = redirect_to(&url);
            let cookie = console.cookies.set(CookieName::SignIn, &attempt.write(), Some(ATTEMPT_SECONDS));
            response.headers_mut().append(SET_COOKIE, cookie);
            response
        }
        Err(fault) => turn_away(&console, &NotSignedIn::Provider(fault)),
    }
}

/// What the identity provider leads back with (RFC 6749 §4.1.2).
#[derive(Deserialize)]
pub(super) struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// `GET /sign-in/callback`.
/// 1. The browser is the one that began this sign-in: 400. Its cookie ends here, whatever comes of it.
/// 2. The identity provider exchanges the code for an ID token, which is genuine, and of this sign-in:
///    400; 503 while it does not answer.
/// 3. The person has a role: 403.
/// 4. The session begins, unless this sign-in has made one before: 400. 303 to the first page.
pub(super) async fn finish(
    State(console): State<Console>,
    headers: HeaderMap,
    query: Result<Query<Callback>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let finished = match query {
        Ok(Query(callback)) => try_finish(&console, &headers, callback).await,
        Err(_) => Ok(Err(NotSignedIn::ForgedState)),
    };
    let mut response = match finished {
        Ok(Ok(cookie)) => {
            let mut response = redirect_to("/");
            response.headers_mut().append(SET_COOKIE, cookie);
            response
        }
        Ok(Err(why)) => turn_away(&console, &why),
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().append(SET_COOKIE, console.cookies.delete(CookieName::SignIn));
    response
}

/// The cookie of the session.
async fn try_finish(
    console: &Console,
    headers: &HeaderMap,
    callback: Callback,
) -> Result<Result<HeaderValue, NotSignedIn>, Refused> {
    let sign_in = &console.sign_in;
    // 1.
    let attempt = console.cookies.read(CookieName::SignIn, headers);
    let Some(attempt) = attempt.as_deref().and_then(Attempt::read) else {
        return Ok(Err(NotSignedIn::ForgedState));
    };
    let given = callback.state.unwrap_or_default();
    if sha256(given.as_bytes()) != sha256(attempt.state().as_bytes()) {
        return Ok(Err(NotSignedIn::ForgedState));
    }
    if callback.iss.is_some_and(|iss| iss != sign_in.issuer) {
        return Ok(Err(NotSignedIn::OtherIssuer));
    }
    let code = callback.code.filter(|code| callback.error.is_none() && code.len() <= CODE_BYTES_MAX);
    let Some(code) = code else { return Ok(Err(NotSignedIn::Declined)) };
    // 2. and 3.
    let (person, roles) = match sign_in.identify(&attempt, &code).await {
        Ok(identified) => identified,
        Err(why) => return Ok(Err(why)),
    };
    let Some(actor) = person.actor.as_deref().and_then(ExtId::parse) else {
        return Ok(Err(NotSignedIn::UnnamedPerson));
    };
    // 4.
    let is_name = |name: &String| is_plain_line(name) && name.chars().count() <= NAME_CHARS_MAX;
    let name = person.name.filter(is_name).unwrap_or_else(|| actor.as_str().to_owned());
    let of_sign_in = sha256(attempt.nonce().as_bytes());
    let (id, new) = new_session(&*sign_in.random, of_sign_in, actor, name, roles);
    let earlier = presented_session(console, headers);
    let began = console.parts.store.begin_console_session(sign_in.clock.now(), new, earlier).await?;
    // The cookie ends with the browser; the session by its own times.
    Ok(if began {
        Ok(console.cookies.set(CookieName::Session, &id, None))
    } else {
        Err(NotSignedIn::Repeated)
    })
}

/// `POST /sign-out`: the session ends at every origin. 303 to a page that says so. The session at the
/// identity provider continues: it is not the console's. The browser keeps the cookie, which is worth nothing
/// but says at the next sign-in that there was a session. The pages that it has in memory go: otherwise "Back"
/// may show a customer, as some browsers keep pages there that they must not store.
pub(super) async fn sign_out(
    State(console): State<Console>,
    posted: Posted<NoFields>,
) -> Result<Response, Refused> {
    let now = console.parts.clock.now();
    console.parts.store.end_console_session(now, posted.viewer.session).await?;
    let mut response = redirect_to("/signed-out");
    // W3C Clear Site Data.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// A form that has its token only.
#[derive(Deserialize)]
pub(super) struct NoFields {}

/// `GET /signed-out`.
pub(super) async fn signed_out(State(console): State<Console>) -> Response {
    let body = html! {
        p { "You have signed out of the console. Your session at the identity provider may go on." }
        p { a class="button" href="/sign-in" { "Sign in" } }
    };
    bare_page(&console.parts.config.name, "Signed out", &body)
}

/// A page that says what the person can do. The cause is in the log, without a token, a code or a name.
fn turn_away(console: &Console, why: &NotSignedIn) -> Response {
    let fault = match why {
        NotSignedIn::Token(fault) => format!("Token({fault:?})"),
        other => format!("{other:?}"),
    };
    tracing::warn!(fault, "a sign-in to the console has failed");
    let (status, text) = match why {
        NotSignedIn::Provider(
            ProviderFault::Unreachable | ProviderFault::BadDocument | ProviderFault::BadKeys,
        ) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The identity provider does not answer as it should. Try again in a minute.",
        ),
        NotSignedIn::NoRole => (
            StatusCode::FORBIDDEN,
            "You have signed in, but none of your groups has a role here. Ask the people who run the origin: its \
             configuration lists the groups.",
        ),
        NotSignedIn::UnnamedPerson => (
            StatusCode::FORBIDDEN,
            "The identity provider sends no name for you, or one with characters that the audit does not accept.",
        ),
        NotSignedIn::Declined => (
            StatusCode::FORBIDDEN,
            "The identity provider has refused the sign-in, or you have cancelled it.",
        ),
        NotSignedIn::ForgedState
        | NotSignedIn::OtherIssuer
        | NotSignedIn::Provider(ProviderFault::CodeRefused | ProviderFault::BadAnswer)
        | NotSignedIn::Token(_)
        | NotSignedIn::Repeated => (
            StatusCode::BAD_REQUEST,
            "This sign-in is not one that this browser has begun a moment ago. Begin again.",
        ),
    };
    let body = html! {
        p { (text) }
        p { a class="button" href="/sign-in" { "Sign in" } }
    };
    let mut page = bare_page(&console.parts.config.name, "You are not signed in", &body);
    *page.status_mut() = status;
    page
}
