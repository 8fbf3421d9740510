//! The calls of the edge and of the partner, signed by both as the real ones are.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, sign_request};
use onbill_domain::wire::edge::{
    PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER, SUBSCRIBER_HANDLE_HEADER,
};
use onbill_origin::ambient::{Clock as _, Random, SystemClock, SystemRandom};
use onbill_origin::http::{HttpPeer, Peer as _, Unreachable};
use onbill_test_harness::keys::{self, KeyHolder};
use serde_json::Value;
use std::time::Duration;

/// The edge's public address. No service listens there: the partner signs for it.
pub(crate) const EDGE: &str = "pay.example";
/// Longer than the origin works on a response.
const PATIENCE: Duration = Duration::from_secs(70);

/// The keys of the edge and of the partner.
pub(crate) struct SignedCaller {
    http: HttpPeer,
    edge: Keyring,
    partner: Keyring,
}

impl SignedCaller {
    pub(crate) fn new() -> Self {
        let http = HttpPeer::new(PATIENCE).expect("the HTTP client starts");
        Self {
            http,
            edge: keys::keyring(&KeyHolder::Edge),
            partner: keys::keyring(&KeyHolder::Partner("netflix")),
        }
    }

    /// A call of the edge's own.
    pub(crate) async fn call_as_edge(&self, origin: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request =
            Request::post(format!("http://{origin}{path}")).header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string())).expect("is a request");
        let answer = self.send_as_edge(request).await.expect("the origin answers");
        (answer.0, serde_json::from_slice(&answer.1).expect("is JSON"))
    }

    /// A partner's call, forwarded by the edge, which knows the subscriber by this handle.
    pub(crate) async fn forward_partner_call(
        &self,
        origin: &str,
        path: &str,
        handle: &str,
        body: &Value,
    ) -> Result<(StatusCode, Bytes), Unreachable> {
        let request = |host: &str| {
            Request::builder()
                .method(Method::POST)
                .uri(format!("http://{host}{path}"))
                .header("content-type", "application/json")
                .body(Bytes::from(body.to_string()))
                .expect("is a request")
        };
        let mut signed = request(EDGE);
        sign_as(&mut signed, &self.partner, KeyUse::PartnerCall, "partner:netflix");
        let mut forwarded = request(origin);
        for (from, to) in [
            (CONTENT_DIGEST, CONTENT_DIGEST),
            (SIGNATURE_INPUT, PARTNER_SIGNATURE_INPUT_HEADER),
            (SIGNATURE, PARTNER_SIGNATURE_HEADER),
        ] {
            forwarded.headers_mut().insert(to, signed.headers()[from].clone());
        }
        forwarded
            .headers_mut()
            .insert(SUBSCRIBER_HANDLE_HEADER, handle.parse().expect("can stand in a header"));
        self.send_as_edge(forwarded).await
    }

    async fn send_as_edge(&self, mut request: Request<Bytes>) -> Result<(StatusCode, Bytes), Unreachable> {
        sign_as(&mut request, &self.edge, KeyUse::EdgeToOrigin, "operator:acme");
        let answer = self.http.send(request).await?;
        Ok((answer.status(), answer.into_body()))
    }
}

fn sign_as(request: &mut Request<Bytes>, keys: &Keyring, key_use: KeyUse, party: &str) {
    let key = keys.signing_key(key_use, party).expect("is in the ring");
    let random: &dyn Random = &SystemRandom;
    sign_request(request, key, SystemClock.now(), &random.nonce()).expect("signs");
}
