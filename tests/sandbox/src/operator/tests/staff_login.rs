//! The operator's identity provider, as the console uses it and as an attacker does.

use super::{AcmeUnderTest, BASE, acme};
use crate::operator::config::StaffClient;
use crate::testing::{WholeResponse, ask, get};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::{decode_base64url, encode_base64, encode_base64url};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const CALLBACK: &str = "http://127.0.0.1:9465/sign-in/callback";
const SECRET: &str = "a secret, with: signs";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

pub(super) fn client() -> StaffClient {
    StaffClient {
        client_id: "onbill".to_owned(),
        client_secret: SECRET.to_owned(),
        redirect_uri: CALLBACK.to_owned(),
    }
}

/// The parameters of a sign-in, with some of them changed.
fn authorize_path(changed: &[(&str, &str)]) -> String {
    let challenge = encode_base64url(&sha256(VERIFIER.as_bytes()));
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "onbill"),
        ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A9465%2Fsign-in%2Fcallback"),
        ("scope", "openid+profile"),
        ("state", "the%20state"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changed {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("/staff/authorize?{}", query.join("&"))
}

fn location(response: &WholeResponse) -> &str {
    response.headers["location"].to_str().expect("is text")
}

impl AcmeUnderTest {
    /// A code for this person.
    async fn code_of(&self, person: &str) -> String {
        let back = ask(&self.router, get(&authorize_path(&[("person", person)]))).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER);
        let url = location(&back);
        let (_, code) = url.split_once("code=").expect("has a code");
        assert!(url.starts_with(&format!("{CALLBACK}?")) && url.contains("state=the%20state"), "{url}");
        assert!(url.ends_with("iss=http%3A%2F%2F127%2E0%2E0%2E1%3A8790%2Fstaff"), "{url}");
        code.split('&').next().expect("is there").to_owned()
    }

    async fn exchange(&self, changed: &[(&str, &str)], secret: &str) -> WholeResponse {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A9465%2Fsign-in%2Fcallback"),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in changed {
            fields.retain(|(known, _)| known != name);
            fields.push((name, value));
        }
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let basic = encode_base64(format!("onbill:{secret}").as_bytes());
        let request = Request::post("/staff/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Basic {basic}"))
            .body(Bytes::from(body.join("&")));
        ask(&self.router, request.expect("is a request")).await
    }
}

const ENCODED_SECRET: &str = "a%20secret%2C%20with%3A%20signs";

#[tokio::test]
async fn person_signs_in_with_one_click_and_the_token_is_signed_with_the_published_key() {
    let acme = acme();
    let document = ask(&acme.router, get("/staff/.well-known/openid-configuration")).await.json();
    assert_eq!(document["issuer"], format!("{BASE}/staff"));
    let page = ask(&acme.router, get(&authorize_path(&[]))).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text.matches("&amp;person=").count(), crate::operator::PEOPLE.len());

    let code = acme.code_of("lead-1").await;
    let answer = acme.exchange(&[("code", &code)], ENCODED_SECRET).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (StatusCode::OK, &"no-store".parse().expect("is a value"))
    );
    let token = answer.json()["id_token"].as_str().expect("is there").to_owned();
    let (signed, signature) = token.rsplit_once('.').expect("has a signature");
    let keys = ask(&acme.router, get("/staff/keys")).await.json();
    let x = decode_base64url(keys["keys"][0]["x"].as_str().expect("is text")).expect("is base64url");
    let signature = decode_base64url(signature).expect("is base64url");
    UnparsedPublicKey::new(&ED25519, x).verify(signed.as_bytes(), &signature).expect("is genuine");
    let payload = decode_base64url(signed.split('.').nth(1).expect("is there")).expect("is base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("is JSON");
    assert_eq!(
        (&claims["sub"], &claims["nonce"], &claims["aud"]),
        (&json!("lead-1"), &json!("n-1"), &json!("onbill"))
    );
    assert_eq!(claims["groups"], json!(["onbill-care", "onbill-supervisor"]));
    assert_eq!(claims["exp"].as_i64(), Some(acme.now() + 300));
}

#[tokio::test]
async fn browser_is_led_to_the_registered_address_only() {
    let acme = acme();
    for (name, value) in [
        ("client_id", "other"),
        ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A9465%2Fsign-in%2Fcallback%2F"),
        ("redirect_uri", "http%3A%2F%2Fevil.example%2Fsign-in%2Fcallback"),
        ("redirect_uri", ""),
        ("person", "nobody"),
    ] {
        let refused = ask(&acme.router, get(&authorize_path(&[(name, value)]))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name} {value}");
        assert!(!refused.headers.contains_key("location"));
    }
    let twice = format!("{}&state=other", authorize_path(&[]));
    assert_eq!(ask(&acme.router, get(&twice)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn client_with_a_weaker_request_is_refused() {
    let acme = acme();
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "profile", "invalid_scope"),
        ("state", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
    ] {
        let back = ask(&acme.router, get(&authorize_path(&[(name, value), ("person", "care-1")]))).await;
        let url = location(&back);
        assert!(
            url.starts_with(&format!("{CALLBACK}?error={}&", error.replace('_', "%5F"))),
            "{name}: {url}"
        );
    }
}

#[tokio::test]
async fn code_is_good_once_for_a_minute_and_for_its_own_client() {
    let acme = acme();
    let used = acme.code_of("care-1").await;
    assert_eq!(acme.exchange(&[("code", &used)], ENCODED_SECRET).await.status, StatusCode::OK);
    let expect_refusal = async |changed: &[(&str, &str)], secret: &str, status: u16, error: &str| {
        let refused = acme.exchange(changed, secret).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"].as_str()),
            (status, Some(error)),
            "{changed:?}"
        );
    };
    expect_refusal(&[("code", &used)], ENCODED_SECRET, 400, "invalid_grant").await;
    for (name, value) in [
        ("code_verifier", "another-verifier-of-at-least-forty-three-chars"),
        ("redirect_uri", "http%3A%2F%2F127.0.0.1%3A9465%2F"),
    ] {
        let code = acme.code_of("care-1").await;
        expect_refusal(&[("code", &code), (name, value)], ENCODED_SECRET, 400, "invalid_grant").await;
        // The attempt has used it up.
        expect_refusal(&[("code", &code)], ENCODED_SECRET, 400, "invalid_grant").await;
    }
    let code = acme.code_of("care-1").await;
    expect_refusal(&[("code", &code)], "wrong", 401, "invalid_client").await;
    expect_refusal(&[("code", &code), ("client_secret", "x")], ENCODED_SECRET, 401, "invalid_client").await;
    expect_refusal(
        &[("code", &code), ("grant_type", "password")],
        ENCODED_SECRET,
        400,
        "unsupported_grant_type",
    )
    .await;
    acme.world.clock.0.fetch_add(60, Ordering::SeqCst);
    expect_refusal(&[("code", &code)], ENCODED_SECRET, 400, "invalid_grant").await;
}
