//! Beginning a sign-up: the token, the mapping in KV, and the partner's page.

use super::test_edge::{ACME, NETFLIX, TestEdge, mapping, operators, pai, partners, upstream_response};
use super::widget::{confirm_step, in_frame};
use crate::fake::KvFault;
use crate::platform::Unreachable;
use onbill_domain::ids::PartnerId;
use serde_json::{Value, json};

const PAGE: &str = "https://www.netflix.example/signup?session=1";

fn minted(edge: &TestEdge, change: impl FnOnce(&mut Value)) {
    let mut signup = json!({
        "partner": "netflix", "token": TestEdge::signup_token("acme", |_| {}), "pai": pai(),
        "mapping": mapping("acme", "ACTIVE", 1), "locale": "es",
        "returnURL": "https://edge.example/widget/v1/return/acme/ticket-1",
    });
    change(&mut signup);
    edge.stub_response(&format!("POST {ACME}/edge/v1/signup"), 200, &signup);
}

fn opens(edge: &TestEdge, status: u16, url: &str) {
    edge.stub_response(&format!("POST {NETFLIX}/signup-sessions"), status, &json!({"url": url}));
}

async fn sign_up(edge: &TestEdge) -> (u16, Value) {
    let response = edge.call_from_frame("/widget/v1/signup", &json!({"operator": "acme", "flow": "f"})).await;
    (response.status(), response.json())
}

fn key() -> String {
    format!("pai/{}", pai())
}

fn stored(edge: &TestEdge) -> Option<Value> {
    edge.platform.kv_value(&key()).map(|text| serde_json::from_str(&text).expect("is JSON"))
}

#[tokio::test]
async fn signup_opens_partner_page_and_caches_the_mapping() {
    let edge = TestEdge::new();
    minted(&edge, |_| {});
    opens(&edge, 201, PAGE);
    assert_eq!(sign_up(&edge).await, (201, json!({"url": PAGE})));
    assert_eq!(stored(&edge), Some(mapping("acme", "ACTIVE", 1)));

    let sent = edge.platform.take_sent();
    assert_eq!(sent.len(), 2);
    let session: Value = serde_json::from_slice(sent[1].body()).expect("is JSON");
    assert_eq!(
        session,
        json!({"token": TestEdge::signup_token("acme", |_| {}), "operator": "acme", "channel": "web", "locale": "es",
               "returnURL": "https://edge.example/widget/v1/return/acme/ticket-1"})
    );
    let input = sent[1].headers()["signature-input"].to_str().expect("is text");
    assert!(input.ends_with("keyid=\"edge-netflix\";tag=\"onbill-edge-to-partner\""), "{input}");
    assert!(sent[1].headers().contains_key("x-correlator"));
}

/// What the customer agrees to has changed: no token, no mapping, and the partner is not asked.
#[tokio::test]
async fn changed_words_are_shown_and_nothing_begins() {
    let edge = TestEdge::new();
    opens(&edge, 201, PAGE);
    let mut step = confirm_step();
    step["notice"] = json!("Read it again.");
    let answers = |step: &Value| {
        edge.stub_response(&format!("POST {ACME}/edge/v1/signup"), 200, step);
    };
    answers(&step);
    assert_eq!(sign_up(&edge).await, (200, in_frame(step.clone())));
    assert_eq!((edge.sent_targets().len(), stored(&edge)), (1, None));
    // Another step is none of this call's, and neither is half a one.
    let mut without_words = step;
    without_words.as_object_mut().expect("is an object").remove("agreement");
    for other in [json!({"step": "already-on-bill", "flow": "f"}), without_words, json!({"flow": "f"})] {
        answers(&other);
        let (status, body) = sign_up(&edge).await;
        assert_eq!((status, &body["code"]), (503, &json!("service-unavailable")), "{other}");
    }
}

#[tokio::test]
async fn partner_failure_has_a_code_of_its_own() {
    let edge = TestEdge::new();
    minted(&edge, |_| {});
    let sessions = format!("POST {NETFLIX}/signup-sessions");
    for response in [
        Err(Unreachable::TimedOut),
        Ok(upstream_response(201, "{}")),
        Ok(upstream_response(500, "<html>")),
        Ok(upstream_response(400, r#"{"code":"token-invalid","message":"m"}"#)),
        Ok(upstream_response(302, &json!({"url": PAGE}).to_string())),
    ] {
        edge.stub_result(&sessions, response);
        assert_eq!(sign_up(&edge).await.0, 503);
    }
    for foreign in [
        "https://evil.example/",
        "https://www.netflix.example.evil.example/",
        "https://www.netflix.example@evil.example/",
        "http://www.netflix.example/",
        "https://tunes.example/",
        "javascript:alert(1)",
        "//evil.example/",
        "",
    ] {
        opens(&edge, 201, foreign);
        let (status, body) = sign_up(&edge).await;
        assert_eq!((status, &body["code"]), (503, &json!("partner-unavailable")), "{foreign}");
    }
    opens(&edge, 201, "https://netflix.example/any/page");
    assert_eq!(sign_up(&edge).await.0, 201, "the origin of the partner's own interface is its own too");
}

#[tokio::test]
async fn signup_with_unusable_token_is_not_begun() {
    type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;
    let mut operators = operators();
    operators[0]["partners"] = json!(["netflix"]);
    let edge = TestEdge::with(&operators, &partners());
    opens(&edge, 201, PAGE);
    let nova = TestEdge::signup_token("nova", |_| {});
    let expired = TestEdge::signup_token("acme", |claims| {
        (claims.iat, claims.exp) = (claims.iat - 400, claims.iat - 100);
    });
    let other_pai =
        TestEdge::signup_token("acme", |claims| claims.sub = onbill_domain::pai::Pai::from_random([6; 16]));
    let tunes =
        TestEdge::signup_token("acme", |claims| claims.aud = PartnerId::parse("tunes").expect("is a slug"));
    let changes: [Change<'_>; 8] = [
        Box::new(|signup| signup["token"] = json!("a.b.c")),
        Box::new(|signup| signup["token"] = json!(nova)),
        Box::new(|signup| signup["token"] = json!(expired)),
        Box::new(|signup| signup["token"] = json!(other_pai)),
        Box::new(|signup| signup["partner"] = json!("tunes")),
        Box::new(|signup| (signup["partner"], signup["token"]) = (json!("tunes"), json!(tunes))),
        Box::new(|signup| signup["partner"] = json!("other")),
        Box::new(|signup| signup["mapping"]["operator"] = json!("nova")),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        minted(&edge, change);
        let (status, body) = sign_up(&edge).await;
        assert_eq!((status, &body["code"]), (503, &json!("service-unavailable")), "case {n}");
        assert_eq!((edge.sent_targets().len(), stored(&edge)), (1, None), "case {n}");
    }
}

#[tokio::test]
async fn signup_succeeds_when_kv_fails() {
    for (fault, lands) in [
        (KvFault::ReadsFail, true),
        (KvFault::WritesFail, false),
        (KvFault::WritesFailAndLand, true),
        (KvFault::Down, false),
    ] {
        let edge = TestEdge::new();
        minted(&edge, |_| {});
        opens(&edge, 201, PAGE);
        edge.platform.kv_fail(Some(fault));
        assert_eq!(sign_up(&edge).await.0, 201, "{fault:?}");
        assert_eq!(stored(&edge).is_some(), lands, "{fault:?}");
        let says = |line: &String| line.contains("KV does not respond") || line.contains("KV did not accept");
        assert!(edge.platform.log_lines().iter().any(says), "{fault:?}");
    }
}

#[tokio::test]
async fn signup_never_replaces_a_newer_mapping() {
    let edge = TestEdge::new();
    opens(&edge, 201, PAGE);
    minted(&edge, |signup| signup["mapping"] = mapping("acme", "ACTIVE", 5));
    for later in [mapping("acme", "SUSPENDED", 6), mapping("acme", "CLOSED", 2)] {
        edge.platform.kv_set(&key(), Some(&later.to_string()));
        assert_eq!(sign_up(&edge).await.0, 201);
        assert_eq!(stored(&edge), Some(later));
    }
    for earlier in [mapping("acme", "ACTIVE", 4).to_string(), "garbage".to_owned()] {
        edge.platform.kv_set(&key(), Some(&earlier));
        assert_eq!(sign_up(&edge).await.0, 201);
        assert_eq!(stored(&edge), Some(mapping("acme", "ACTIVE", 5)));
    }
}

/// Two origins never make the same PAI: one that claims another's wants its charges.
#[tokio::test]
async fn signup_cannot_take_over_another_operators_pai() {
    let edge = TestEdge::new();
    opens(&edge, 201, PAGE);
    minted(&edge, |_| {});
    let novas = mapping("nova", "ACTIVE", 1);
    edge.platform.kv_set(&key(), Some(&novas.to_string()));
    assert_eq!(sign_up(&edge).await.0, 201, "the customer continues, and the origin's database decides");
    assert_eq!(stored(&edge), Some(novas));
    let lines = edge.platform.log_lines();
    assert!(lines.iter().any(|line| line.contains("KV maps a PAI to another operator")), "{lines:?}");
}
