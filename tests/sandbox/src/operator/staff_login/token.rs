//! `POST /staff/token`: exchanges a code for an ID token (RFC 6749 §4.1.3, RFC 7636 §4.6).

use super::{IssuedCode, Operator};
use crate::answer::Refusal;
use crate::operator::config::StaffClient;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse as _, Response};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

/// How long an ID token is good for, in seconds.
const TOKEN_SECONDS: i64 = 300;

#[derive(Deserialize)]
pub(in crate::operator) struct TokenForm {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    code_verifier: String,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// 1. The client proves who it is: 401 `invalid_client`.
/// 2. It has a code: 400 `invalid_request`, `unsupported_grant_type`.
/// 3. The code is good, was issued for this redirect URI, and the verifier is that of its challenge: 400
///    `invalid_grant`. Whatever comes of it, the code is used up.
/// 4. 200 with an ID token.
pub(in crate::operator) async fn post_token(
    State(operator): State<Operator>,
    headers: HeaderMap,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Refusal> {
    let client = operator.staff_client()?;
    let Ok(Form(form)) = form else { return Ok(refuse(StatusCode::BAD_REQUEST, "invalid_request")) };
    // 1.
    if !is_client(client, &headers, &form) {
        let mut refused = refuse(StatusCode::UNAUTHORIZED, "invalid_client");
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"staff\""));
        return Ok(refused);
    }
    // 2.
    if form.grant_type != "authorization_code" {
        return Ok(refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type"));
    }
    if form.code.is_empty() || form.code_verifier.is_empty() {
        return Ok(refuse(StatusCode::BAD_REQUEST, "invalid_request"));
    }
    // 3.
    let issued = operator.0.staff_logins.take(&form.code, operator.now());
    let Some(issued) = issued.filter(|issued| issued.is_for(&form)) else {
        return Ok(refuse(StatusCode::BAD_REQUEST, "invalid_grant"));
    };
    // 4.
    let random = &*operator.0.outside.random;
    let access_token = encode_base64url(&random.bytes::<32>());
    let token = operator.0.staff_logins.sign(random, &operator.claims(client, &issued));
    let answer = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "id_token": token,
    });
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// The error of RFC 6749 §5.2.
fn refuse(status: StatusCode, error: &str) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(json!({"error": error}))).into_response()
}

/// By `client_secret_basic`, whose halves are encoded as in a form first, or by `client_secret_post`; not by
/// both (RFC 6749 §2.3).
fn is_client(client: &StaffClient, headers: &HeaderMap, form: &TokenForm) -> bool {
    let basic = headers.get(AUTHORIZATION).map(|value| value.to_str().ok().and_then(read_basic));
    let posted = form.client_secret.as_ref().map(|secret| (form.client_id.clone(), secret.clone()));
    let (id, secret) = match (basic, posted) {
        (Some(Some(basic)), None) => basic,
        (None, Some((Some(id), secret))) => (id, secret),
        _ => return false,
    };
    // What is compared are hashes, so that the time of it says nothing of the secret.
    id == client.client_id && sha256(secret.as_bytes()) == sha256(client.client_secret.as_bytes())
}

fn read_basic(value: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| percent_decode_str(half).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    Some((decode(id)?, decode(secret)?))
}

impl IssuedCode {
    fn is_for(&self, form: &TokenForm) -> bool {
        let is_verifier = (43..=128).contains(&form.code_verifier.len());
        is_verifier
            && self.redirect_uri == form.redirect_uri
            && self.challenge == encode_base64url(&sha256(form.code_verifier.as_bytes()))
    }
}

impl Operator {
    fn claims(&self, client: &StaffClient, issued: &IssuedCode) -> Value {
        let now = self.now().unix_seconds();
        let person = issued.person;
        let mut claims = json!({
            "iss": self.issuer(), "sub": person.subject, "aud": client.client_id, "iat": now,
            "exp": now + TOKEN_SECONDS, "auth_time": now, "name": person.name, "groups": person.groups,
        });
        if let Some(nonce) = &issued.nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }
}
