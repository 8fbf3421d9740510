//! The log-in at the partner: a member, by e-mail address and the password that all demo accounts
//! have. The cookie contains a random id of the visit.

use super::Netflix;
use super::member;
use super::members::{DEMO_PASSWORD, MemberAccount};
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::PoisonError;

/// Cookies do not distinguish ports of one host: no operator may use this name.
const COOKIE_NAME: &str = "partner_visit";

/// Account ids, by the ids of the visits in the cookies.
pub(super) type LogIns = HashMap<String, String>;

#[derive(Deserialize)]
pub(super) struct EnteredLogIn {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// Logs in, and shows the account; 400 with the form again when the two do not match.
pub(super) async fn post_log_in(
    State(netflix): State<Netflix>,
    Form(entered): Form<EnteredLogIn>,
) -> Response {
    let email = entered.email.trim();
    let account = netflix.members().account(email).map(|account| account.id.clone());
    match account.filter(|_| entered.password == DEMO_PASSWORD) {
        Some(account_id) => netflix.log_in(&account_id, "/member"),
        None => (StatusCode::BAD_REQUEST, member::log_in_form(&netflix, Some(email))).into_response(),
    }
}

pub(super) async fn post_log_out(State(netflix): State<Netflix>, headers: HeaderMap) -> Response {
    if let Some(visit) = visit(&headers) {
        netflix.0.log_ins.lock().unwrap_or_else(PoisonError::into_inner).remove(visit);
    }
    with_cookie("/member", &format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
}

impl Netflix {
    /// The member who views the page.
    pub(super) fn logged_in(&self, headers: &HeaderMap) -> Option<MemberAccount> {
        let log_ins = self.0.log_ins.lock().unwrap_or_else(PoisonError::into_inner);
        let id = log_ins.get(visit(headers)?)?;
        self.members().accounts().iter().find(|account| account.id == *id).cloned()
    }

    /// Logs this account in, and redirects to `path`.
    pub(super) fn log_in(&self, account_id: &str, path: &str) -> Response {
        let visit = self.0.outside.random.uuid();
        let cookie = format!("{COOKIE_NAME}={visit}; Path=/; HttpOnly; SameSite=Lax");
        let mut log_ins = self.0.log_ins.lock().unwrap_or_else(PoisonError::into_inner);
        log_ins.insert(visit, account_id.to_owned());
        with_cookie(path, &cookie)
    }
}

fn visit(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

fn with_cookie(path: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
