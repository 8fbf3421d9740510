//! Calls to the edge: signed, retried with a fresh nonce while the other side is down, and bounded
//! in number. A success counts when an operator's origin has signed it: the edge may withhold a
//! response, but not forge one. Every call made through here has an id of ours in it, so that a
//! repetition has no second effect.

use super::config::NetflixConfig;
use super::leak::LeakWatch;
use crate::{PartyDependencies, settings};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::correlator;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::{Key, KeyUse, Keyring, Party};
use onbill_domain::reject::{ErrorBody, ErrorCode};
use onbill_domain::signature::{
    self, CONTENT_DIGEST, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE,
    SIGNATURE_INPUT,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Most attempts of a call: they bridge a restart of the edge or the origin, and an outage is
/// reported.
pub(super) const ATTEMPTS_MAX: u32 = 4;

/// Why a call brought no usable response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EdgeFailure {
    /// The other side has refused.
    Refused {
        status: StatusCode,
        /// The error code in the body.
        code: String,
    },
    /// No response, or none that was readable and genuine, in any attempt.
    Silent,
}

impl EdgeFailure {
    /// Whether the same call may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Refused { status, code } => is_passing(*status, code),
        }
    }
}

fn is_passing(status: StatusCode, code: &str) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || code == ErrorCode::RequestInProgress.as_str()
}

/// The outcome of a call.
pub(super) struct EdgeOutcome<T> {
    /// How often it was made.
    pub(super) attempts: u32,
    /// The response with its status.
    pub(super) answer: Result<(StatusCode, T), EdgeFailure>,
}

pub(super) struct EdgeClient {
    base: String,
    authority: String,
    key: Key,
    /// The keys with which the operators' origins sign.
    keys: Keyring,
    pause: Duration,
    outside: PartyDependencies,
    leaks: Arc<LeakWatch>,
}

impl EdgeClient {
    pub(super) fn new(
        config: &NetflixConfig,
        outside: PartyDependencies,
        leaks: Arc<LeakWatch>,
    ) -> Result<Self, String> {
        let party = Party::partner(&config.partner);
        let key = config.keys.signing_key(KeyUse::PartnerCall, &party);
        let key = key.filter(|key| key.sign(b"").is_some());
        let key =
            key.ok_or_else(|| format!("keys: there is no partner-call key of {party} with a private half"))?;
        let own = || settings::authority(&config.edge_url);
        Ok(Self {
            base: config.edge_url.clone(),
            authority: config.edge_authority.clone().unwrap_or_else(own),
            key: key.clone(),
            keys: config.keys.clone(),
            pause: config.retry_pause,
            outside,
            leaks,
        })
    }

    /// Posts to a path of the OTT API. `of` is the operator that must sign the response, where it
    /// is known.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        of: Option<&OperatorId>,
    ) -> EdgeOutcome<T> {
        let body = Bytes::from(serde_json::to_vec(body).unwrap_or_default());
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer = self.once(path, body.clone(), of).await;
            match answer {
                Err(failure) if failure.is_passing() && attempts < ATTEMPTS_MAX => {
                    tokio::time::sleep(self.pause * attempts).await;
                }
                answer => return EdgeOutcome { attempts, answer },
            }
        }
    }

    /// Makes a call once; `None` without a response, or with one that is not genuine.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        of: Option<&OperatorId>,
    ) -> Option<Response<Bytes>> {
        let request = self.signed(method, path, body)?;
        let call = request.headers().get(SIGNATURE)?.clone();
        let response = self.outside.http.send(request).await.ok()?;
        let correlator = response.headers().get(correlator::HEADER).and_then(|value| value.to_str().ok());
        tracing::info!(party = "partner", correlator, status = response.status().as_u16(), "a call was made");
        self.watch(path, &response);
        if response.status().is_success() && !self.is_genuine(&response, call.to_str().ok()?, of) {
            tracing::warn!(path, "a response was refused: it is not signed by the operator");
            return None;
        }
        Some(response)
    }

    /// Whether an operator's origin has signed this response to that very call: the operator in
    /// question, which is also the one in the response.
    fn is_genuine(&self, response: &Response<Bytes>, call: &str, of: Option<&OperatorId>) -> bool {
        let (body, headers) = (response.body(), response.headers());
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let answer = ResponseComponents {
            status: response.status().as_u16(),
            body: (body, content_type),
            request_signature: call,
        };
        let now = self.outside.clock.now();
        let verified = ReceivedSignature::from_headers(headers).and_then(|presented| {
            signature::verify_response(&answer, presented, &self.keys, KeyUse::OriginToPartner, now).ok()
        });
        let Some(signer) = verified.and_then(|it| it.key.party.operator_id()) else {
            return false;
        };
        let reported = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let named = [of.map(OperatorId::as_str), reported["operator"].as_str()];
        named.into_iter().flatten().all(|named| named == signer.as_str())
    }

    async fn once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Bytes,
        of: Option<&OperatorId>,
    ) -> Result<(StatusCode, T), EdgeFailure> {
        let response = self.send(Method::POST, path, body, of).await.ok_or(EdgeFailure::Silent)?;
        let status = response.status();
        if status.is_success() {
            let answer = serde_json::from_slice(response.body()).map_err(|_| EdgeFailure::Silent)?;
            return Ok((status, answer));
        }
        let code = serde_json::from_slice::<ErrorBody>(response.body()).map(|error| error.code);
        Err(EdgeFailure::Refused { status, code: code.unwrap_or_else(|_| "unknown".to_owned()) })
    }

    /// A request with a signature of this moment and a nonce of its own.
    fn signed(&self, method: Method, path: &str, body: Bytes) -> Option<Request<Bytes>> {
        const JSON: &str = "application/json";
        let (bare_path, query) = path.split_once('?').unwrap_or((path, ""));
        let target = RequestComponents {
            method: method.as_str(),
            authority: &self.authority,
            path: bare_path,
            query,
            body: (!body.is_empty()).then_some((&body[..], JSON)),
        };
        let signed = signature::sign_components(
            &target,
            &self.key,
            self.outside.clock.now(),
            &self.outside.random.nonce(),
        )?;
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(digest) = signed.content_digest {
            request = request.header(CONTENT_TYPE, JSON).header(CONTENT_DIGEST, digest);
        }
        let request = request.header(SIGNATURE_INPUT, signed.signature_input);
        request.header(SIGNATURE, signed.signature).body(body).ok()
    }

    /// Responses reach the partner as much as requests do.
    fn watch(&self, path: &str, response: &Response<Bytes>) {
        let now = self.outside.clock.now();
        self.leaks.search(&format!("answer to {path}, body"), response.body(), now);
        for (name, value) in response.headers() {
            self.leaks.search(&format!("answer to {path}, header {name}"), value.as_bytes(), now);
        }
    }
}
