//! The partner's calls: their authentication, what reaches the origin, what is relayed.

use super::test_edge::{
    ACME, NOVA, NOW, NUMBER, TestEdge, mapping, operator_keyring, operators, pai, partners, request,
    sample_path, upstream_response,
};
use crate::platform::{RateLimiter, Unreachable};
use crate::routes::ROUTES;
use onbill_domain::digest::content_digest;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::{ReceivedSignature, RequestComponents, verify_request};
use onbill_domain::timestamp::Timestamp;
use serde_json::{Value, json};

/// Method and path of each of the partner's calls.
fn calls() -> impl Iterator<Item = (&'static str, String)> {
    let routes = ROUTES.iter().filter(|route| route.pattern.starts_with("/ott/v1/"));
    routes.flat_map(|route| route.methods.iter().map(|method| (method.as_str(), sample_path(route.pattern))))
}

pub(super) fn charge() -> Value {
    json!({"extTransactionID": "n-1", "pai": pai(), "amount": {"value": 1599, "currency": "USD"},
           "description": "Netflix Standard", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}})
}

pub(super) fn charged() -> Value {
    json!({"transactionID": "t-1", "extTransactionID": "n-1", "status": "PENDING"})
}

fn subscription() -> Value {
    json!({"pai": pai(), "extSubscriptionID": "s-1", "origin": "EXISTING_ACCOUNT", "plan": "standard"})
}

fn question(method: &str, path: &str) -> Value {
    match path {
        _ if method == "GET" => Value::Null,
        "/ott/v1/coupon/redeem" => json!({"code": "AC00-0G40-R4ZB-XZSZ-FYRJ", "extReference": "r-1"}),
        "/ott/v1/partnerSubscription/s-1" => json!({"status": "CANCELLED"}),
        "/ott/v1/token/validate" => {
            json!({"token": TestEdge::signup_token("acme", |_| {}), "extReference": "r-1"})
        }
        "/ott/v1/partnerSubscription" => subscription(),
        "/ott/v1/notification" => json!({"pai": pai(), "message": "Hello", "extNotificationID": "m-1"}),
        "/ott/v1/account/validate" | "/ott/v1/pin" => json!({"msisdn": NUMBER, "operator": "acme"}),
        "/ott/v1/transaction/n-1/refund" => json!({"extRefundID": "r-1", "reason": "Ended early"}),
        "/ott/v1/transaction" => charge(),
        _ => panic!("{path} has no sample body"),
    }
}

fn knows_acme(edge: &TestEdge) {
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "ACTIVE", 1).to_string()));
}

#[tokio::test]
async fn origin_can_verify_both_signatures() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    edge.stub_response(&format!("POST {ACME}/ott/v1/transaction?run=7"), 201, &charged());
    let response = edge.call_as_netflix("POST", "/ott/v1/transaction?run=7", &charge()).await;
    assert_eq!((response.status(), response.json()), (201, charged()));
    assert_eq!(response.header("x-powered-by"), "");

    let sent = edge.platform.take_sent().remove(0);
    assert_eq!(*sent.body(), charge().to_string(), "byte for byte");
    assert_eq!(sent.headers()["onbill-subscriber"], "handle-1");
    assert!(!sent.headers().contains_key("cf-connecting-ip"));
    let check = |authority: &str, presented: Option<ReceivedSignature<'_>>, keys: &Keyring, key_use| {
        let content_type = sent.headers()["content-type"].to_str().expect("is text");
        let target = RequestComponents {
            method: "POST",
            authority,
            path: "/ott/v1/transaction",
            query: "run=7",
            body: Some((&sent.body()[..], content_type)),
        };
        let now = Timestamp::from_unix_seconds(NOW);
        let verified = verify_request(&target, presented.expect("is there"), keys, key_use, now);
        verified.map(|verified| verified.key.id.clone())
    };
    let ours = ReceivedSignature::from_headers(sent.headers());
    let shared = operator_keyring("acme", &["r1.1"]);
    let signed_by = check("origin.acme.example", ours, &shared, KeyUse::EdgeToOrigin);
    assert_eq!(signed_by.as_deref(), Ok("acme-edge-to-origin-r1.1"));
    let theirs = ReceivedSignature::from_headers_named(
        sent.headers(),
        "onbill-partner-signature-input",
        "onbill-partner-signature",
    );
    let signed_by = check("edge.example", theirs, edge.config.partner_keys(), KeyUse::PartnerCall);
    assert_eq!(signed_by.as_deref(), Ok("netflix-1"));
}

#[tokio::test]
async fn digest_is_forwarded_as_the_partner_spelled_it() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    edge.stub_response(&format!("POST {ACME}/ott/v1/transaction"), 201, &charged());
    let body = charge().to_string();
    let digest = format!("sha-512=:AAAA:, {}", content_digest(body.as_bytes()));
    let mut request = request("POST", "/ott/v1/transaction", &body);
    request.headers_mut().insert("content-digest", digest.parse().expect("is a value"));
    assert_eq!(edge.send(edge.sign_as("netflix-1", request)).await.status(), 201);
    let sent = edge.platform.take_sent().remove(0);
    assert_eq!(sent.headers()["content-digest"], digest.as_str(), "the partner's signature covers it");
}

/// The headers that the edge sends to an origin are not covered by the partner's signature, so the
/// partner's are not passed on.
#[tokio::test]
async fn partner_headers_for_the_origin_are_dropped() {
    let edge = TestEdge::new();
    let mut request = edge.signed_request("netflix-1", "GET", "/ott/v1/transaction/n-1", &Value::Null);
    for name in ["onbill-subscriber", "onbill-partner-signature", "host"] {
        request.headers_mut().insert(name, "smuggled".parse().expect("is a value"));
    }
    edge.send(request).await;
    let sent = edge.platform.take_sent();
    assert_eq!(sent.len(), 2);
    for request in sent {
        assert!(!request.headers().contains_key("onbill-subscriber"));
        assert!(request.headers().values().all(|value| value != "smuggled"), "{:?}", request.headers());
    }
}

#[tokio::test]
async fn every_signature_error_gets_the_same_response() {
    let edge = TestEdge::new();
    for (method, path) in calls() {
        let (path, body) = (path.as_str(), question(method, &path));
        let is_get = method == "GET";
        let good = || edge.signed_request("netflix-1", method, path, &body);
        let mut stale = good();
        stale = {
            let input = stale.headers()["signature-input"].to_str().expect("is text");
            let input = input.replace(&NOW.to_string(), &(NOW - 301).to_string());
            stale.headers_mut().insert("signature-input", input.parse().expect("is a value"));
            stale
        };
        let mut forged = good();
        forged.headers_mut().insert("signature", "sig1=:AAAA:".parse().expect("is a value"));
        let mut unknown_key = good();
        let input =
            unknown_key.headers()["signature-input"].to_str().expect("is text").replace("netflix-1", "x");
        unknown_key.headers_mut().insert("signature-input", input.parse().expect("is a value"));
        let mut elsewhere = good();
        *elsewhere.uri_mut() = format!("https://other.example{path}").parse().expect("is a URI");
        let mut another_query = good();
        *another_query.uri_mut() = format!("https://edge.example{path}?a=b").parse().expect("is a URI");
        let mut cut = good();
        cut.headers_mut().remove("signature");
        let mut bad = vec![
            request(method, path, if is_get { "" } else { "{}" }),
            stale,
            forged,
            unknown_key,
            elsewhere,
            another_query,
            cut,
            edge.signed_request("stranger", method, path, &body),
        ];
        if !is_get {
            let mut changed = good();
            *changed.body_mut() = changed.body().iter().copied().chain(*b" ").collect();
            bad.push(changed);
        }
        let mut responses = Vec::new();
        for request in bad {
            responses.push(edge.send(request).await);
        }
        for response in &responses {
            assert_eq!(response.refusal(), (401, "authorization-failure".to_owned()), "{path}");
            assert_eq!(response.text(), responses[0].text(), "one response for all of them");
        }
    }
    assert!(edge.platform.take_sent().is_empty());
    assert!(edge.platform.rate_keys().is_empty(), "an unknown caller counts against no rate");
}

#[tokio::test]
async fn type_and_size_are_checked_before_the_signature() {
    let edge = TestEdge::new();
    for (method, path) in calls().filter(|(method, _)| *method != "GET") {
        let path = path.as_str();
        let mut typed = request(method, path, "{}");
        typed.headers_mut().insert("content-type", "text/plain".parse().expect("is a value"));
        assert_eq!(edge.send(typed).await.refusal(), (415, "unsupported-media-type".to_owned()));
        let large = request(method, path, &" ".repeat(16 * 1024 + 1));
        assert_eq!(edge.send(large).await.refusal(), (413, "body-too-large".to_owned()));
        for garbage in ["[]", "{}", "{", r#"{"pai":1}"#] {
            let garbage = edge.sign_as("netflix-1", request(method, path, garbage));
            assert_eq!(edge.send(garbage).await.refusal(), (400, "invalid-request".to_owned()));
        }
        edge.platform.exhaust_rate(RateLimiter::Partner, true);
        let response = edge.call_as_netflix(method, path, &json!({})).await;
        assert_eq!(response.refusal(), (429, "too-many-requests".to_owned()));
        edge.platform.exhaust_rate(RateLimiter::Partner, false);
    }
    let mut worthless = charge();
    worthless["amount"]["value"] = json!(0);
    let response = edge.call_as_netflix("POST", "/ott/v1/transaction", &worthless).await;
    assert_eq!(response.refusal(), (400, "invalid-request".to_owned()));
    let response = edge.call_as_netflix("GET", "/ott/v1/transaction/a%20b", &Value::Null).await;
    assert_eq!(response.refusal(), (400, "invalid-request".to_owned()));
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn echo_goes_to_the_named_operator_alone() {
    let edge = TestEdge::new();
    let echo = json!({"partner": "netflix", "operator": "nova", "keyid": "netflix-1", "tag": "onbill-partner-call",
                      "created": NOW, "correlator": "c"});
    let to = format!("GET {NOVA}/ott/v1/echo?operator=nova");
    edge.stub_response(&to, 200, &echo);
    let response = edge.call_as_netflix("GET", "/ott/v1/echo?operator=nova", &Value::Null).await;
    assert_eq!((response.status(), response.json()), (200, echo));
    assert_eq!(edge.sent_targets(), [to.as_str()]);
    for (path, code) in
        [("/ott/v1/echo", "invalid-request"), ("/ott/v1/echo?operator=none", "parameter-not-supported")]
    {
        let response = edge.call_as_netflix("GET", path, &Value::Null).await;
        assert_eq!(response.refusal(), (400, code.to_owned()), "{path}");
    }
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn signup_token_goes_to_its_operator() {
    let edge = TestEdge::new();
    let spent = |operator: &str| {
        json!({"pai": pai(), "operator": operator, "offer": "netflix-standard", "status": "ACTIVE",
               "type": "postpaid", "locale": "en", "returnURL": "https://edge.example/widget/v1/return/x/t"})
    };
    for (operator, origin) in [("acme", ACME), ("nova", NOVA)] {
        let to = format!("POST {origin}/ott/v1/token/validate");
        edge.stub_response(&to, 200, &spent(operator));
        let body = json!({"token": TestEdge::signup_token(operator, |_| {}), "extReference": "r-1"});
        let response = edge.call_as_netflix("POST", "/ott/v1/token/validate", &body).await;
        assert_eq!((response.status(), response.json()), (200, spent(operator)));
        assert_eq!(edge.sent_targets(), [to.as_str()]);
        edge.stub_refusal(&to, 409, "token-already-used");
        let response = edge.call_as_netflix("POST", "/ott/v1/token/validate", &body).await;
        assert_eq!(response.refusal(), (409, "token-already-used".to_owned()));
        edge.sent_targets();
    }
}

#[tokio::test]
async fn invalid_signup_token_is_refused_without_any_origin() {
    let mut operators = operators();
    operators[1]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    let other = |claims: &mut onbill_domain::token::SignupClaims| {
        claims.op = OperatorId::parse("nova").expect("is a slug");
    };
    for (token, code) in [
        (
            TestEdge::signup_token("acme", |claims| claims.aud = PartnerId::parse("tunes").expect("slug")),
            "token-invalid",
        ),
        (TestEdge::signup_token("acme", |claims| claims.exp += 1), "token-invalid"),
        (TestEdge::signup_token("acme", other), "token-invalid"),
        (TestEdge::signup_token("nova", |_| {}), "token-invalid"),
        (format!("{}x", TestEdge::signup_token("acme", |_| {})), "token-invalid"),
        ("a.b.c".to_owned(), "token-invalid"),
        (String::new(), "token-invalid"),
        (
            TestEdge::signup_token("acme", |claims| (claims.iat, claims.exp) = (NOW - 300, NOW)),
            "token-expired",
        ),
    ] {
        let body = json!({"token": token, "extReference": "r-1"});
        let response = edge.call_as_netflix("POST", "/ott/v1/token/validate", &body).await;
        assert_eq!(response.refusal(), (400, code.to_owned()), "{token}");
    }
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn partner_is_identified_by_its_signing_key() {
    let mut operators = operators();
    operators[0]["partners"] = json!(["netflix"]);
    let edge = TestEdge::with(&operators, &partners());
    let body = json!({"token": TestEdge::signup_token("nova", |_| {}), "extReference": "r-1"});
    let response = edge.send(edge.signed_request("tunes-1", "POST", "/ott/v1/token/validate", &body)).await;
    assert_eq!(response.refusal(), (400, "token-invalid".to_owned()), "the token is Netflix's");
    edge.send(edge.signed_request("tunes-1", "GET", "/ott/v1/transaction/n-1", &Value::Null)).await;
    let sent = edge.sent_targets();
    assert_eq!(sent, [format!("GET {NOVA}/ott/v1/transaction/n-1")], "Acme does not sell Tunes");
    assert!(edge.platform.rate_keys().iter().all(|(_, key)| key == "tunes"));
}

#[tokio::test]
async fn refusals_unknown_to_partners_become_503() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    let to = format!("POST {ACME}/ott/v1/transaction");
    let refusal = |status, code: &str| {
        Ok(upstream_response(status, &json!({"code": code, "message": "m"}).to_string()))
    };
    for (status, code) in [
        (401, "authorization-failure"),
        (409, "request-in-progress"),
        (422, "idempotency-violation"),
        (400, "invalid-request"),
        (429, "too-many-requests"),
        (500, "internal-error"),
        (503, "service-unavailable"),
    ] {
        edge.stub_result(&to, refusal(status, code));
        let response = edge.call_as_netflix("POST", "/ott/v1/transaction", &charge()).await;
        assert_eq!(response.refusal(), (status, code.to_owned()));
    }
    for response in [
        Err(Unreachable::Broken),
        Err(Unreachable::TimedOut),
        Err(Unreachable::TooLarge),
        Ok(upstream_response(200, "{}")),
        Ok(upstream_response(201, "<html>")),
        Ok(upstream_response(204, "")),
        Ok(upstream_response(302, "")),
        refusal(404, "not-found"),
        refusal(413, "body-too-large"),
        refusal(409, "already-on-bill"),
        refusal(400, "made-up"),
    ] {
        let case = format!("{response:?}");
        edge.platform.take_sent();
        edge.stub_result(&to, response);
        let response = edge.call_as_netflix("POST", "/ott/v1/transaction", &charge()).await;
        assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()), "{case}");
        assert_eq!(edge.platform.take_sent().len(), 1, "a spent nonce is not sent again");
    }
}
