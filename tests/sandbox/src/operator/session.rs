//! `GET /session`: the dashboard's signed assertion, for the widget, of the logged-in customer's
//! numbers.

use super::Operator;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::token::{self, ISSUER, SessionClaims};
use serde_json::json;
use std::sync::atomic::Ordering;

/// Seconds for which an assertion is valid: the widget requests a fresh one each time it starts.
const ASSERTION_SECONDS: i64 = 300;

/// 200 `{session}` for a logged-in customer, 204 without a log-in.
pub(super) async fn get_session(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    let session = operator.logged_in(&headers).and_then(|msisdn| operator.assertion(vec![msisdn]));
    match session {
        Some(session) => Json(json!({"session": session})).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

impl Operator {
    /// Signs that these numbers are those of the person who is logged in. `None` without a key to
    /// sign with.
    pub fn assertion(&self, numbers: Vec<Msisdn>) -> Option<String> {
        let key = self.config().keys.signing_key(KeyUse::SessionAssertion, self.config().party())?;
        let iat = self.now().unix_seconds();
        let iss = self.config().operator.clone();
        let jti = Some(format!("{iat}-{}", self.0.assertions.fetch_add(1, Ordering::Relaxed)));
        let claims =
            SessionClaims { iss, aud: ISSUER.to_owned(), numbers, jti, iat, exp: iat + ASSERTION_SECONDS };
        token::sign(key, &claims)
    }
}
