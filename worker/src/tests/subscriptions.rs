//! Changes of a subscription: the call names it, and nothing else tells the operator.

use super::test_edge::{ACME, EdgeResponse, NOVA, TestEdge, operators, partners, request};
use crate::platform::Unreachable;
use serde_json::{Value, json};

const CHANGE: &str = "/ott/v1/partnerSubscription/s-1";

fn cancelled() -> Value {
    json!({"status": "CANCELLED", "reason": "Moved away"})
}

fn recorded() -> Value {
    json!({"partnerSubscriptionID": "s-1", "status": "CANCELLED"})
}

fn asks(origin: &str) -> String {
    format!("POST {origin}/edge/v1/subscription")
}

fn changes(origin: &str) -> String {
    format!("PUT {origin}{CHANGE}")
}

/// Nova has the subscription, Acme does not; either would change one if it got the call.
fn nova_has_it() -> TestEdge {
    let edge = TestEdge::new();
    edge.stub_refusal(&asks(ACME), 404, "subscription-not-found");
    edge.stub_response(&asks(NOVA), 200, &json!({"operator": "nova"}));
    for origin in [ACME, NOVA] {
        edge.stub_response(&changes(origin), 200, &recorded());
    }
    edge
}

async fn put(edge: &TestEdge) -> EdgeResponse {
    edge.call_as_netflix("PUT", CHANGE, &cancelled()).await
}

#[tokio::test]
async fn subscription_change_reaches_only_its_operator() {
    let edge = nova_has_it();
    let response = put(&edge).await;
    assert_eq!((response.status(), response.json()), (200, recorded()));
    let sent = edge.platform.take_sent();
    let to: Vec<_> = sent.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect();
    assert_eq!(to, [asks(ACME), asks(NOVA), changes(NOVA)]);
    let asked: Value = serde_json::from_slice(sent[0].body()).expect("is JSON");
    assert_eq!(asked, json!({"partner": "netflix", "partnerSubscriptionID": "s-1"}), "not the change itself");
    assert_eq!(*sent[2].body(), cancelled().to_string(), "byte for byte");
    assert!(sent[2].headers().contains_key("onbill-partner-signature"));
    let rise = json!({"changeID": "ch-1", "price": {"value": 1799, "currency": "USD"}, "effectiveFrom": "2027-01-01"});
    assert_eq!(edge.call_as_netflix("PUT", CHANGE, &rise).await.status(), 200);
    let sent = edge.platform.take_sent();
    assert_eq!(sent.last().map(|request| request.body().clone()), Some(rise.to_string().into()));
    edge.stub_refusal(&changes(NOVA), 400, "invalid-request");
    assert_eq!(put(&edge).await.refusal(), (400, "invalid-request".to_owned()));
}

#[tokio::test]
async fn subscription_change_waits_until_its_operator_is_certain() {
    let edge = nova_has_it();
    for unsure in
        [Err(Unreachable::TimedOut), Ok(super::test_edge::upstream_response(200, r#"{"operator":"acme"}"#))]
    {
        edge.stub_result(&asks(ACME), unsure);
        assert_eq!(put(&edge).await.refusal(), (503, "service-unavailable".to_owned()));
    }
    assert!(edge.sent_targets().iter().all(|to| !to.starts_with("PUT")));
    for origin in [ACME, NOVA] {
        edge.stub_refusal(&asks(origin), 404, "subscription-not-found");
    }
    assert_eq!(put(&edge).await.refusal(), (404, "subscription-not-found".to_owned()));

    // The only operator is not asked first.
    let mut operators = operators();
    operators[0]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    edge.stub_response(&changes(NOVA), 200, &recorded());
    assert_eq!(put(&edge).await.status(), 200);
    assert_eq!(edge.sent_targets(), [changes(NOVA)]);
}

#[tokio::test]
async fn invalid_change_is_refused_without_any_origin() {
    let edge = nova_has_it();
    let unsigned = edge.send(request("PUT", CHANGE, &cancelled().to_string())).await;
    assert_eq!(unsigned.refusal(), (401, "authorization-failure".to_owned()));
    // The signature covers the method and the name in the path.
    for (signed_as, at) in [("POST", CHANGE), ("PUT", "/ott/v1/partnerSubscription/s-2")] {
        let signed = edge.signed_request("netflix-1", signed_as, at, &cancelled());
        let mut moved = request("PUT", CHANGE, &cancelled().to_string());
        for name in ["signature-input", "signature", "content-digest"] {
            moved.headers_mut().insert(name, signed.headers()[name].clone());
        }
        assert_eq!(edge.send(moved).await.refusal().0, 401, "{signed_as} {at}");
    }
    let mut typed = request("PUT", CHANGE, "{}");
    typed.headers_mut().insert("content-type", "text/plain".parse().expect("is a value"));
    assert_eq!(edge.send(typed).await.refusal(), (415, "unsupported-media-type".to_owned()));
    for bad in [
        json!({}),
        json!({"changeID": "ch-1"}),
        json!({"status": "GONE"}),
        json!({"status": "ACTIVE", "reason": ""}),
        json!([]),
    ] {
        let response = edge.call_as_netflix("PUT", CHANGE, &bad).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "{bad}");
    }
    let response = edge.call_as_netflix("PUT", "/ott/v1/partnerSubscription/a%20b", &cancelled()).await;
    assert_eq!(response.refusal(), (400, "invalid-request".to_owned()));
    assert!(edge.sent_targets().is_empty());
}
