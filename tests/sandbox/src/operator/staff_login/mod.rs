//! The operator's identity provider for its own people, by `OpenID` Connect: discovery document, keys, a page
//! where a person signs in with one click, and the exchange of a code for an ID token. It is as strict as a
//! real one: the exact redirect URI, the client's secret, PKCE, and each code once and for a minute.

mod authorize;
mod people;
mod token;

pub(super) use authorize::get_authorize;
pub use people::{PEOPLE, Person};
pub(super) use token::post_token;

use super::Operator;
use super::config::StaffClient;
use axum::Json;
use axum::extract::State;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::Random;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::answer::Refusal;

/// Where the provider is at the operator. The issuer is the operator's address with this path.
pub(super) const PATH: &str = "/staff";
/// The id of its only key.
const KEY_ID: &str = "staff-1";
/// How long a code is good for, in seconds: it goes straight on to the token endpoint.
const CODE_SECONDS: i64 = 60;

/// The provider's state.
#[derive(Default)]
pub(super) struct StaffLogins {
    key: OnceLock<Ed25519KeyPair>,
    codes: Mutex<HashMap<String, IssuedCode>>,
}

/// What a code stands for.
#[derive(Clone)]
struct IssuedCode {
    person: &'static Person,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    issued_at: Timestamp,
}

impl StaffLogins {
    /// A new key in each run, when it is first used: tokens of an earlier run are not genuine any more.
    fn key(&self, random: &dyn Random) -> &Ed25519KeyPair {
        self.key.get_or_init(|| {
            let key = Ed25519KeyPair::from_seed_unchecked(&random.bytes::<32>());
            key.expect("every 32 bytes are a seed")
        })
    }

    /// Keeps what a new code stands for; those that are over are forgotten.
    fn issue(&self, random: &dyn Random, issued: IssuedCode) -> String {
        let code = encode_base64url(&random.bytes::<32>());
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, known| !known.is_over(issued.issued_at));
        codes.insert(code.clone(), issued);
        code
    }

    /// What a code stands for. It is used up by this, whatever comes of it.
    fn take(&self, code: &str, now: Timestamp) -> Option<IssuedCode> {
        let taken = self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code);
        taken.filter(|issued| !issued.is_over(now))
    }

    /// A JSON Web Token (RFC 7519), signed with `EdDSA` (RFC 8037).
    fn sign(&self, random: &dyn Random, claims: &Value) -> String {
        let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
        let header = json!({"alg": "EdDSA", "kid": KEY_ID, "typ": "JWT"});
        let signed = format!("{}.{}", part(&header), part(claims));
        format!("{signed}.{}", encode_base64url(self.key(random).sign(signed.as_bytes()).as_ref()))
    }

    fn keys(&self, random: &dyn Random) -> Value {
        let x = encode_base64url(self.key(random).public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KEY_ID, "x": x}]})
    }
}

impl IssuedCode {
    fn is_over(&self, now: Timestamp) -> bool {
        now.seconds_since(self.issued_at) >= CODE_SECONDS
    }
}

impl Operator {
    fn issuer(&self) -> String {
        format!("{}{PATH}", self.config().public_url)
    }

    /// The program that people sign in for; 404 without one.
    fn staff_client(&self) -> Result<&StaffClient, Refusal> {
        let none = || Reject::new(ErrorCode::NotFound, "This operator has no sign-in for staff.");
        Ok(self.config().staff.as_ref().ok_or_else(none)?)
    }
}

/// `GET /staff/.well-known/openid-configuration` (`OpenID` Connect Discovery §4).
pub(super) async fn get_document(State(operator): State<Operator>) -> Result<Json<Value>, Refusal> {
    operator.staff_client()?;
    let issuer = operator.issuer();
    Ok(Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "name", "groups"],
        "authorization_response_iss_parameter_supported": true,
    })))
}

/// `GET /staff/keys` (RFC 7517).
pub(super) async fn get_keys(State(operator): State<Operator>) -> Result<Json<Value>, Refusal> {
    operator.staff_client()?;
    Ok(Json(operator.0.staff_logins.keys(&*operator.0.outside.random)))
}
