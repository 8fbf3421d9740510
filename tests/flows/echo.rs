//! `GET /ott/v1/echo`: a partner's engineer sees what onbill has seen, signed by the operator.

use http::{Method, StatusCode};
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};

const ECHO: &str = "/ott/v1/echo?operator=acme";

#[tokio::test]
async fn echo_says_what_was_seen_of_the_signature() {
    let system = TestSystem::start();
    let mut request = system.sign_as_partner(&Method::GET, ECHO, &Value::Null);
    request.headers_mut().insert("x-correlator", "first-call".parse().expect("is a value"));
    system.advance_seconds(7);
    let (status, echo) = system.send_request(request).await;
    assert_eq!(status, StatusCode::OK, "{echo}");
    let created = system.now().unix_seconds() - 7;
    assert_eq!(
        echo,
        json!({"partner": "netflix", "operator": "acme", "keyid": "netflix-partner-call-1",
               "tag": "onbill-partner-call", "created": created, "correlator": "first-call"})
    );
    // The simulated partner takes it only with the operator's signature.
    let (status, echo) = system.call_ott(Method::GET, ECHO, Value::Null).await;
    assert_eq!((status, &echo["operator"]), (StatusCode::OK, &json!("acme")));
}

#[tokio::test]
async fn echo_is_of_one_operator() {
    let system = TestSystem::start();
    for (query, status, code) in [
        ("", StatusCode::BAD_REQUEST, "invalid-request"),
        ("?operator=none", StatusCode::BAD_REQUEST, "parameter-not-supported"),
    ] {
        let (answered, body) =
            system.call_ott(Method::GET, &format!("/ott/v1/echo{query}"), Value::Null).await;
        assert_eq!((answered, &body["code"]), (status, &json!(code)), "{query}");
    }
    system.network.inject_fault(system.acme.origin_address, NetworkFault::Lost);
    let (answered, body) = system.call_ott(Method::GET, ECHO, Value::Null).await;
    assert_eq!((answered, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable")));
}

#[tokio::test]
async fn echo_needs_the_signatures_of_partner_and_edge() {
    let system = TestSystem::start();
    let unsigned = TestSystem::unsigned_request(&Method::GET, ECHO, &Value::Null);
    assert_eq!(system.send_request(unsigned).await.0, StatusCode::UNAUTHORIZED);
    let mut past_the_edge = system.sign_as_partner(&Method::GET, ECHO, &Value::Null);
    *past_the_edge.uri_mut() =
        format!("http://{}{ECHO}", system.acme.origin_address).parse().expect("is a URI");
    assert_eq!(system.send_request(past_the_edge).await.0, StatusCode::UNAUTHORIZED);
}
