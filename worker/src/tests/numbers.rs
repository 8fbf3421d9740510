//! Calls about a number: the operator that they go to, and that they go to no other.

use super::test_edge::{ACME, NOVA, NUMBER, TestEdge, operators, pai, partners, upstream_response};
use crate::platform::{RateLimiter, Unreachable};
use serde_json::{Value, json};

const CALLS: [&str; 2] = ["/ott/v1/account/validate", "/ott/v1/pin"];

fn success_of(path: &str, operator: &str) -> (u16, Value) {
    if path == CALLS[0] {
        (200, json!({"status": "ACTIVE", "type": "postpaid", "pai": pai(), "operator": operator, "more": 1}))
    } else {
        (202, json!({"pinID": "p-1", "expiresAt": "2026-11-18T11:16:40Z"}))
    }
}

/// Both operators response both calls.
fn answering(edge: &TestEdge) {
    for path in CALLS {
        for (origin, operator) in [(ACME, "acme"), (NOVA, "nova")] {
            let (status, body) = success_of(path, operator);
            edge.stub_response(&format!("POST {origin}{path}"), status, &body);
        }
    }
}

fn sim_of(operator: Option<&str>) -> Value {
    let mut body = json!({"msisdn": NUMBER});
    if let Some(operator) = operator {
        body["operator"] = json!(operator);
    }
    body
}

#[tokio::test]
async fn number_goes_only_to_the_named_operator() {
    let edge = TestEdge::new();
    answering(&edge);
    for path in CALLS {
        for (origin, operator) in [(ACME, "acme"), (NOVA, "nova")] {
            let body = sim_of(Some(operator));
            let response = edge.call_as_netflix("POST", path, &body).await;
            assert_eq!((response.status(), response.json()), success_of(path, operator));
            let sent = edge.platform.take_sent();
            assert_eq!(sent.len(), 1);
            assert_eq!(sent[0].uri().to_string(), format!("{origin}{path}"));
            assert_eq!(*sent[0].body(), body.to_string(), "byte for byte");
            assert!(!sent[0].headers().contains_key("onbill-subscriber"));
        }
    }
    assert!(edge.platform.kv_entries().is_empty());
}

#[tokio::test]
async fn unnamed_operator_must_be_the_only_one() {
    let edge = TestEdge::new();
    answering(&edge);
    for path in CALLS {
        let response = edge.call_as_netflix("POST", path, &sim_of(None)).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()));
        assert!(response.json()["message"].to_string().contains("operator is needed"));
        for unknown in ["other", "netflix"] {
            let response = edge.call_as_netflix("POST", path, &sim_of(Some(unknown))).await;
            assert_eq!(response.refusal(), (400, "parameter-not-supported".to_owned()), "{unknown}");
        }
        let response = edge.call_as_netflix("POST", path, &sim_of(Some("ACME"))).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "no operator's name");
    }
    assert!(edge.platform.take_sent().is_empty());

    // Of two operators, one sells this partner: it is the only one, and the other is as good as
    // absent.
    let mut operators = operators();
    operators[0]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    answering(&edge);
    for path in CALLS {
        let response = edge.call_as_netflix("POST", path, &sim_of(None)).await;
        assert_eq!((response.status(), response.json()), success_of(path, "nova"));
        let response = edge.call_as_netflix("POST", path, &sim_of(Some("acme"))).await;
        assert_eq!(response.refusal(), (400, "parameter-not-supported".to_owned()));
        assert_eq!(edge.sent_targets(), [format!("POST {NOVA}{path}")]);
    }
    // No operator sells it.
    operators[1]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    let response = edge.call_as_netflix("POST", CALLS[1], &sim_of(None)).await;
    assert_eq!(response.refusal(), (400, "parameter-not-supported".to_owned()));
}

#[tokio::test]
async fn number_is_never_sent_to_a_second_operator() {
    let edge = TestEdge::new();
    answering(&edge);
    let to = format!("POST {ACME}{}", CALLS[0]);
    for (status, code) in [
        (404, "account-not-found"),
        (400, "suspended-non-payment"),
        (400, "insufficient-balance"),
        (400, "account-not-eligible"),
        (400, "pin-invalid"),
        (400, "pin-expired"),
        (400, "parameter-not-supported"),
        (429, "too-many-requests"),
    ] {
        edge.stub_refusal(&to, status, code);
        let response = edge.call_as_netflix("POST", CALLS[0], &sim_of(Some("acme"))).await;
        assert_eq!(response.refusal(), (status, code.to_owned()));
    }
    edge.platform.take_sent();
    let of_another = success_of(CALLS[0], "nova").1.to_string();
    for response in [
        Err(Unreachable::TimedOut),
        Ok(upstream_response(200, "{}")),
        Ok(upstream_response(200, &of_another)),
        Ok(upstream_response(404, r#"{"code":"not-found","message":"m"}"#)),
    ] {
        edge.stub_result(&to, response);
        let response = edge.call_as_netflix("POST", CALLS[0], &sim_of(Some("acme"))).await;
        assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()));
        assert_eq!(edge.sent_targets(), [to.as_str()]);
    }
}

#[tokio::test]
async fn number_calls_have_a_rate_of_their_own() {
    let edge = TestEdge::new();
    answering(&edge);
    edge.platform.exhaust_rate(RateLimiter::Device, true);
    for path in CALLS {
        let response = edge.call_as_netflix("POST", path, &sim_of(Some("acme"))).await;
        assert_eq!(response.refusal(), (429, "too-many-requests".to_owned()));
    }
    assert!(edge.platform.take_sent().is_empty());
    let response = edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null).await;
    assert_ne!(response.status(), 429, "charges continue");
}
