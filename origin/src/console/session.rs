//! Who looks at a page. A session is in the database, which every origin of the ledger reads; the browser
//! has its id, and the database only the hash of it.

use super::Console;
use super::cookies::CookieName;
use super::csrf::CsrfToken;
use super::layout::{bare_page, redirect_to};
use super::refused::Refused;
use super::viewer::Viewer;
use crate::ambient::Random;
use crate::care::Role;
use crate::store::{Hash, NewConsoleSession};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use maud::html;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::ExtId;

/// Bytes of a session's id: as many as cannot be guessed, whatever else is known.
const ID_BYTES: usize = 32;

/// What begins with a sign-in: the id for the browser, and what the database keeps.
pub(super) fn new_session(
    random: &dyn Random,
    sign_in: Hash,
    actor: ExtId,
    display_name: String,
    roles: Vec<Role>,
) -> (String, NewConsoleSession) {
    let id = encode_base64url(&random.bytes::<ID_BYTES>());
    let new = NewConsoleSession { session: hash_id(&id), sign_in, actor, display_name, roles };
    (id, new)
}

fn hash_id(id: &str) -> Hash {
    sha256(id.as_bytes())
}

/// The hash of the session that the browser has, whether it can be used or not.
pub(super) fn presented_session(console: &Console, headers: &HeaderMap) -> Option<Hash> {
    console.cookies.read(CookieName::Session, headers).map(|id| hash_id(&id))
}

/// Without a session that can be used: a look leads to the sign-in; an act gets 401, because what was typed
/// would be lost on the way.
impl FromRequestParts<Console> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let id = console.cookies.read(CookieName::Session, &parts.headers);
        let Some(id) = id else { return Err(ask_to_sign_in(console, &parts.method)) };
        let (store, now) = (&console.parts.store, console.parts.clock.now());
        let session = store.use_console_session(now, hash_id(&id)).await;
        let session = session.map_err(|error| Refused::from(error).into_response())?;
        let Some(session) = session else { return Err(ask_to_sign_in(console, &parts.method)) };
        Ok(Self {
            operator_name: console.parts.config.name.clone(),
            actor: session.actor,
            display_name: session.display_name,
            roles: session.roles,
            csrf: CsrfToken::of_session(&id),
            session: hash_id(&id),
        })
    }
}

fn ask_to_sign_in(console: &Console, method: &Method) -> Response {
    if [Method::GET, Method::HEAD].contains(method) {
        return redirect_to("/sign-in");
    }
    let body = html! {
        p { "Your session has ended, and nothing was done." }
        p { a class="button" href="/sign-in" { "Sign in again" } }
    };
    let mut page = bare_page(&console.parts.config.name, "Sign in again", &body);
    *page.status_mut() = StatusCode::UNAUTHORIZED;
    page
}
