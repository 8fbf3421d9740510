//! The operator's own calls to its origin: signed with the key of use `bss-to-origin`, made once.
//! The user of the page decides about a retry, as every call contains an id under which it counts
//! once.

use super::OperatorConfig;
use crate::PartyDependencies;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use onbill_domain::key::{Key, KeyUse};
use onbill_domain::reject::{ErrorBody, ErrorCode};
use onbill_domain::signature::sign_request;
use serde_json::Value;

/// Why a call brought no usable response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OriginFailure {
    /// The origin has refused, with this code.
    Refused(String),
    /// No response, or an inconclusive one: whether it has acted is unknown.
    Silent,
}

pub(super) struct OriginClient {
    base: String,
    key: Key,
    outside: PartyDependencies,
}

impl OriginClient {
    /// `None` for an operator that sells no coupons, and so makes no calls.
    pub(super) fn of(config: &OperatorConfig, outside: &PartyDependencies) -> Option<Self> {
        let base = config.coupons.as_ref()?.origin_url.clone();
        let key = config.keys.signing_key(KeyUse::OperatorToOrigin, config.party())?.clone();
        Some(Self { base, key, outside: outside.clone() })
    }

    /// The JSON of a success; a body of null is none.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, OriginFailure> {
        let request = self.signed(method, path, body).ok_or(OriginFailure::Silent)?;
        let response = self.outside.http.send(request).await.map_err(|_| OriginFailure::Silent)?;
        let status = response.status();
        if status.is_success() {
            return serde_json::from_slice(response.body()).map_err(|_| OriginFailure::Silent);
        }
        let refusal =
            serde_json::from_slice::<ErrorBody>(response.body()).map_err(|_| OriginFailure::Silent)?;
        if settles_nothing(status, &refusal.code) {
            return Err(OriginFailure::Silent);
        }
        Err(OriginFailure::Refused(refusal.code))
    }

    fn signed(&self, method: Method, path: &str, body: &Value) -> Option<Request<Bytes>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            request = request.header(CONTENT_TYPE, "application/json");
            Bytes::from(body.to_string())
        };
        let mut request = request.body(bytes).ok()?;
        let (now, nonce) = (self.outside.clock.now(), self.outside.random.nonce());
        sign_request(&mut request, &self.key, now, &nonce)?;
        Some(request)
    }
}

fn settles_nothing(status: StatusCode, code: &str) -> bool {
    status.is_server_error() || code == ErrorCode::RequestInProgress.as_str()
}
