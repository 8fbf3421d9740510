//! The challenge: when it is offered, what of its solution is believed, and that only the edge can say
//! how it went.

use super::test_edge::{NUMBER, TestEdge, operators, partners, read_config, variables};
use crate::platform::{RateLimiter, Unreachable};
use serde_json::{Value, json};

const VALIDATE: &str = "POST https://origin.acme.example/edge/v1/validate";
const SITEVERIFY: &str = "POST https://challenges.cloudflare.com/turnstile/v0/siteverify";
const FRAME: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard";

fn edge() -> TestEdge {
    let edge = TestEdge::new().with_challenge();
    let pin = json!({"step": "pin", "flow": "f", "expiresAt": "2026-11-18T11:16:40Z", "digits": 6});
    edge.stub_response(VALIDATE, 200, &pin);
    edge
}

/// A number with a solution, and with what only the edge may say.
fn entered(token: Option<&str>) -> Value {
    let mut body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": NUMBER, "locale": "en",
                          "challenge": "passed"});
    if let Some(token) = token {
        body["challengeToken"] = json!(token);
    }
    body
}

fn solved(hostname: &str) -> Value {
    json!({"success": true, "hostname": hostname, "action": "pin", "error-codes": [],
           "challenge_ts": "2026-11-18T11:06:40Z"})
}

/// What the edge sends to the origin about the challenge; `None` when it is not asked at all.
fn sent_challenge(edge: &TestEdge) -> Option<Value> {
    let sent = edge.platform.take_sent();
    let to_origin = sent.iter().find(|sent| sent.uri().path() == "/edge/v1/validate")?;
    let body: Value = serde_json::from_slice(to_origin.body()).expect("is JSON");
    assert!(body.get("challengeToken").is_none(), "the solution is for the edge");
    Some(body["challenge"].clone())
}

#[tokio::test]
async fn challenge_is_off_without_its_keys() {
    let edge = TestEdge::new();
    edge.call_from_frame("/widget/v1/account/validate", &entered(Some("token"))).await;
    assert_eq!(sent_challenge(&edge), Some(Value::Null));
    let frame = edge.get(FRAME).await;
    assert!(!frame.header("content-security-policy").contains("cloudflare"));
    assert!(!frame.text().contains("\"challenge\":"));
}

#[tokio::test]
async fn challenge_is_offered_until_it_is_solved() {
    let edge = edge();
    let response = edge.call_from_frame("/widget/v1/account/validate", &entered(None)).await;
    assert_eq!(
        (response.status(), sent_challenge(&edge)),
        (200, Some(json!("offered"))),
        "not what the widget says"
    );

    edge.stub_response(SITEVERIFY, 200, &solved("edge.example"));
    let response = edge.call_from_frame("/widget/v1/account/validate", &entered(Some("token"))).await;
    assert_eq!(response.status(), 200);
    let sent = edge.platform.take_sent();
    let asked: Value = serde_json::from_slice(sent[0].body()).expect("is JSON");
    assert_eq!(asked, json!({"secret": "0x4AAA-secret", "response": "token", "remoteip": "203.0.113.9"}));
    assert_eq!(sent[0].headers()["content-type"], "application/json");
    assert!(!sent[0].headers().contains_key("signature"), "it is no call of ours");
    let body: Value = serde_json::from_slice(sent[1].body()).expect("is JSON");
    assert_eq!(body["challenge"], "passed");
}

#[tokio::test]
async fn challenge_is_asked_for_again_when_unsolved() {
    let edge = edge();
    let refused = |code: &str| json!({"success": false, "hostname": "edge.example", "error-codes": [code]});
    for (status, reply) in [
        (200, refused("invalid-input-response")),
        (200, refused("timeout-or-duplicate")),
        (400, refused("bad-request")),
        (200, solved("evil.example")),
        (200, solved("")),
        (200, json!({})),
    ] {
        edge.stub_response(SITEVERIFY, status, &reply);
        let response = edge.call_from_frame("/widget/v1/account/validate", &entered(Some("token"))).await;
        assert_eq!(response.refusal(), (403, "challenge-required".to_owned()), "{reply}");
        assert_eq!(sent_challenge(&edge), None, "{reply}");
    }
    for bad in [String::new(), "t".repeat(2_049)] {
        let response = edge.call_from_frame("/widget/v1/account/validate", &entered(Some(&bad))).await;
        assert_eq!(response.refusal(), (403, "challenge-required".to_owned()));
        assert!(edge.platform.take_sent().is_empty(), "no one is asked");
    }
}

#[tokio::test]
async fn challenge_that_cannot_be_checked_sends_no_pin() {
    let edge = edge();
    let secret = json!({"success": false, "error-codes": ["invalid-input-secret"]});
    edge.stub_response(SITEVERIFY, 200, &secret);
    let unavailable = (503, "challenge-unavailable".to_owned());
    let ask = async || edge.call_from_frame("/widget/v1/account/validate", &entered(Some("token-1"))).await;
    assert_eq!(ask().await.refusal(), unavailable);
    edge.stub_response(SITEVERIFY, 200, &json!([true]));
    assert_eq!(ask().await.refusal(), unavailable);
    edge.stub_response(SITEVERIFY, 200, &json!({"success": "true"}));
    assert_eq!(ask().await.refusal(), unavailable);
    for why in [Unreachable::Broken, Unreachable::TimedOut, Unreachable::TooLarge] {
        edge.stub_result(SITEVERIFY, Err(why));
        assert_eq!(ask().await.refusal(), unavailable);
    }
    assert_eq!(sent_challenge(&edge), None);
    let log = edge.platform.log_lines().concat();
    assert!(log.contains("challenge: no response") && !log.contains("token-1") && !log.contains("0x4AAA"));
}

#[tokio::test]
async fn challenge_of_the_origin_reaches_the_widget() {
    let edge = edge();
    edge.stub_refusal(VALIDATE, 403, "challenge-required");
    let response = edge.call_from_frame("/widget/v1/account/validate", &entered(None)).await;
    assert_eq!(response.refusal(), (403, "challenge-required".to_owned()));
}

#[tokio::test]
async fn frame_may_show_the_challenge_only() {
    let response = edge().get(FRAME).await;
    let policy = response.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("is there");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}' https://challenges.cloudflare.com; \
             style-src 'nonce-{nonce}'; connect-src 'self'; frame-src https://challenges.cloudflare.com; \
             frame-ancestors https://my.acme.example https://m.acme.example; base-uri 'none'; form-action 'none'"
        )
    );
    assert!(response.text().contains("0x4AAA-site") && !response.text().contains("0x4AAA-secret"));
}

#[test]
fn challenge_needs_both_keys() {
    let read = |site_key, secret| {
        let config = read_config(&variables(&operators(), &partners())).expect("is sound");
        config
            .with_challenge(site_key, secret)
            .map(|config| format!("{config:?}"))
            .map_err(|fault| fault.to_string())
    };
    assert!(read(None, None).is_ok());
    assert!(read(Some("site"), Some("hush-hush")).is_ok_and(|shown| !shown.contains("hush-hush")));
    for (site_key, secret) in [(Some("site"), None), (None, Some("secret"))] {
        assert!(read(site_key, secret).is_err_and(|fault| fault.contains("go together")));
    }
    for bad in ["", "a b", "\"", "<script>"] {
        assert!(read(Some(bad), Some("secret")).is_err() && read(Some("site"), Some(bad)).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn numbers_of_an_address_have_their_own_rate() {
    let edge = edge();
    edge.call_from_frame("/widget/v1/account/validate", &entered(None)).await;
    let address = "203.0.113.9".to_owned();
    let counted = [(RateLimiter::Widget, address.clone()), (RateLimiter::Pin, address)];
    assert_eq!(edge.platform.rate_keys(), counted);
    edge.platform.exhaust_rate(RateLimiter::Pin, true);
    let response = edge.call_from_frame("/widget/v1/account/validate", &entered(None)).await;
    assert_eq!(response.refusal(), (429, "too-many-requests".to_owned()));
    let pin = json!({"operator": "acme", "flow": "f", "pin": "123456"});
    assert_ne!(edge.call_from_frame("/widget/v1/pin", &pin).await.status(), 429, "a PIN is no number");
}
