//! What holds for every call: paths and methods, the correlator, the log, an unusable
//! configuration.

use super::test_edge::{ACME, EDGE, NUMBER, TestEdge, from_frame, mapping, pai, request, sample_path};
use crate::platform::RateLimiter;
use crate::routes::ROUTES;
use crate::{Config, handle, handle_unconfigured};
use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

#[tokio::test]
async fn path_takes_its_methods_and_no_others() {
    let edge = TestEdge::new();
    for route in ROUTES {
        let path = &sample_path(route.pattern);
        let same_path = ROUTES.iter().filter(|other| other.pattern == route.pattern);
        let allowed: Vec<_> = same_path.flat_map(|other| other.methods).map(Method::as_str).collect();
        let allow = allowed.join(", ");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if allowed.contains(&method) {
                continue;
            }
            let response = edge.send(request(method, path, "")).await;
            assert_eq!(
                (response.status(), response.header("allow")),
                (405, allow.as_str()),
                "{method} {path}"
            );
            assert!(method == "HEAD" || response.refusal().1 == "method-not-allowed", "{method} {path}");
        }
    }
    let response = edge.send(request("GET", "/nowhere", "")).await;
    assert_eq!(response.refusal(), (404, "not-found".to_owned()));
    assert!(edge.platform.take_sent().is_empty());
}

/// Each route called wrongly in every way: refused in the one form, or as a page where browsers go.
#[tokio::test]
async fn refusal_of_every_route_has_one_form() {
    let edge = TestEdge::new();
    for route in ROUTES {
        let fill = |value: &str| {
            let parts = route.pattern.split('/').map(|part| if part.starts_with('{') { value } else { part });
            parts.collect::<Vec<_>>().join("/")
        };
        let path = sample_path(route.pattern);
        let variables = ["%FF", "%C3%28", "%00", "%zz", "..%2F..", &"x".repeat(300)].map(fill);
        let queries = ["%FF=%FF", "%", "operator=%FF&offer=%", "outcome", "&&=&"]
            .map(|query| format!("{path}?{query}"));
        for target in variables.into_iter().chain(queries).chain([path.clone()]) {
            for method in route.methods.iter().filter(|method| *method != Method::HEAD) {
                for body in ["", "{}", "[]", "{"] {
                    let plain =
                        request(method.as_str(), &target, if *method == Method::GET { "" } else { body });
                    for call in [plain.clone(), from_frame(plain.clone()), edge.sign_as("netflix-1", plain)] {
                        let response = edge.send(call).await;
                        let is_page = route.refusal_page.is_some();
                        match response.status() {
                            200..400 => {}
                            _ if is_page => {
                                assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
                            }
                            _ => drop(response.refusal()),
                        }
                    }
                }
            }
        }
        if route.methods.iter().any(|method| [Method::POST, Method::PUT].contains(method)) {
            let mut call = from_frame(request(route.methods[0].as_str(), &path, "[]"));
            if path.starts_with("/ott/") {
                call = edge.sign_as("netflix-1", call);
            }
            let code = edge.send(call).await.refusal();
            let expected = if path.starts_with("/origin/") {
                (401, "authorization-failure")
            } else {
                (400, "invalid-request")
            };
            assert_eq!((code.0, code.1.as_str()), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn start_page_is_for_browsers_and_loads_nothing() {
    let edge = TestEdge::new();
    let with = |method: &str, accept: &str| {
        let mut request = request(method, "/", "");
        request.headers_mut().insert("accept", accept.parse().expect("is a value"));
        edge.send(request)
    };
    let page = with("GET", "text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!((page.status(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.text().contains("<h1>onbill edge</h1>") && page.text().contains("href=\"/healthz\""));
    for secret in [ACME, "Acme", "netflix", "Netflix"] {
        assert!(!page.text().contains(secret), "{secret} does not belong here");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    let head = with("HEAD", "text/html").await;
    assert_eq!((head.status(), head.text()), (200, ""));
    for program in ["*/*", "application/json"] {
        assert_eq!(with("GET", program).await.refusal(), (404, "not-found".to_owned()), "{program}");
    }
    assert_eq!(edge.get("/").await.refusal(), (404, "not-found".to_owned()));
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let edge = TestEdge::new();
    for path in [
        "/healthz",
        "/widget/v1/onbill.js",
        "/widget/v1/frame?operator=acme&offer=netflix-standard",
        "/widget/v1/frame-account.js",
    ] {
        let (get, head) = (edge.get(path).await, edge.send(request("HEAD", path, "")).await);
        assert_eq!((head.status(), head.text()), (200, ""), "{path}");
        assert!(!get.text().is_empty());
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn correlator_is_echoed_generated_or_refused() {
    let edge = TestEdge::new();
    let with = |value: &str| {
        let mut request = request("GET", "/healthz", "");
        request.headers_mut().insert("x-correlator", value.parse().expect("is a value"));
        edge.send(request)
    };
    let response = with("bill-run/2026-12;1").await;
    assert_eq!((response.status(), response.header("x-correlator")), (200, "bill-run/2026-12;1"));
    let made_up = edge.get("/healthz").await.header("x-correlator").to_owned();
    assert_eq!(made_up.len(), 36);
    assert_ne!(edge.get("/healthz").await.header("x-correlator"), made_up);
    for bad in ["a b", "a=b", &"a".repeat(257)] {
        let response = with(bad).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "{bad}");
        assert_eq!(response.header("x-correlator").len(), 36, "another one is made up");
    }
    let mut twice = request("GET", "/healthz", "");
    twice.headers_mut().append("x-correlator", "a".parse().expect("is a value"));
    twice.headers_mut().append("x-correlator", "b".parse().expect("is a value"));
    assert_eq!(edge.send(twice).await.status(), 400);
}

#[tokio::test]
async fn misconfigured_edge_serves_nothing_and_logs_the_cause() {
    let edge = TestEdge::new();
    let fault = Config::read(|_| None).expect_err("is broken");
    for route in ROUTES {
        let (path, method) = (&sample_path(route.pattern), route.methods[0].as_str());
        let response = handle_unconfigured(&edge.platform, &fault, request(method, path, "")).await;
        let body = String::from_utf8(response.body().to_vec()).expect("is text");
        let expected = 503;
        assert_eq!(response.status(), expected, "{path}");
        assert!(!body.contains("EDGE_URLS"), "{body}");
        let line = edge.platform.log_lines().pop().expect("is logged");
        let line: Value = serde_json::from_str(&line).expect("is JSON");
        assert_eq!((&line["route"], &line["status"]), (&json!(route.pattern), &json!(expected)));
        if path == "/healthz" {
            assert_eq!(body, r#"{"status":"misconfigured"}"#);
        } else {
            assert_eq!(line["fault"], "configuration: the variable EDGE_URLS is missing");
            assert_eq!(line["level"], "error");
        }
    }
}

#[tokio::test]
async fn request_without_scheme_is_plain_http() {
    let edge = TestEdge::new();
    let send = |host: &str| {
        let request = Request::builder().uri("/widget/v1/frame?operator=acme&offer=netflix-standard");
        edge.send(request.header("host", host).body(Bytes::new()).expect("is a request"))
    };
    assert_eq!(send("127.0.0.1:8787").await.status(), 200);
    for bad in ["", "a b", "a/b", "u@a", "a:99999"] {
        assert_eq!(send(bad).await.status(), 400, "{bad}");
    }
    let twice = Request::builder().uri("/widget/v1/frame?operator=acme&offer=netflix-standard");
    let twice = twice.header("host", "a").header("host", "b").body(Bytes::new()).expect("is a request");
    assert_eq!(edge.send(twice).await.status(), 400, "two hosts");
}

/// Everything that a caller can put a secret into, at once; then every place where it could have
/// been left.
#[tokio::test]
async fn secrets_are_absent_from_log_kv_and_urls() {
    let edge = TestEdge::new();
    let secrets = [
        NUMBER,
        "2025550101",
        "731942",
        "flow-secret",
        "ticket-secret",
        "session-secret",
        "result-secret",
        "message-secret",
    ];
    edge.stub_response("POST https://origin.acme.example/edge/v1/pai", 200, &mapping("acme", "ACTIVE", 1));
    let token = TestEdge::signup_token("acme", |_| {});
    edge.call_from_frame(
        "/widget/v1/account/validate",
        &json!({"operator": "acme", "offer": "netflix-standard", "msisdn": NUMBER, "locale": "en",
                    "session": "session-secret"}),
    )
    .await;
    edge.call_from_frame(
        "/widget/v1/account/validate",
        &json!({"operator": "acme", "offer": 12_025_550_101_u64}),
    )
    .await;
    edge.call_from_frame(
        "/widget/v1/pin",
        &json!({"operator": "acme", "flow": "flow-secret", "pin": "731942"}),
    )
    .await;
    edge.call_from_frame("/widget/v1/pin", &json!({"operator": "acme", "flow": NUMBER, "pin": 731_942}))
        .await;
    edge.call_from_frame("/widget/v1/signup", &json!({"operator": "acme", "flow": "flow-secret"})).await;
    edge.call_from_frame("/widget/v1/result", &json!({"operator": "acme", "result": "result-secret"})).await;
    edge.get("/widget/v1/return/acme/ticket-secret").await;
    edge.get(&format!("/widget/v1/frame?operator=acme&offer=netflix-standard&msisdn={NUMBER}")).await;
    edge.get(&format!("/{NUMBER}")).await;
    edge.send(request(NUMBER.trim_start_matches('+'), "/healthz", "")).await;
    for path in ["/ott/v1/account/validate", "/ott/v1/pin"] {
        let body = json!({"msisdn": NUMBER, "operator": "acme", "pin": "731942", "pinID": "flow-secret"});
        edge.call_as_netflix("POST", path, &body).await;
        edge.call_as_netflix("POST", path, &json!({"msisdn": 12_025_550_101_u64, "operator": NUMBER})).await;
    }
    edge.call_as_netflix("POST", "/ott/v1/token/validate", &json!({"token": token, "extReference": "r"}))
        .await;
    edge.call_as_netflix("POST", "/ott/v1/transaction", &json!({"extTransactionID": NUMBER, "pai": NUMBER}))
        .await;
    for message in [json!("message-secret"), json!("message-secret "), json!(["message-secret"])] {
        edge.call_as_netflix("POST", "/ott/v1/notification", &json!({"pai": pai(), "message": message}))
            .await;
    }
    edge.call_as_netflix("GET", &format!("/ott/v1/transaction/{NUMBER}"), &Value::Null).await;
    let refund = json!({"extRefundID": NUMBER, "reason": NUMBER});
    edge.call_as_netflix("POST", &format!("/ott/v1/transaction/{NUMBER}/refund"), &refund).await;
    let subscription =
        json!({"pai": pai(), "extSubscriptionID": NUMBER, "origin": "NEW_ACCOUNT", "plan": "standard"});
    edge.call_as_netflix("POST", "/ott/v1/partnerSubscription", &subscription).await;
    edge.send(request("POST", "/ott/v1/partnerSubscription", &subscription.to_string())).await;

    let mut places = edge.platform.log_lines();
    assert!(places.len() >= 15);
    for line in &places {
        let line: Value = serde_json::from_str(line).expect("is JSON");
        assert!(line["correlator"].as_str().is_some_and(|text| text.len() == 36), "{line}");
    }
    places.extend(edge.platform.kv_entries().into_iter().flat_map(|(key, value)| [key, value]));
    let points = edge.platform.data_points();
    assert!(points.len() >= 15);
    places.extend(points.into_iter().flat_map(|point| [point.index, point.words.join("\n")]));
    places.extend(edge.platform.rate_keys().into_iter().map(|(_, key)| key));
    let forwarded = format!("/ott/v1/transaction/{NUMBER}");
    let sent = edge.sent_targets();
    places.extend(sent.into_iter().filter(|to| !to.ends_with(&forwarded)));
    for place in places {
        assert!(secrets.iter().chain([&token.as_str()]).all(|secret| !place.contains(secret)), "{place}");
    }
}

#[tokio::test]
async fn rates_are_counted_by_network_and_partner() {
    let edge = TestEdge::new();
    edge.call_from_frame("/widget/v1/pin", &json!({})).await;
    edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null).await;
    edge.call_as_netflix("POST", "/ott/v1/pin", &json!({})).await;
    let netflix = || "netflix".to_owned();
    let counted = [
        (RateLimiter::Widget, "203.0.113.9".to_owned()),
        (RateLimiter::Partner, netflix()),
        (RateLimiter::Partner, netflix()),
        (RateLimiter::Device, netflix()),
    ];
    assert_eq!(edge.platform.rate_keys(), counted);
}

#[test]
fn futures_are_send_where_the_hosts_are() {
    fn assert_send<T: Send>(future: T) -> T {
        future
    }
    let edge = TestEdge::new();
    drop(assert_send(handle(&edge.platform, &edge.config, from_frame(request("GET", EDGE, "")))));
}

#[tokio::test]
async fn edge_without_randomness_signs_and_frames_nothing() {
    let edge = TestEdge::new();
    edge.platform.fail_randomness(true);
    for path in
        ["/healthz", "/widget/v1/frame?operator=acme&offer=netflix-standard", "/widget/v1/return/acme/t"]
    {
        let mut request = request("GET", path, "");
        let response = handle(&edge.platform, &edge.config, request.clone()).await;
        assert_eq!(response.status(), 500, "{path}: no correlator can be made up");
        request.headers_mut().insert("x-correlator", "c".parse().expect("is a value"));
        let expected = if path == "/healthz" { 200 } else { 500 };
        let response = edge.send(request).await;
        assert_eq!((response.status(), response.header("x-correlator")), (expected, "c"), "{path}");
    }
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn hsts_is_sent_over_tls_only() {
    let edge = TestEdge::new();
    let hsts_header = async |uri: &str| {
        let mut request = request("GET", "/healthz", "");
        *request.uri_mut() = uri.parse().expect("is a URI");
        edge.send(request).await.header("strict-transport-security").to_owned()
    };
    assert_eq!(hsts_header("https://pay.example.com/healthz").await, "max-age=31536000");
    assert_eq!(hsts_header("http://127.0.0.1:8787/healthz").await, "");
}
