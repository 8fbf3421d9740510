//! Refunds: the call does not name the operator of the charge, and only one operator refunds it.

use super::test_edge::{ACME, EdgeResponse, NOVA, TestEdge, operators, partners};
use crate::platform::Unreachable;
use serde_json::{Value, json};

const REFUND: &str = "/ott/v1/transaction/n-1/refund";

fn refund() -> Value {
    json!({"extRefundID": "r-1", "amount": {"value": 800, "currency": "USD"}, "reason": "Half a month"})
}

fn refunded(charge: &str, refund: &str) -> Value {
    json!({"refundID": "f-1", "extRefundID": refund, "extTransactionID": charge, "status": "PENDING",
           "amount": {"value": 800, "currency": "USD"}, "remaining": {"value": 799, "currency": "USD"}})
}

fn asks(origin: &str) -> String {
    format!("POST {origin}/edge/v1/transaction")
}

fn refunds(origin: &str) -> String {
    format!("POST {origin}{REFUND}")
}

/// Acme has the charge, Nova does not; either would refund it if it got the call.
fn acme_has_it() -> TestEdge {
    let edge = TestEdge::new();
    edge.stub_response(&asks(ACME), 200, &json!({"operator": "acme"}));
    edge.stub_refusal(&asks(NOVA), 404, "transaction-not-found");
    for origin in [ACME, NOVA] {
        edge.stub_response(&refunds(origin), 201, &refunded("n-1", "r-1"));
    }
    edge
}

async fn post(edge: &TestEdge) -> EdgeResponse {
    edge.call_as_netflix("POST", REFUND, &refund()).await
}

#[tokio::test]
async fn refund_reaches_only_the_operator_of_its_charge() {
    let edge = acme_has_it();
    let response = post(&edge).await;
    assert_eq!((response.status(), response.json()), (201, refunded("n-1", "r-1")));
    let sent = edge.platform.take_sent();
    let to: Vec<_> = sent.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect();
    assert_eq!(to, [asks(ACME), asks(NOVA), refunds(ACME)]);
    let asked: Value = serde_json::from_slice(sent[0].body()).expect("is JSON");
    assert_eq!(asked, json!({"partner": "netflix", "extTransactionID": "n-1"}), "not the refund itself");
    assert_eq!(*sent[2].body(), refund().to_string(), "byte for byte");
    assert!(sent[2].headers().contains_key("onbill-partner-signature"));
    for question in &sent[..2] {
        assert!(!question.headers().contains_key("onbill-partner-signature"), "the origin is only asked");
    }
    for (status, code) in
        [(400, "invalid-request"), (409, "request-in-progress"), (422, "idempotency-violation")]
    {
        edge.stub_refusal(&refunds(ACME), status, code);
        assert_eq!(post(&edge).await.refusal(), (status, code.to_owned()));
    }
}

#[tokio::test]
async fn refund_with_one_operator_needs_no_lookup() {
    let mut operators = operators();
    operators[1]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    edge.stub_response(&refunds(ACME), 200, &refunded("n-1", "r-1"));
    assert_eq!(post(&edge).await.status(), 200);
    assert_eq!(edge.sent_targets(), [refunds(ACME)]);
    edge.stub_refusal(&refunds(ACME), 404, "transaction-not-found");
    assert_eq!(post(&edge).await.refusal(), (404, "transaction-not-found".to_owned()));
    edge.stub_result(&refunds(ACME), Err(Unreachable::TimedOut));
    assert_eq!(post(&edge).await.refusal(), (503, "service-unavailable".to_owned()));
    assert_eq!(edge.sent_targets().len(), 2, "a spent nonce is not sent again");
}

#[tokio::test]
async fn charge_at_two_operators_is_refunded_at_neither() {
    let edge = acme_has_it();
    edge.stub_response(&asks(NOVA), 200, &json!({"operator": "nova"}));
    assert_eq!(post(&edge).await.refusal(), (503, "service-unavailable".to_owned()));
    assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA)]);
    assert!(edge.platform.log_lines().iter().any(|line| line.contains("another operator claims too")));
}

/// Were it sent to the one that responses today, the same call could be sent to the other one
/// tomorrow.
#[tokio::test]
async fn refund_waits_until_every_operator_responds() {
    let silent = || Err(Unreachable::TimedOut);
    for other_has_it in [true, false] {
        let edge = acme_has_it();
        if !other_has_it {
            edge.stub_refusal(&asks(ACME), 404, "transaction-not-found");
        }
        edge.stub_result(&asks(NOVA), silent());
        assert_eq!(post(&edge).await.refusal(), (503, "service-unavailable".to_owned()));
        for confused in [(404, "not-found"), (401, "authorization-failure"), (500, "internal-error")] {
            edge.stub_refusal(&asks(NOVA), confused.0, confused.1);
            assert_eq!(post(&edge).await.refusal().0, 503, "{confused:?}");
        }
        for odd in [json!({}), json!({"operator": "acme"})] {
            edge.stub_response(&asks(NOVA), 200, &odd);
            assert_eq!(post(&edge).await.refusal().0, 503, "{odd}");
        }
        assert!(edge.sent_targets().iter().all(|to| !to.ends_with(REFUND)));
    }
}

#[tokio::test]
async fn charge_is_unknown_when_every_operator_says_so() {
    let edge = acme_has_it();
    edge.stub_refusal(&asks(ACME), 404, "transaction-not-found");
    assert_eq!(post(&edge).await.refusal(), (404, "transaction-not-found".to_owned()));
    assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA)]);
}

#[tokio::test]
async fn invalid_refund_is_refused_without_any_origin() {
    let edge = acme_has_it();
    let bad: [fn(&mut Value); 9] = [
        |r| r["amount"]["value"] = json!(0),
        |r| r["amount"]["value"] = json!(-1),
        |r| r["amount"]["value"] = json!(7.5),
        |r| r["amount"]["value"] = json!("800"),
        |r| r["amount"]["currency"] = json!("XXX"),
        |r| r["extRefundID"] = json!("x".repeat(300)),
        |r| r["extRefundID"] = json!(".."),
        |r| r["reason"] = json!(""),
        |r| r["reason"] = Value::Null,
    ];
    for change in bad {
        let mut body = refund();
        change(&mut body);
        let response = edge.call_as_netflix("POST", REFUND, &body).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "{body}");
    }
    for path in ["/ott/v1/transaction/a%20b/refund", "/ott/v1/transaction/%FF/refund"] {
        assert_eq!(
            edge.call_as_netflix("POST", path, &refund()).await.refusal().1,
            "invalid-request",
            "{path}"
        );
    }
    assert!(edge.sent_targets().is_empty());
}

#[tokio::test]
async fn refund_status_is_queried_at_every_operator() {
    let edge = TestEdge::new();
    let path = format!("{REFUND}/r-1");
    let at = |origin: &str| format!("GET {origin}{path}");
    let status = || edge.call_as_netflix("GET", &path, &Value::Null);
    let missing = |origin| edge.stub_refusal(&at(origin), 404, "transaction-not-found");
    missing(ACME);
    edge.stub_response(&at(NOVA), 200, &refunded("n-1", "r-1"));
    let response = status().await;
    assert_eq!((response.status(), response.json()), (200, refunded("n-1", "r-1")));
    assert_eq!(edge.sent_targets(), [at(ACME), at(NOVA)]);
    edge.stub_result(&at(ACME), Err(Unreachable::Broken));
    assert_eq!(status().await.status(), 200, "one that has it is enough to read");
    edge.stub_response(&at(ACME), 200, &refunded("n-1", "r-1"));
    assert_eq!(status().await.refusal(), (503, "service-unavailable".to_owned()), "two claim it");
    missing(ACME);
    for other in [refunded("n-2", "r-1"), refunded("n-1", "r-2")] {
        edge.stub_response(&at(NOVA), 200, &other);
        assert_eq!(status().await.refusal().0, 503, "about another refund");
    }
    missing(NOVA);
    assert_eq!(status().await.refusal(), (404, "transaction-not-found".to_owned()));
    edge.stub_result(&at(ACME), Err(Unreachable::Broken));
    assert_eq!(status().await.refusal().0, 503, "the silent one may have it");
}
