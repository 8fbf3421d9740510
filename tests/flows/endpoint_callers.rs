//! Every endpoint, and the callers that it refuses.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_origin::routes::{OTHER_ROUTES, PARTNER_ROUTES};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

#[tokio::test]
async fn partners_call_needs_its_own_fresh_signature() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (path, body) = ("/ott/v1/transaction", charge_body(&pai, "d-1", 1599));
    let unsigned = system.send_request(TestSystem::unsigned_request(&Method::POST, path, &body)).await;
    assert_eq!((unsigned.0, &unsigned.1["code"]), (UNAUTHORIZED, &json!("authorization-failure")));

    let mut other_body = system.sign_as_partner(&Method::POST, path, &body);
    *other_body.body_mut() = Bytes::from(charge_body(&pai, "d-2", 1599).to_string());
    let mut other_path = system.sign_as_partner(&Method::POST, "/ott/v1/partnerSubscription", &body);
    *other_path.uri_mut() = format!("http://{EDGE}{path}").parse().expect("is a URI");
    let mut other_key = system.sign_as_partner(&Method::POST, path, &body);
    let input = other_key.headers()["signature-input"].to_str().expect("is text").replace("call-1", "call-9");
    other_key.headers_mut().insert("signature-input", HeaderValue::from_str(&input).expect("is a value"));
    let stale = system.sign_as_partner(&Method::POST, path, &body);
    system.advance_seconds(301);
    for (name, request) in [("body", other_body), ("path", other_path), ("key", other_key), ("stale", stale)]
    {
        assert_eq!(system.send_request(request).await, unsigned, "{name}");
    }
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn replayed_call_is_refused_and_changes_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let call = system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge_body(&pai, "d-1", 1599));
    assert_eq!(system.send_request(call.clone()).await.0, StatusCode::CREATED);
    assert_eq!(system.send_request(call.clone()).await.0, UNAUTHORIZED);
    // Also at the last moment at which its signature is fresh.
    system.advance_seconds(300);
    system.acme.app().sweep().await.expect("works");
    assert_eq!(system.send_request(call).await.0, UNAUTHORIZED);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn token_is_for_one_visit() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let flow = system.prove_number(&system.acme, GOOD).await;
    system.open_signup(&system.acme, &flow).await;
    let crossings = system.network.recorded_calls();
    let opened = crossings.iter().find(|c| c.path == "/signup-sessions").expect("the edge opened a sign-up");
    let token =
        opened.request.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("has one");
    let spend = |token: String, reference: &str| {
        let body = json!({"token": token, "extReference": reference});
        system.call_ott(Method::POST, "/ott/v1/token/validate", body)
    };
    let (status, body) = spend(token.to_owned(), "another-visit").await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("token-already-used")));
    let mut forged = token.to_owned();
    forged.replace_range(60..61, if &token[60..61] == "A" { "B" } else { "A" });
    assert_eq!(spend(forged, "x").await.1["code"], "token-invalid");
    assert_eq!(spend("garbage".to_owned(), "x").await.1["code"], "token-invalid");
    system.advance_seconds(300);
    assert_eq!(spend(token.to_owned(), "another-visit").await.1["code"], "token-expired");
}

/// The edge and the operator's systems sign, each with its own key. A call without the edge's
/// signature is refused before its body is read.
#[tokio::test]
async fn origin_answers_who_has_its_keys_only() {
    let system = TestSystem::start();
    let open = ["/healthz", "/livez", "/readyz", "/version", "/sms/v1/receipt/{token}"];
    let routes = PARTNER_ROUTES.iter().chain(OTHER_ROUTES).filter(|(_, pattern)| !open.contains(pattern));
    for (method, pattern) in routes {
        let path = with_sample_variables(pattern);
        let method: Method = method.to_uppercase().parse().expect("is a method");
        let body = if method == Method::GET { Value::Null } else { json!({}) };
        let address = format!("http://{}{path}", system.acme.origin_address);
        // The partner's signature alone is not enough either.
        for mut request in [
            TestSystem::unsigned_request(&method, &path, &body),
            system.sign_as_partner(&method, &path, &body),
        ] {
            *request.uri_mut() = address.parse().expect("is a URI");
            assert_eq!(system.send_request(request).await.0, UNAUTHORIZED, "{method} {path}");
        }
    }
}

/// The pattern with a value for each variable.
fn with_sample_variables(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { "x-1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn default_port_and_case_of_host_change_nothing() {
    let system = TestSystem::start();
    let (ok, edge) = (StatusCode::OK, keys::keyring(&KeyHolder::Edge));
    let key = edge.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("the edge has it");
    for (signed_for, arrived_at, expected) in [
        ("https://onbill.acme.example", "onbill.acme.example", ok),
        ("https://onbill.acme.example", "onbill.acme.example:443", ok),
        ("https://onbill.acme.example", "OnBill.ACME.example:443", ok),
        ("http://onbill.acme.example", "onbill.acme.example:80", ok),
        ("http://onbill.acme.example:443", "Onbill.acme.example:443", ok),
        ("https://onbill.acme.example:8443", "onbill.acme.example:8443", ok),
        ("https://onbill.acme.example", "onbill.acme.example:8443", UNAUTHORIZED),
        ("https://onbill.acme.example:8443", "onbill.acme.example", UNAUTHORIZED),
        ("https://onbill.nova.example", "onbill.acme.example:443", UNAUTHORIZED),
    ] {
        system.network.attach_service(arrived_at, system.acme.app().router());
        let body = json!({"offer": "netflix-standard", "msisdn": GOOD, "locale": "en"}).to_string();
        let request = Request::post(format!("{signed_for}/edge/v1/validate"));
        let request = request.header("content-type", "application/json").body(Bytes::from(body));
        let mut request = request.expect("is a request");
        sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
        *request.uri_mut() = format!("http://{arrived_at}/edge/v1/validate").parse().expect("is a URI");
        assert_eq!(system.send_request(request).await.0, expected, "{signed_for} at {arrived_at}");
    }
}

#[tokio::test]
async fn origin_reads_no_more_than_its_limit() {
    let system = TestSystem::start();
    for (bytes, expected) in [(16 * 1024, UNAUTHORIZED), (16 * 1024 + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let request = Request::post(format!("http://{}/edge/v1/validate", system.acme.origin_address))
            .header("content-type", "application/json")
            .body(Bytes::from(vec![b' '; bytes]));
        assert_eq!(system.send_request(request.expect("is a request")).await.0, expected, "{bytes}");
    }
}

#[tokio::test]
async fn path_of_invalid_text_is_refused() {
    let system = TestSystem::start();
    let request = Request::get(format!("http://{}/ott/v1/transaction/%FF", system.acme.origin_address));
    let (status, answer) = system.send_request(request.body(Bytes::new()).expect("is a request")).await;
    assert_eq!((status, &answer["code"]), (UNAUTHORIZED, &json!("authorization-failure")));
}

#[tokio::test]
async fn widget_calls_are_accepted_from_the_widget_only() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let body =
        json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en"}).to_string();
    let call = |origin: Option<&str>, content_type: &str, body: String| {
        let mut request = Request::post(format!("http://{EDGE}/widget/v1/account/validate"))
            .header("content-type", content_type);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        system.send_request(request.body(Bytes::from(body)).expect("is a request"))
    };
    let own = format!("http://{EDGE}");
    assert_eq!(call(Some(&own), "application/json", body.clone()).await.0, StatusCode::OK);
    for foreign in [None, Some("https://evil.example"), Some("null"), Some("http://127.0.0.1:8790")] {
        assert_eq!(
            call(foreign, "application/json", body.clone()).await.0,
            StatusCode::FORBIDDEN,
            "{foreign:?}"
        );
    }
    assert_eq!(call(Some(&own), "text/plain", body.clone()).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = format!("{body}{}", " ".repeat(17_000));
    assert_eq!(call(Some(&own), "application/json", large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let other = body.replace("acme", "nobody");
    assert!(call(Some(&own), "application/json", other).await.0.is_client_error());
}
