//! The partner, and browsers, as they call the edge.

use bytes::Bytes;
use http::{Method, Request, Response};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::sign_request;
use onbill_origin::ambient::{Clock as _, Random, SystemClock, SystemRandom};
use onbill_origin::http::{HttpPeer, Peer as _};
use onbill_test_harness::keys::{self, KeyHolder};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

/// Longer than the edge works on a response.
const PATIENCE: Duration = Duration::from_secs(70);

pub(crate) struct Caller {
    http: HttpPeer,
    edge: SocketAddr,
    keys: Keyring,
}

impl Caller {
    pub(crate) fn new(edge: SocketAddr) -> Self {
        let http = HttpPeer::new(PATIENCE).expect("the HTTP client starts");
        Self { http, edge, keys: keys::keyring(&KeyHolder::Partner("netflix")) }
    }

    /// A call of the partner's.
    pub(crate) async fn call(&self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.edge));
        let mut text = String::new();
        if !body.is_null() {
            request = request.header("content-type", "application/json");
            text = body.to_string();
        }
        let mut request = request.body(Bytes::from(text)).expect("is a request");
        let key = self.keys.keys_for_use(KeyUse::PartnerCall).next().expect("is there");
        let random: &dyn Random = &SystemRandom;
        sign_request(&mut request, key, SystemClock.now(), &random.nonce()).expect("signs");
        let response = self.send(request).await;
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap_or_default())
    }

    /// One month of a subscriber.
    pub(crate) async fn charge(&self, id: &str, pai: &str) -> (u16, Value) {
        let body = json!({"extTransactionID": id, "pai": pai, "amount": {"value": 1599, "currency": "USD"},
            "description": "Netflix Standard", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
        self.call(&Method::POST, "/ott/v1/transaction", &body).await
    }

    /// What a browser gets at this path.
    pub(crate) async fn open(&self, path: &str) -> Response<Bytes> {
        let request = Request::get(format!("http://{}{path}", self.edge)).body(Bytes::new());
        self.send(request.expect("is a request")).await
    }

    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.http.send(request).await.expect("the edge answers")
    }
}
