//! Every refusal of the origin has the one error body, whatever part of the program refuses. Each
//! route of its table is called wrongly in every way that HTTP allows.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response};
use onbill_domain::key::KeyUse;
use onbill_domain::reject::ErrorCode;
use onbill_domain::signature::sign_request;
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use onbill_origin::routes::{OTHER_ROUTES, PARTNER_ROUTES};
use onbill_test_harness::{EDGE, KeyHolder, TestSystem, db_folder, keys, write_password_file};
use serde_json::{Map, Value, json};

const JSON: &str = "application/json";

fn routes() -> impl Iterator<Item = (Method, &'static str)> {
    let all = PARTNER_ROUTES.iter().chain(OTHER_ROUTES);
    all.map(|(method, pattern)| (method.to_uppercase().parse().expect("is a method"), *pattern))
}

/// The pattern with this text for each of its variables.
fn fill(pattern: &str, value: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { value } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn request(
    address: &str,
    method: &Method,
    target: &str,
    (content_type, body): (&str, &str),
) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(format!("http://{address}{target}"));
    let request = if body.is_empty() { request } else { request.header("content-type", content_type) };
    request.body(Bytes::from(body.to_owned())).expect("is a request")
}

/// The request, signed by whoever may call this path.
fn signed(system: &TestSystem, method: &Method, target: &str, content: (&str, &str)) -> Request<Bytes> {
    let mut call = request(system.acme.origin_address, method, target, content);
    let sign = |call: &mut Request<Bytes>, holder: &KeyHolder, key_use, party: &str| {
        let ring = keys::keyring(holder);
        let key = ring.signing_key(key_use, party).expect("is there");
        sign_request(call, key, system.now(), &system.next_nonce()).expect("signs");
    };
    if target.starts_with("/operator/") {
        sign(&mut call, &KeyHolder::Operator("acme"), KeyUse::OperatorToOrigin, "operator:acme");
    }
    if target.starts_with("/ott/") {
        let mut own = request(EDGE, method, target, content);
        sign(&mut own, &KeyHolder::Partner("netflix"), KeyUse::PartnerCall, "partner:netflix");
        for (from, to) in
            [("signature-input", PARTNER_SIGNATURE_INPUT_HEADER), ("signature", PARTNER_SIGNATURE_HEADER)]
        {
            call.headers_mut().insert(to, own.headers()[from].clone());
        }
    }
    if target.starts_with("/ott/") || target.starts_with("/edge/") {
        sign(&mut call, &KeyHolder::Edge, KeyUse::EdgeToOrigin, "operator:acme");
    }
    call
}

/// The code of a refusal, which must have the one body; nothing for a success.
async fn refusal_code(system: &TestSystem, request: Request<Bytes>) -> Option<ErrorCode> {
    let what = format!("{} {}", request.method(), request.uri());
    let response: Response<Bytes> = system.network.send_call(request).await.expect("somebody answers");
    if response.status().is_success() {
        return None;
    }
    let text = String::from_utf8_lossy(response.body());
    assert_eq!(response.headers()["content-type"], JSON, "{what}: {text}");
    let body: Map<String, Value> = serde_json::from_str(&text).expect(&what);
    // Readiness adds its reasons.
    let members = if body.contains_key("reasons") { 3 } else { 2 };
    assert!(body.len() == members && body["message"].is_string(), "{what}: {text}");
    let code = body["code"].as_str().and_then(ErrorCode::parse).expect(&what);
    assert_eq!(code.status(), response.status(), "{what}: {text}");
    Some(code)
}

#[tokio::test]
async fn path_that_is_unknown_or_has_other_methods_is_refused() {
    let system = TestSystem::start();
    let address = &system.acme.origin_address;
    for (_, pattern) in routes() {
        let taken: Vec<Method> =
            routes().filter(|(_, other)| *other == pattern).map(|(method, _)| method).collect();
        for word in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let method = word.parse().expect("is a method");
            let code =
                refusal_code(&system, request(address, &method, &fill(pattern, "x-1"), (JSON, ""))).await;
            if !taken.contains(&method) {
                assert_eq!(code, Some(ErrorCode::MethodNotAllowed), "{word} {pattern}");
            }
        }
    }
    for path in [
        "/",
        "/ott/v1",
        "/ott/v1/transaction/",
        "/edge/v1/pin/",
        "//edge/v1/pin",
        "/%FF",
        "/%zz",
        "/a?%FF=%zz",
    ] {
        let code = refusal_code(&system, request(address, &Method::GET, path, (JSON, ""))).await;
        assert!(
            matches!(code, Some(ErrorCode::NotFound | ErrorCode::AuthorizationFailure)),
            "{path}: {code:?}"
        );
    }
}

#[tokio::test]
async fn malformed_path_or_query_gets_the_one_error_body() {
    let system = TestSystem::start();
    for (method, pattern) in routes() {
        let body = if method == Method::GET { "" } else { "{}" };
        for value in ["%FF", "%C3%28", "%00", "%zz", "..%2F..", "%20", &"x".repeat(300)] {
            let target = fill(pattern, value);
            refusal_code(&system, request(system.acme.origin_address, &method, &target, (JSON, body))).await;
            refusal_code(&system, signed(&system, &method, &target, (JSON, body))).await;
        }
        for query in ["%FF=%FF", "%", "from=x&to=%FF", "status=%FF", "status", "&&=&", "from=1&from=2"] {
            let target = format!("{}?{query}", fill(pattern, "x-1"));
            refusal_code(&system, request(system.acme.origin_address, &method, &target, (JSON, body))).await;
            refusal_code(&system, signed(&system, &method, &target, (JSON, body))).await;
        }
    }
}

#[tokio::test]
async fn body_that_is_no_object_is_refused_by_every_route() {
    let system = TestSystem::start();
    for (method, pattern) in routes().filter(|(method, _)| *method != Method::GET) {
        let target = fill(pattern, "x-1");
        for body in [
            "[]",
            "[{}]",
            r#"["x-1","x-2",[1599,"USD"],"x",["2027-01-01","2027-01-31"],null]"#,
            "null",
            "\"x\"",
            "{",
            "{}x",
        ] {
            let code = refusal_code(&system, signed(&system, &method, &target, (JSON, body))).await;
            assert_eq!(code, Some(ErrorCode::InvalidRequest), "{pattern} {body}");
        }
        let code = refusal_code(&system, signed(&system, &method, &target, ("text/plain", "{}"))).await;
        assert_eq!(code, Some(ErrorCode::UnsupportedMediaType), "{pattern}");
        let mut two_types = signed(&system, &method, &target, (JSON, "{}"));
        two_types.headers_mut().append("content-type", HeaderValue::from_static("text/plain"));
        assert_eq!(
            refusal_code(&system, two_types).await,
            Some(ErrorCode::UnsupportedMediaType),
            "{pattern}"
        );
        let large = " ".repeat(16 * 1024 + 1);
        let code = refusal_code(&system, signed(&system, &method, &target, (JSON, &large))).await;
        assert_eq!(code, Some(ErrorCode::BodyTooLarge), "{pattern}");
    }
}

#[tokio::test]
async fn receipt_without_token_or_status_is_refused() {
    let mut system = TestSystem::start();
    let password = write_password_file(&db_folder(), "hunter2!");
    let settings = json!({"by": "kannel", "url": "http://127.0.0.1:8790/cgi-bin/sendsms", "username": "onbill",
                          "password_file": password, "sender": "Acme", "receipts_url": "http://127.0.0.1:8788"});
    system.reconfigure_acme(|config| config.sms = serde_json::from_value(settings).expect("are settings"));
    let well_formed = "A".repeat(22);
    for (token, query, expected) in [
        ("x", "", ErrorCode::NotFound),
        ("x", "?status=1", ErrorCode::NotFound),
        ("%FF", "?status=1", ErrorCode::NotFound),
        ("%FF", "", ErrorCode::NotFound),
        (&well_formed, "", ErrorCode::InvalidRequest),
        (&well_formed, "?status", ErrorCode::InvalidRequest),
        (&well_formed, "?status=1&status=2", ErrorCode::InvalidRequest),
        (&well_formed, "?status=%FF", ErrorCode::InvalidRequest),
        (&well_formed, "?%FF=%", ErrorCode::InvalidRequest),
    ] {
        let target = format!("/sms/v1/receipt/{token}{query}");
        let call = request(system.acme.origin_address, &Method::GET, &target, (JSON, ""));
        assert_eq!(refusal_code(&system, call).await, Some(expected), "{target}");
    }
    std::fs::remove_file(password).expect("is there");
}
