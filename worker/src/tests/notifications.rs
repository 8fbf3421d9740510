//! A partner's message to a subscriber: the refusals without any origin, and its forwarding.

use super::test_edge::{ACME, NOVA, TestEdge, mapping, pai, request, upstream_response};
use crate::platform::Unreachable;
use serde_json::{Value, json};

const PATH: &str = "/ott/v1/notification";

fn message(text: &str) -> Value {
    json!({"pai": pai(), "message": text, "extNotificationID": "m-1"})
}

fn accepted() -> Value {
    json!({"status": "ACCEPTED"})
}

fn to_acme() -> String {
    format!("POST {ACME}{PATH}")
}

/// Acme has the PAI, and KV maps it there.
fn edge() -> TestEdge {
    let edge = TestEdge::new();
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "ACTIVE", 1).to_string()));
    edge.stub_refusal(&format!("POST {NOVA}/edge/v1/pai"), 404, "pai-not-found");
    edge.stub_response(&to_acme(), 202, &accepted());
    edge
}

#[tokio::test]
async fn notification_reaches_its_operator_byte_for_byte() {
    let edge = edge();
    let body = message("Your plan changes on 1 December \u{1f4fa}");
    let response = edge.call_as_netflix("POST", PATH, &body).await;
    assert_eq!((response.status(), response.json()), (202, accepted()));
    let sent = edge.platform.take_sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].uri().to_string(), sent[0].method().as_str()), (format!("{ACME}{PATH}"), "POST"));
    assert_eq!(*sent[0].body(), body.to_string());
    assert_eq!(sent[0].headers()["onbill-subscriber"], "handle-1");
    assert!(sent[0].headers().contains_key("onbill-partner-signature"));
}

#[tokio::test]
async fn invalid_notification_is_refused_without_any_origin() {
    let edge = edge();
    for bad in [
        json!({}),
        json!({"pai": pai()}),
        json!({"pai": "+12025550101", "message": "Hello"}),
        json!({"pai": pai(), "message": ""}),
        message("Hello\nAcme: call us"),
        message("Hello  you"),
        message(&"x".repeat(151)),
        json!({"pai": pai(), "message": "Hello", "extNotificationID": "a b"}),
    ] {
        let response = edge.call_as_netflix("POST", PATH, &bad).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "{bad}");
    }
    let unsigned = edge.send(request("POST", PATH, &message("Hello").to_string())).await;
    assert_eq!(unsigned.refusal(), (401, "authorization-failure".to_owned()));
    assert!(edge.sent_targets().is_empty());
}

#[tokio::test]
async fn notification_refusal_is_passed_on() {
    let edge = edge();
    let limit =
        upstream_response(429, &json!({"code": "too-many-requests", "message": "Enough."}).to_string());
    let (mut head, body) = limit.into_parts();
    head.headers.insert("retry-after", "45200".parse().expect("is a value"));
    edge.stub_result(&to_acme(), Ok(http::Response::from_parts(head, body)));
    let response = edge.call_as_netflix("POST", PATH, &message("Hello")).await;
    assert_eq!(response.refusal(), (429, "too-many-requests".to_owned()));
    assert_eq!(response.header("retry-after"), "45200");
    for (status, refusal) in
        [(404, "pai-not-found"), (422, "idempotency-violation"), (401, "authorization-failure")]
    {
        edge.stub_refusal(&to_acme(), status, refusal);
        let response = edge.call_as_netflix("POST", PATH, &message("Hello")).await;
        assert_eq!(response.refusal(), (status, refusal.to_owned()));
    }
    let odd = [
        Err(Unreachable::TimedOut),
        Ok(upstream_response(202, "{}")),
        Ok(upstream_response(204, "")),
        Ok(upstream_response(200, "x")),
    ];
    for response in odd {
        edge.platform.take_sent();
        edge.stub_result(&to_acme(), response);
        let response = edge.call_as_netflix("POST", PATH, &message("Hello")).await;
        assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()));
        assert_eq!(edge.sent_targets(), [to_acme()], "it is sent once, and no other origin is asked");
    }
}
