//! The frame's own calls: who may make them, what is passed on, and what of the origin's responses
//! comes back.

use super::test_edge::{ACME, NUMBER, TestEdge, from_frame, operators, partners, request, upstream_response};
use crate::platform::{RateLimiter, Unreachable};
use crate::routes::ROUTES;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

pub(super) const VALIDATE: &str = "POST https://origin.acme.example/edge/v1/validate";
/// The paths of the frame's own calls.
fn paths() -> impl Iterator<Item = &'static str> {
    let posts = ROUTES.iter().filter(|route| route.methods == [Method::POST]);
    posts.map(|route| route.pattern).filter(|path| path.starts_with("/widget/v1/"))
}

pub(super) fn validate() -> Value {
    json!({"operator": "acme", "offer": "netflix-standard", "msisdn": NUMBER, "locale": "es",
           "returnURL": "https://my.acme.example/done", "page": "https://my.acme.example", "session": "a.b.c"})
}

pub(super) fn question(path: &str) -> Value {
    match path {
        "/widget/v1/account" => json!({"operator": "acme", "flow": "f", "cursor": "1795000000.tx-1"}),
        "/widget/v1/account/unlink" => json!({"operator": "acme", "flow": "f", "subscription": "s"}),
        "/widget/v1/account/validate" => validate(),
        "/widget/v1/pin" => json!({"operator": "acme", "flow": "f", "pin": "123456"}),
        "/widget/v1/signup" => json!({"operator": "acme", "flow": "f"}),
        "/widget/v1/result" => json!({"operator": "acme", "result": "a.b.c"}),
        _ => panic!("{path} has no sample body"),
    }
}

pub(super) fn pin_step() -> Value {
    json!({"step": "pin", "flow": "f", "expiresAt": "2026-11-18T11:16:40Z", "digits": 6})
}

pub(super) fn confirm_step() -> Value {
    json!({"step": "confirm", "flow": "f", "type": "prepaid", "offer": offer(), "agreement": agreement()})
}

/// What the frame gets: the origin's response, and the decimals of each amount in it, of two each.
pub(super) fn in_frame(mut json: Value) -> Value {
    match &mut json {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = in_frame(item.take())),
        Value::Object(members) => {
            members.values_mut().for_each(|member| *member = in_frame(member.take()));
            if members.contains_key("currency") {
                members.insert("decimals".to_owned(), json!(2));
            }
        }
        _ => {}
    }
    json
}

/// What the frame gets, and the words that come with it.
pub(super) fn split_words(response: &Value) -> (Value, Value) {
    let mut rest = response.clone();
    let words = rest.as_object_mut().expect("is an object").remove("words").unwrap_or_default();
    (rest, words)
}

/// Nobody may continue without having read what is agreed.
fn without_agreement(mut step: Value) -> Value {
    step.as_object_mut().expect("is an object").remove("agreement");
    step
}

/// What the customer agrees to, with every member.
fn agreement() -> Value {
    json!({"title": "t", "rows": [{"label": "l", "text": "{price} from {date}"}], "note": "n", "consent": "c",
           "links": [{"label": "Terms", "url": "https://acme.example/terms"}], "accept": "a",
           "price": {"value": 1599, "currency": "USD"}, "date": "2027-01-01"})
}

fn offer() -> Value {
    json!({"id": "netflix-standard", "title": "Netflix Standard", "partner": "netflix",
           "price": {"value": 1599, "currency": "USD"}})
}

#[tokio::test]
async fn number_is_passed_on_as_typed() {
    let edge = TestEdge::new();
    let mut chatty = pin_step();
    chatty["internal"] = json!(NUMBER);
    edge.stub_response(VALIDATE, 200, &chatty);
    let mut typed = validate();
    typed["msisdn"] = json!("(202) 555-٠١٠١");
    typed["unknown"] = json!("is ignored");
    let response = edge.call_from_frame("/widget/v1/account/validate", &typed).await;
    assert_eq!(
        (response.status(), response.json()),
        (200, pin_step()),
        "only what the contract knows comes back"
    );
    assert!(!response.0.headers().contains_key("x-powered-by"));

    let sent = edge.platform.take_sent().remove(0);
    let body: Value = serde_json::from_slice(sent.body()).expect("is JSON");
    assert_eq!(
        body,
        json!({"offer": "netflix-standard", "msisdn": "(202) 555-٠١٠١", "locale": "es",
               "returnURL": "https://my.acme.example/done", "page": "https://my.acme.example",
               "session": "a.b.c"})
    );
    assert_eq!(sent.headers()["x-correlator"], response.header("x-correlator"));
    let input = sent.headers()["signature-input"].to_str().expect("is text");
    assert!(input.ends_with("keyid=\"acme-edge-to-origin-r1.1\";tag=\"onbill-edge-to-origin\""), "{input}");
    assert_eq!(sent.headers()["accept"], "application/json");
    assert!(!sent.headers().contains_key("cf-connecting-ip"));
}

#[tokio::test]
async fn pin_and_result_are_passed_on() {
    let edge = TestEdge::new();
    edge.stub_response(&format!("POST {ACME}/edge/v1/pin"), 200, &confirm_step());
    let result = json!({"outcome": "success", "offer": offer(), "accountURL": "https://my.acme.example/account",
               "summary": {"rows": [{"label": "Price", "text": "{price} per month"}, {"label": "First charge", "text": "On {date}"}],
                           "price": {"value": 1599, "currency": "USD"}, "date": "2027-01-15"}});
    edge.stub_response(&format!("POST {ACME}/edge/v1/result"), 200, &result);
    let response = edge.call_from_frame("/widget/v1/pin", &question("/widget/v1/pin")).await;
    assert_eq!((response.status(), response.json()), (200, in_frame(confirm_step())));
    let response = edge.call_from_frame("/widget/v1/result", &question("/widget/v1/result")).await;
    let (shown, words) = split_words(&response.json());
    assert_eq!((response.status(), shown), (200, in_frame(result)));
    assert_eq!(words["success-title"], "All done");
    let bodies: Vec<_> = edge.platform.take_sent().into_iter().map(http::Request::into_body).collect();
    assert_eq!(bodies, [r#"{"flow":"f","pin":"123456"}"#, r#"{"result":"a.b.c","locale":"en"}"#]);
}

#[tokio::test]
async fn trace_is_continued_or_begins_at_the_edge() {
    let edge = TestEdge::new();
    edge.stub_response(&format!("POST {ACME}/edge/v1/pin"), 200, &confirm_step());
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let sent = async |values: &[&str]| {
        let body = question("/widget/v1/pin").to_string();
        let mut request = from_frame(request("POST", "/widget/v1/pin", &body));
        for value in values {
            request.headers_mut().append("traceparent", value.parse().expect("is a value"));
        }
        assert_eq!(edge.send(request).await.status(), 200);
        let sent = edge.platform.take_sent().remove(0);
        let sent = sent.headers()["traceparent"].to_str().expect("is text").to_owned();
        let line = edge.platform.log_lines().pop().expect("is there");
        assert!(line.contains(&sent[3..35]), "{line}");
        sent
    };
    let continued = sent(&[given]).await;
    assert_eq!((&continued[..36], &continued[52..]), (&given[..36], "-01"));
    assert_ne!(continued, given, "the call is one of the edge's own");
    for other in [&[][..], &["00-0af7"], &[given, given], &[&given.replace("00-0", "ff-0")]] {
        let begun = sent(other).await;
        assert!(begun.len() == 55 && begun[..36] != given[..36], "{begun}");
    }
}

#[tokio::test]
async fn operators_reason_and_way_on_reach_the_widget() {
    let edge = TestEdge::new();
    let way_on = json!({"kind": "help", "url": "https://my.acme.example/help"});
    let refusal = json!({"code": "account-not-eligible", "message": "No.", "reason": "minor", "wayOn": way_on,
        "msisdn": NUMBER});
    edge.stub_response(VALIDATE, 400, &refusal);
    let response = edge.call_from_frame("/widget/v1/account/validate", &validate()).await;
    // The words are in the language of the call.
    let words: Value = serde_json::from_str(include_str!("../../../words/es.json")).expect("is JSON");
    let words = &words["refusal"];
    let way_on = json!({"kind": "help", "url": "https://my.acme.example/help", "label": words["help"]});
    let shown = json!({"reason": words["minor"], "account-not-eligible": words["account-not-eligible"],
        "account-not-eligible-title": words["account-not-eligible-title"]});
    let expected = json!({"code": "account-not-eligible", "message": "No.", "reason": "minor", "words": shown,
        "wayOn": way_on});
    assert_eq!((response.status(), response.json()), (400, expected));
}

#[tokio::test]
async fn widget_calls_are_for_our_frame_only() {
    let edge = TestEdge::new();
    for path in paths() {
        let call = |headers: &[(&'static str, &str)]| {
            let mut request = request("POST", path, &question(path).to_string());
            for (name, value) in headers {
                request.headers_mut().append(*name, value.parse().expect("is a value"));
            }
            edge.send(request)
        };
        let own = ("origin", "https://edge.example");
        for headers in [
            &[][..],
            &[("origin", "https://my.acme.example")],
            &[("origin", "http://edge.example")],
            &[("origin", "https://edge.example:8443")],
            &[("origin", "https://edge.example.evil.example")],
            &[("origin", "null")],
            &[own, own],
            &[own, ("sec-fetch-site", "cross-site")],
            &[own, ("sec-fetch-site", "same-site")],
            &[own, ("sec-fetch-site", "none")],
        ] {
            assert_eq!(call(headers).await.refusal(), (403, "forbidden".to_owned()), "{path} {headers:?}");
        }
        // The call reaches the origin, which does not respond: older browsers do not send
        // `sec-fetch-site`.
        assert_eq!(call(&[own]).await.status(), 503, "{path}");
        assert_eq!(edge.platform.take_sent().len(), 1);
    }
}

#[tokio::test]
async fn malformed_widget_call_is_refused_without_any_origin() {
    let edge = TestEdge::new();
    for path in paths() {
        let mut typed = from_frame(request("POST", path, "{}"));
        typed.headers_mut().insert("content-type", "text/plain".parse().expect("is a value"));
        assert_eq!(edge.send(typed).await.refusal(), (415, "unsupported-media-type".to_owned()));
        let mut twice = from_frame(request("POST", path, "{}"));
        twice.headers_mut().append("content-type", "text/plain".parse().expect("is a value"));
        assert_eq!(edge.send(twice).await.refusal(), (415, "unsupported-media-type".to_owned()));

        let large = format!("{}{}", question(path), " ".repeat(16 * 1024));
        let large = from_frame(request("POST", path, &large));
        assert_eq!(edge.send(large).await.refusal(), (413, "body-too-large".to_owned()));
        let mut lying = from_frame(request("POST", path, &question(path).to_string()));
        lying.headers_mut().insert("content-length", "16385".parse().expect("is a value"));
        assert_eq!(edge.send(lying).await.refusal(), (413, "body-too-large".to_owned()));

        for garbage in ["", "{", "[]", "null", "\u{0}", "{}", r#"{"operator":"ACME"}"#, r#"{"operator":7}"#] {
            let mut request = from_frame(request("POST", path, garbage));
            request.headers_mut().insert("content-type", "application/json".parse().expect("is a value"));
            assert_eq!(edge.send(request).await.refusal(), (400, "invalid-request".to_owned()), "{garbage}");
        }
        let mut elsewhere = question(path);
        elsewhere["operator"] = json!("other");
        let response = edge.call_from_frame(path, &elsewhere).await;
        assert_eq!(response.refusal(), (400, "parameter-not-supported".to_owned()));

        edge.platform.exhaust_rate(RateLimiter::Widget, true);
        let response = edge.call_from_frame(path, &question(path)).await;
        assert_eq!((response.refusal().0, response.header("retry-after")), (429, "60"));
        assert_eq!(response.json()["words"], json!(null), "no code is used up");
        edge.platform.exhaust_rate(RateLimiter::Widget, false);
    }
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn number_and_return_url_are_checked() {
    let mut operators = operators();
    operators[0]["partners"] = json!(["netflix"]);
    let edge = TestEdge::with(&operators, &partners());
    let cases = [
        ("offer", json!("other"), "parameter-not-supported"),
        ("offer", json!("tunes-family"), "parameter-not-supported"),
        ("offer", json!(""), "invalid-request"),
        ("msisdn", json!(""), "invalid-request"),
        ("msisdn", json!("1".repeat(129)), "invalid-request"),
        ("msisdn", json!(12_025_550_101_u64), "invalid-request"),
        ("locale", json!("xx"), "invalid-request"),
        ("returnURL", json!("https://evil.example/"), "invalid-request"),
        ("returnURL", json!("https://nova.example/"), "invalid-request"),
        ("returnURL", json!("javascript:alert(1)"), "invalid-request"),
    ];
    let mut longest = validate();
    longest["msisdn"] = json!("1".repeat(128));
    assert_eq!(
        edge.call_from_frame("/widget/v1/account/validate", &longest).await.status(),
        503,
        "no origin responds"
    );
    assert_eq!(edge.platform.take_sent().len(), 1, "the longest is asked for");
    for (member, value, code) in cases {
        let mut question = validate();
        question[member] = value.clone();
        let response = edge.call_from_frame("/widget/v1/account/validate", &question).await;
        assert_eq!(response.refusal(), (400, code.to_owned()), "{member} {value}");
        assert!(!response.text().contains("2025550101"));
    }
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn refusals_for_customers_are_passed_on() {
    let edge = TestEdge::new();
    for (status, code) in [
        (400, "invalid-request"),
        (404, "account-not-found"),
        (400, "suspended-non-payment"),
        (400, "insufficient-balance"),
        (400, "account-not-eligible"),
        (403, "signups-closed"),
        (409, "already-on-bill"),
        (400, "pin-invalid"),
        (400, "pin-expired"),
        (400, "token-invalid"),
        (400, "token-expired"),
        (429, "too-many-requests"),
        (503, "service-unavailable"),
        (500, "internal-error"),
    ] {
        edge.stub_refusal(VALIDATE, status, code);
        let response = edge.call_from_frame("/widget/v1/account/validate", &validate()).await;
        assert_eq!(response.refusal(), (status, code.to_owned()));
        assert_eq!(response.json()["message"], "As the origin says.");
    }
    let mut waits = upstream_response(429, r#"{"code":"too-many-requests","message":"m"}"#);
    waits.headers_mut().insert("retry-after", "86000".parse().expect("is a value"));
    edge.stub_result(VALIDATE, Ok(waits));
    let response = edge.call_from_frame("/widget/v1/account/validate", &validate()).await;
    assert_eq!((response.status(), response.header("retry-after")), (429, "86000"));
}

#[tokio::test]
async fn origin_failure_is_503_for_the_widget() {
    let edge = TestEdge::new();
    let refusal = |status, code: &str| {
        Ok(upstream_response(status, &json!({"code": code, "message": "m"}).to_string()))
    };
    let responses = [
        Err(Unreachable::Broken),
        Err(Unreachable::TimedOut),
        Err(Unreachable::TooLarge),
        Ok(upstream_response(200, "<html>")),
        Ok(upstream_response(200, "{}")),
        Ok(upstream_response(200, "")),
        Ok(upstream_response(204, "")),
        Ok(upstream_response(202, &pin_step().to_string())),
        Ok(upstream_response(302, &pin_step().to_string())),
        Ok(upstream_response(200, &json!({"step": "confirm", "flow": "f"}).to_string())),
        Ok(upstream_response(200, &without_agreement(confirm_step()).to_string())),
        Ok(upstream_response(500, "<html>")),
        Ok(upstream_response(400, "{}")),
        refusal(401, "authorization-failure"),
        refusal(404, "not-found"),
        refusal(404, "pai-not-found"),
        refusal(422, "idempotency-violation"),
        refusal(400, "made-up"),
        refusal(500, "pin-invalid"),
    ];
    for response in responses {
        let case = format!("{response:?}");
        edge.stub_result(VALIDATE, response);
        let response = edge.call_from_frame("/widget/v1/account/validate", &validate()).await;
        assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()), "{case}");
        assert_eq!(response.header("retry-after"), "30");
        let line: Value =
            serde_json::from_str(&edge.platform.log_lines().pop().expect("is logged")).expect("JSON");
        assert!(line["fault"].as_str().is_some_and(|fault| fault.starts_with("operator:acme: ")), "{line}");
    }
    let sent = edge.platform.take_sent();
    assert_eq!(sent.len(), 19, "nothing is tried twice");
    assert!(sent.iter().all(|request| request.body() != &Bytes::new()));
}
