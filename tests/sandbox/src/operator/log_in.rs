//! The log-in at the dashboard: it stands in for the operator's own, and a demo subscriber is
//! selected from a list. The cookie contains a random id of the visit, never the number.

use super::Operator;
use super::layout::PageView;
use crate::answer::Refusal;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::Reject;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::PoisonError;

/// Visits, by the id in their cookie.
pub(super) type LogIns = HashMap<String, Msisdn>;

#[derive(Deserialize)]
pub(super) struct LogInForm {
    /// Empty to log out.
    #[serde(default)]
    msisdn: String,
    /// The view options of the page.
    #[serde(flatten)]
    view: PageView,
}

/// Logs in as one of the subscribers, or out; then shows the dashboard.
pub(super) async fn post_log_in(
    State(operator): State<Operator>,
    headers: HeaderMap,
    Form(form): Form<LogInForm>,
) -> Result<Response, Refusal> {
    let name = operator.cookie_name();
    let mut log_ins = operator.0.log_ins.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(visit) = operator.visit(&headers) {
        log_ins.remove(visit);
    }
    let cookie = if form.msisdn.is_empty() {
        format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    } else {
        let msisdn =
            Msisdn::parse(&form.msisdn).filter(|msisdn| operator.ledger().subscriber(msisdn).is_some());
        let msisdn = msisdn.ok_or_else(|| Reject::invalid_request("There is no such demo subscriber."))?;
        let visit = operator.0.outside.random.uuid();
        log_ins.insert(visit.clone(), msisdn);
        format!("{name}={visit}; Path=/; HttpOnly; SameSite=Lax")
    };
    let mut response = Redirect::to(&form.view.link("/")).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

impl Operator {
    /// The number of the person who is logged in.
    pub(super) fn logged_in(&self, headers: &HeaderMap) -> Option<Msisdn> {
        let visit = self.visit(headers)?;
        self.0.log_ins.lock().unwrap_or_else(PoisonError::into_inner).get(visit).cloned()
    }

    /// The visit of the cookie.
    fn visit<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(&name)?.strip_prefix('='))
    }

    /// Cookies do not distinguish ports of one host: each operator needs a name of its own.
    fn cookie_name(&self) -> String {
        format!("{}_visit", self.config().operator)
    }
}
