//! Test doubles for the simulated parties' own tests: a manual clock, counted randomness, keys, and
//! requests signed as the other side does.

use super::PartyDependencies;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock, Random};
use onbill_origin::http::{Peer, Unreachable};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tower::ServiceExt as _;

pub(super) const NOW: i64 = 1_795_000_000;

/// Shows the same time until it is set.
pub(super) struct ManualClock(pub(super) AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Never the same bytes twice, always the same in every run.
struct CountedRandom(AtomicU64);

impl Random for CountedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        for (at, block) in bytes.chunks_mut(32).enumerate() {
            let digest = onbill_domain::digest::sha256(format!("{count} {at}").as_bytes());
            block.copy_from_slice(&digest[..block.len()]);
        }
    }
}

type PeerFunction = dyn Fn(Request<Bytes>) -> Result<http::Response<Bytes>, Unreachable> + Send + Sync;

/// Another party, as a function; the requests that it was sent are kept.
pub(super) struct ScriptedPeer {
    pub(super) answering: Mutex<Box<PeerFunction>>,
    pub(super) sent: Mutex<Vec<Request<Bytes>>>,
}

#[async_trait]
impl Peer for ScriptedPeer {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<Bytes>, Unreachable> {
        self.sent.lock().expect("is whole").push(request.clone());
        // Other tasks run meanwhile, as on a network.
        tokio::task::yield_now().await;
        (self.answering.lock().expect("is whole"))(request)
    }
}

/// The dependencies of a party under test.
pub(super) struct PartySurroundings {
    pub(super) clock: Arc<ManualClock>,
    pub(super) http: Arc<ScriptedPeer>,
}

impl PartySurroundings {
    pub(super) fn new() -> Self {
        let answering: Box<PeerFunction> = Box::new(|_| Err(Unreachable));
        Self {
            clock: Arc::new(ManualClock(AtomicI64::new(NOW))),
            http: Arc::new(ScriptedPeer { answering: Mutex::new(answering), sent: Mutex::default() }),
        }
    }

    pub(super) fn outside(&self) -> PartyDependencies {
        PartyDependencies {
            clock: self.clock.clone(),
            random: Arc::new(CountedRandom(AtomicU64::new(0))),
            http: self.http.clone(),
        }
    }

    pub(super) fn answer(
        &self,
        with: impl Fn(Request<Bytes>) -> Result<http::Response<Bytes>, Unreachable> + Send + Sync + 'static,
    ) {
        *self.http.answering.lock().expect("is whole") = Box::new(with);
    }
}

/// Keys of every use that the simulated parties know, for acme and netflix.
pub(super) fn keys() -> Keyring {
    let shared = |key_use: &str, party: &str, byte: u8| {
        json!({"id": format!("{key_use}-1"), "party": party, "use": key_use, "alg": "hmac-sha256",
               "secret": encode_base64url(&[byte; 32])})
    };
    let ring = json!([
        shared("origin-to-bss", "operator:acme", 1),
        shared("edge-to-origin", "operator:acme", 2),
        shared("session-assertion", "operator:acme", 3),
        shared("return-result", "operator:acme", 4),
        shared("edge-to-partner", "partner:netflix", 5),
        {"id": "origin-to-partner-of-nova", "party": "operator:nova", "use": "origin-to-partner",
         "alg": "hmac-sha256", "secret": encode_base64url(&[9; 32])},
        shared("origin-to-partner", "operator:acme", 7),
        shared("bss-to-origin", "operator:acme", 8),
        {"id": "partner-call-1", "party": "partner:netflix", "use": "partner-call", "alg": "ed25519",
         "private": encode_base64url(&[6; 32])},
    ]);
    Keyring::parse(&ring.to_string()).expect("is well formed")
}

/// A JSON call signed with the key of this use at this time.
pub(super) fn signed(
    method: &str,
    url: &str,
    body: Option<&Value>,
    key_use: KeyUse,
    at: i64,
    nonce: &str,
) -> Request<Bytes> {
    let mut request = Request::builder().method(method).uri(url);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let mut request = request.body(bytes).expect("is a request");
    let keys = keys();
    let key = keys.keys_for_use(key_use).last().expect("is there");
    sign_request(&mut request, key, Timestamp::from_unix_seconds(at), nonce).expect("signs");
    request
}

/// A whole response.
pub(super) struct WholeResponse {
    pub(super) status: StatusCode,
    pub(super) headers: http::HeaderMap,
    pub(super) text: String,
}

impl WholeResponse {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("is JSON")
    }

    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends one request through a router.
pub(super) async fn ask(router: &Router, request: Request<Bytes>) -> WholeResponse {
    let response: Response =
        router.clone().oneshot(request.map(Body::from)).await.expect("routers do not fail");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 20).await.expect("is whole");
    WholeResponse { status, headers, text: String::from_utf8(body.to_vec()).expect("is text") }
}

/// A page or, with `accept`, its JSON.
pub(super) fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).expect("is a request")
}

pub(super) fn get_json(path: &str) -> Request<Bytes> {
    Request::get(path).header("accept", "application/json").body(Bytes::new()).expect("is a request")
}

/// A form as a browser sends it.
pub(super) fn form(path: &str, body: &str) -> Request<Bytes> {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    request.body(Bytes::from(body.to_owned())).expect("is a request")
}

/// JSON without a signature.
pub(super) fn json_post(path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Bytes::from(body.to_string())).expect("is a request")
}
