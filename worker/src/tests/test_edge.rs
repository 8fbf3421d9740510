//! A deployment with two operators and two partners, on a fake host whose network is a table of
//! responses.

use crate::fake::FakePlatform;
use crate::platform::{REQUEST_HEADERS, Unreachable};
use crate::{Config, ConfigFault, handle};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use http::{HeaderName, HeaderValue, Request, Response};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::pai::Pai;
use onbill_domain::root_key::{KeyEpoch, RootKey, derive_operator_keys};
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::{self, ISSUER, SignupClaims};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) const NOW: i64 = 1_795_000_000;
pub(crate) const EDGE: &str = "https://edge.example";
/// Another address of the same edge.
pub(crate) const OTHER_EDGE: &str = "https://other.edge.example";
pub(crate) const ACME: &str = "https://origin.acme.example";
pub(crate) const NOVA: &str = "https://origin.nova.example";
pub(crate) const NETFLIX: &str = "https://netflix.example/carrier";
pub(crate) const NUMBER: &str = "+12025550101";

pub(crate) fn operators() -> Value {
    json!([
        {"id": "acme", "name": "Acme Mobile", "country": "US", "origin": ACME,
         "dashboards": ["https://my.acme.example", "https://m.acme.example"], "key_epochs": ["r1.1"]},
        {"id": "nova", "name": "Nova Móvil", "country": "ES", "origin": NOVA,
         "dashboards": ["https://nova.example"], "key_epochs": ["r1.1"]},
    ])
}

pub(crate) fn partners() -> Value {
    json!([
        {"id": "netflix", "name": "Netflix", "url": NETFLIX, "offers": ["netflix-standard"],
         "ui_origins": ["https://www.netflix.example"]},
        {"id": "tunes", "name": "Tunes", "url": "https://tunes.example", "offers": ["tunes-family"]},
    ])
}

/// The edge's keys with partners: of the partners' calls, the public halves only.
pub(crate) fn partner_keyring() -> Value {
    let shared = |id: &str, party: &str, key_use: &str, byte: u8| json!({"id": id, "party": party, "use": key_use, "alg": "hmac-sha256", "secret": encode_base64url(&[byte; 32])});
    let public = |id: &str, party: &str, byte: u8| {
        let public = SigningKey::from_bytes(&[byte; 32]).verifying_key();
        json!({"id": id, "party": party, "use": "partner-call", "alg": "ed25519", "public": encode_base64url(public.as_bytes())})
    };
    json!([
        shared("edge-netflix", "partner:netflix", "edge-to-partner", 30),
        shared("edge-tunes", "partner:tunes", "edge-to-partner", 31),
        public("netflix-1", "partner:netflix", 40),
        public("tunes-1", "partner:tunes", 41),
    ])
}

/// A root key of the edge.
pub(crate) fn root_key(id: &str) -> String {
    format!("{id}.{}", encode_base64url(&sha256(id.as_bytes())))
}

/// What edge and origin share in these epochs of the root keys `r1` and `r2`.
pub(crate) fn operator_keyring(operator: &str, epochs: &[&str]) -> Keyring {
    let roots = ["r1", "r2"].map(|id| RootKey::parse(&root_key(id)).expect("is well formed"));
    let operator = OperatorId::parse(operator).expect("is a slug");
    let epochs: Vec<KeyEpoch> = epochs.iter().map(|text| KeyEpoch::parse(text).expect("is one")).collect();
    derive_operator_keys(&roots, &operator, &epochs).expect("are known roots")
}

/// Variables and secrets by their names.
pub(crate) type Variables = BTreeMap<&'static str, String>;

/// Those of a public deployment.
pub(crate) fn variables(operators: &Value, partners: &Value) -> Variables {
    BTreeMap::from([
        ("EDGE_URLS", json!([EDGE, OTHER_EDGE]).to_string()),
        ("OPERATORS", operators.to_string()),
        ("PARTNERS", partners.to_string()),
        ("EDGE_ROOT_KEY", root_key("r1")),
        ("PARTNER_KEYS", partner_keyring().to_string()),
    ])
}

pub(crate) fn read_config(variables: &Variables) -> Result<Config, ConfigFault> {
    Config::read(|name| variables.get(name).cloned())
}

type Answers = Arc<Mutex<HashMap<String, Result<Response<Bytes>, Unreachable>>>>;

pub(crate) struct TestEdge {
    pub(crate) platform: FakePlatform,
    pub(crate) config: Config,
    responses: Answers,
    network_seconds: Arc<AtomicI64>,
    pub(crate) partner_keys: Keyring,
    nonces: AtomicU64,
}

impl TestEdge {
    pub(crate) fn new() -> Self {
        Self::with(&operators(), &partners())
    }

    pub(crate) fn with(operators: &Value, partners: &Value) -> Self {
        Self::with_variables(&variables(operators, partners))
    }

    pub(crate) fn with_variables(variables: &Variables) -> Self {
        let config = read_config(variables).expect("is sound");
        let seed = |id: &str, party: &str, byte: u8| json!({"id": id, "party": party, "use": "partner-call", "alg": "ed25519", "private": encode_base64url(&[byte; 32])});
        let partner_keys = json!([
            seed("netflix-1", "partner:netflix", 40),
            seed("tunes-1", "partner:tunes", 41),
            seed("stranger", "partner:stranger", 49),
        ]);
        let clock = Arc::new(AtomicI64::new(NOW));
        let platform = FakePlatform::new(Arc::clone(&clock), 1);
        let (responses, network_seconds) = (Answers::default(), Arc::new(AtomicI64::new(0)));
        let (table, seconds) = (Arc::clone(&responses), Arc::clone(&network_seconds));
        platform.on_network(move |request| {
            clock.fetch_add(seconds.load(Ordering::SeqCst), Ordering::SeqCst);
            let to = format!("{} {}", request.method(), request.uri());
            let response = table.lock().expect("is not poisoned").get(&to).cloned();
            async move { response.unwrap_or(Err(Unreachable::Broken)) }
        });
        let partner_keys = Keyring::parse(&partner_keys.to_string()).expect("is well formed");
        Self { platform, config, responses, network_seconds, partner_keys, nonces: AtomicU64::new(0) }
    }

    /// A deployment with a challenge.
    pub(crate) fn with_challenge(self) -> Self {
        let config = self.config.with_challenge(Some("0x4AAA-site"), Some("0x4AAA-secret"));
        Self { config: config.expect("is sound"), ..self }
    }

    /// From now on each response takes so many seconds of the clock.
    pub(crate) fn slow_network(&self, seconds: i64) {
        self.network_seconds.store(seconds, Ordering::SeqCst);
    }

    /// From now on `to` (`POST https://...`) responses this.
    pub(crate) fn stub_response(&self, to: &str, status: u16, body: &Value) {
        self.stub_result(to, Ok(upstream_response(status, &body.to_string())));
    }

    pub(crate) fn stub_refusal(&self, to: &str, status: u16, code: &str) {
        self.stub_response(to, status, &json!({"code": code, "message": "As the origin says."}));
    }

    pub(crate) fn stub_result(&self, to: &str, response: Result<Response<Bytes>, Unreachable>) {
        self.responses.lock().expect("is not poisoned").insert(to.to_owned(), response);
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> EdgeResponse {
        let is_public = request.uri().path().starts_with("/widget/v1/onbill");
        let response = handle(&self.platform, &self.config, request).await;
        for (name, value) in response.headers() {
            assert!(value.to_str().is_ok(), "{name} is text");
        }
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert!(response.headers().contains_key("x-correlator"));
        let allowed = response.headers().get("access-control-allow-origin");
        let expected = is_public && (response.status().is_success() || response.status() == 304);
        assert_eq!(allowed.is_some(), expected, "CORS is for the loader and its types");
        assert!(!response.headers().contains_key("set-cookie"));
        EdgeResponse(response)
    }

    pub(crate) async fn get(&self, path: &str) -> EdgeResponse {
        self.send(as_the_platform_reads(request("GET", path, ""))).await
    }

    /// A call of the widget's frame.
    pub(crate) async fn call_from_frame(&self, path: &str, body: &Value) -> EdgeResponse {
        self.send(as_the_platform_reads(from_frame(request("POST", path, &body.to_string())))).await
    }

    /// A call of Netflix.
    pub(crate) async fn call_as_netflix(&self, method: &str, path: &str, body: &Value) -> EdgeResponse {
        self.send(as_the_platform_reads(self.signed_request("netflix-1", method, path, body))).await
    }

    pub(crate) fn signed_request(&self, key: &str, method: &str, path: &str, body: &Value) -> Request<Bytes> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.sign_as(key, request(method, path, &body))
    }

    pub(crate) fn sign_as(&self, key: &str, mut request: Request<Bytes>) -> Request<Bytes> {
        let key = self.partner_keys.find(KeyUse::PartnerCall, key).expect("is there");
        let nonce = format!("nonce-of-partner-{}", self.nonces.fetch_add(1, Ordering::SeqCst));
        sign_request(&mut request, key, Timestamp::from_unix_seconds(NOW), &nonce).expect("signs");
        request
    }

    pub(crate) fn signup_token(operator: &str, change: impl FnOnce(&mut SignupClaims)) -> String {
        let mut claims = SignupClaims {
            iss: ISSUER.to_owned(),
            aud: PartnerId::parse("netflix").expect("is a slug"),
            sub: pai(),
            op: OperatorId::parse(operator).expect("is a slug"),
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            jti: "j-1".to_owned(),
            iat: NOW,
            exp: NOW + 300,
        };
        change(&mut claims);
        let ring = operator_keyring(operator, &["r1.1"]);
        let key = ring.keys_for_use(KeyUse::SignupToken).next().expect("is there");
        token::sign(key, &claims).expect("signs")
    }

    /// Where requests went, in order.
    pub(crate) fn sent_targets(&self) -> Vec<String> {
        self.platform
            .take_sent()
            .iter()
            .map(|request| format!("{} {}", request.method(), request.uri()))
            .collect()
    }
}

/// A path that a pattern of the table matches.
pub(crate) fn sample_path(pattern: &str) -> String {
    let samples = [
        ("{document}", "ott.json"),
        ("{operator}", "acme"),
        ("{ticket}", "ticket"),
        ("{file}", "hash.js"),
        ("{logo}", "acme-1"),
        ("{font}", "acme-sans"),
        ("{extTransactionID}", "n-1"),
        ("{extRefundID}", "r-1"),
        ("{partnerSubscriptionID}", "s-1"),
    ];
    let path = samples.iter().fold(pattern.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path} has a variable that has no sample");
    path
}

pub(crate) fn pai() -> Pai {
    Pai::from_random([5; 16])
}

pub(crate) fn mapping(operator: &str, state: &str, version: u64) -> Value {
    json!({"operator": operator, "subscriber": "handle-1", "state": state, "version": version})
}

pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<Bytes> {
    let builder = Request::builder().method(method).uri(format!("{EDGE}{path}"));
    let builder = builder.header("cf-connecting-ip", "203.0.113.9");
    let builder = if body.is_empty() { builder } else { builder.header("content-type", "application/json") };
    builder.body(Bytes::from(body.to_owned())).expect("is a request")
}

/// The request with the headers that the platform hands to the edge, and no others.
fn as_the_platform_reads(mut request: Request<Bytes>) -> Request<Bytes> {
    let read = |(name, value): (&HeaderName, &HeaderValue)| {
        REQUEST_HEADERS.contains(&name.as_str()).then(|| (name.clone(), value.clone()))
    };
    *request.headers_mut() = request.headers().iter().filter_map(read).collect();
    request
}

pub(crate) fn from_frame(mut request: Request<Bytes>) -> Request<Bytes> {
    request.headers_mut().insert("origin", EDGE.parse().expect("is a value"));
    request.headers_mut().insert("sec-fetch-site", "same-origin".parse().expect("is a value"));
    request
}

pub(crate) fn upstream_response(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("set-cookie", "origin=1")
        .header("x-powered-by", "origin")
        .body(Bytes::from(body.to_owned()))
        .expect("is an response")
}

/// An response of the edge.
pub(crate) struct EdgeResponse(pub(crate) Response<Bytes>);

impl EdgeResponse {
    pub(crate) fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().expect("is text"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.0.body()).expect("is UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).expect("is JSON")
    }

    /// Status and code of a refusal, which must have the contract's form. The widget's may have words.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let members = body.as_object().expect("is an object");
        let members_max = if members.contains_key("words") { 3 } else { 2 };
        assert!(members.len() == members_max && members["message"].is_string(), "{body}");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("content-type"), "application/json");
        let waits = [429, 503].contains(&self.status());
        assert_eq!(waits, self.header("retry-after").parse::<u32>().is_ok(), "Retry-After of {body}");
        (self.status(), members["code"].as_str().expect("is text").to_owned())
    }
}
