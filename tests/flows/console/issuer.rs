//! A strict identity provider: it checks all that the standards let it check, gives each code once, and
//! signs whatever a test has it say.

use super::{CLIENT_SECRET, CONSOLE, ISSUER};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use onbill_domain::digest::sha256;
use onbill_domain::key::hmac_sha256;
use onbill_domain::timestamp::Timestamp;
use percent_encoding::percent_decode_str;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What is wrong with the tokens of an issuer.
#[derive(Clone, Debug, Default)]
pub(super) enum Lie {
    #[default]
    None,
    /// Another value of a claim.
    Claim(&'static str, Value),
    /// `alg: none` and no signature.
    Unsigned,
    /// HS256, with the public key as the secret.
    PublicKeyAsSecret,
    /// Signed by a key that is not published.
    ForeignKey,
    /// The code may be used again.
    CodesForever,
    /// Its discovery document is another issuer's.
    OtherDocumentIssuer,
    /// An address in its document is not https.
    HttpEndpoint,
    /// It signs by a new key, which it has published.
    NewKey,
    /// It takes the client's secret in the form only.
    PostOnly,
}

/// What belongs to a code.
struct Grant {
    challenge: String,
    nonce: String,
    subject: String,
    groups: Vec<String>,
}

struct Memory {
    now: Timestamp,
    grants: BTreeMap<String, Grant>,
    issued: usize,
    lie: Lie,
    is_away: bool,
    /// How often its document was asked for.
    documents: usize,
}

pub(super) struct Issuer(Mutex<Memory>);

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("is a seed")
}

impl Issuer {
    pub(super) fn new(now: Timestamp) -> Arc<Self> {
        let memory =
            Memory { now, grants: BTreeMap::new(), issued: 0, lie: Lie::None, is_away: false, documents: 0 };
        Arc::new(Self(Mutex::new(memory)))
    }

    pub(super) fn set_now(&self, now: Timestamp) {
        self.0.lock().expect("is whole").now = now;
    }

    pub(super) fn tell(&self, lie: Lie) {
        self.0.lock().expect("is whole").lie = lie;
    }

    pub(super) fn set_away(&self, is_away: bool) {
        self.0.lock().expect("is whole").is_away = is_away;
    }

    pub(super) fn count_documents(&self) -> usize {
        self.0.lock().expect("is whole").documents
    }

    /// The person signs in at the address that their browser was led to. Returns the path of the callback.
    pub(super) fn authorize(&self, url: &str, subject: &str, groups: &[&str]) -> String {
        let (endpoint, query) = url.split_once('?').expect("has a query");
        assert_eq!(endpoint, format!("http://{ISSUER}/authorize"));
        let query: BTreeMap<String, String> = query
            .split('&')
            .map(|pair| pair.split_once('=').expect("is a pair"))
            .map(|(name, value)| {
                (name.to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned())
            })
            .collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], "onbill");
        assert_eq!(query["redirect_uri"], format!("http://{CONSOLE}/sign-in/callback"));
        assert!(query["scope"].split(' ').any(|scope| scope == "openid"));
        assert_eq!(query["code_challenge_method"], "S256");
        let mut memory = self.0.lock().expect("is whole");
        memory.issued += 1;
        let code = format!("code-{}", memory.issued);
        let grant = Grant {
            challenge: query["code_challenge"].clone(),
            nonce: query["nonce"].clone(),
            subject: subject.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        memory.grants.insert(code.clone(), grant);
        format!("/sign-in/callback?code={code}&state={}&iss=http%3A%2F%2F{ISSUER}", query["state"])
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(self)
    }

    fn sign(&self, grant: &Grant) -> String {
        let memory = self.0.lock().expect("is whole");
        let now = memory.now.unix_seconds();
        let mut claims = json!({
            "iss": format!("http://{ISSUER}"), "aud": "onbill", "sub": grant.subject, "nonce": grant.nonce,
            "iat": now, "exp": now + 300, "groups": grant.groups, "name": format!("Ms {}", grant.subject),
        });
        let mut header = json!({"alg": "EdDSA", "kid": "2026-11", "typ": "JWT"});
        match &memory.lie {
            Lie::Claim(claim, value) => claims[*claim] = value.clone(),
            Lie::Unsigned => header["alg"] = json!("none"),
            Lie::PublicKeyAsSecret => header["alg"] = json!("HS256"),
            Lie::NewKey => header["kid"] = json!("2026-12"),
            _ => {}
        }
        let signed =
            format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = match &memory.lie {
            Lie::Unsigned => Vec::new(),
            Lie::PublicKeyAsSecret => hmac_sha256(key(1).public_key().as_ref(), signed.as_bytes()).to_vec(),
            Lie::ForeignKey => key(2).sign(signed.as_bytes()).as_ref().to_vec(),
            Lie::NewKey => key(3).sign(signed.as_bytes()).as_ref().to_vec(),
            _ => key(1).sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode(&signature))
    }
}

async fn document(State(issuer): State<Arc<Issuer>>) -> Result<Json<Value>, StatusCode> {
    let mut memory = issuer.0.lock().expect("is whole");
    memory.documents += 1;
    if memory.is_away {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let at = |path: &str| format!("http://{ISSUER}{path}");
    let mut document = json!({
        "issuer": format!("http://{ISSUER}"), "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"), "jwks_uri": at("/jwks"),
    });
    match &memory.lie {
        Lie::OtherDocumentIssuer => document["issuer"] = json!("https://login.evil.example"),
        Lie::HttpEndpoint => document["token_endpoint"] = json!("http://login.acme.example/token"),
        Lie::PostOnly => document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]),
        _ => {}
    }
    Ok(Json(document))
}

async fn jwks(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let is_new = matches!(issuer.0.lock().expect("is whole").lie, Lie::NewKey);
    let (seed, kid) = if is_new { (3, "2026-12") } else { (1, "2026-11") };
    let x = encode(key(seed).public_key().as_ref());
    Json(
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": x}]}),
    )
}

/// By `client_secret_basic` (RFC 6749 §2.3.1), or by `client_secret_post` where that is all it takes.
fn knows_secret(lie: &Lie, headers: &HeaderMap, form: &BTreeMap<String, String>) -> bool {
    let basic = headers.get("authorization").map(|value| value.to_str().expect("is text"));
    let field = |name: &str| form.get(name).map(String::as_str);
    if matches!(lie, Lie::PostOnly) {
        let posted = (field("client_id"), field("client_secret"));
        return basic.is_none() && posted == (Some("onbill"), Some(CLIENT_SECRET));
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let basic =
        basic.and_then(|value| value.strip_prefix("Basic ")).and_then(|text| STANDARD.decode(text).ok());
    let basic = String::from_utf8(basic.unwrap_or_default()).expect("is text");
    let halves = basic.split_once(':').map(|(id, secret)| (decode(id), decode(secret)));
    halves == Some(("onbill".to_owned(), CLIENT_SECRET.to_owned())) && field("client_secret").is_none()
}

/// RFC 6749 §4.1.3 and RFC 7636 §4.6.
async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error})));
    let lie = issuer.0.lock().expect("is whole").lie.clone();
    if !knows_secret(&lie, &headers, &form) {
        return Err(refuse("invalid_client"));
    }
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "authorization_code"
        || field("redirect_uri") != format!("http://{CONSOLE}/sign-in/callback")
    {
        return Err(refuse("invalid_request"));
    }
    let grant = {
        let mut memory = issuer.0.lock().expect("is whole");
        let grant = memory.grants.remove(field("code")).ok_or_else(|| refuse("invalid_grant"))?;
        if matches!(memory.lie, Lie::CodesForever) {
            let copy = Grant {
                challenge: grant.challenge.clone(),
                nonce: grant.nonce.clone(),
                subject: grant.subject.clone(),
                groups: grant.groups.clone(),
            };
            memory.grants.insert(field("code").to_owned(), copy);
        }
        grant
    };
    if encode(&sha256(field("code_verifier").as_bytes())) != grant.challenge {
        return Err(refuse("invalid_grant"));
    }
    Ok(Json(json!({"access_token": "unused", "token_type": "Bearer", "id_token": issuer.sign(&grant)})))
}
