//! What the edge says of a call: its line in the log and its data point; and the `tracestate` that it
//! passes on.

use super::ott::{charge, charged};
use super::test_edge::{ACME, NOVA, NUMBER, TestEdge, from_frame, mapping, pai, request};
use http::Request;
use serde_json::{Value, json};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const VALIDATE: &str = "/widget/v1/account/validate";
const STATE: &str = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";

/// The newest line of the log.
fn last_line(edge: &TestEdge) -> Value {
    serde_json::from_str(&edge.platform.log_lines().pop().expect("is logged")).expect("is JSON")
}

fn knows_acme(edge: &TestEdge) {
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "ACTIVE", 1).to_string()));
}

/// A call of Netflix about a charge, with these header fields.
fn signed_charge(edge: &TestEdge, fields: &[(&'static str, &str)]) -> Request<bytes::Bytes> {
    let mut call = edge.signed_request("netflix-1", "POST", "/ott/v1/transaction", &charge());
    for (name, value) in fields {
        call.headers_mut().append(*name, value.parse().expect("is a value"));
    }
    call
}

#[tokio::test]
async fn line_of_a_charge_says_who_what_and_how_long() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    edge.stub_response(&format!("POST {ACME}/ott/v1/transaction"), 201, &charged());
    edge.slow_network(1);
    let call = signed_charge(&edge, &[("x-correlator", "run-1"), ("traceparent", PARENT)]);
    assert_eq!(edge.send(call).await.status(), 201);
    let mut line = last_line(&edge);
    let span_id = line.as_object_mut().and_then(|line| line.remove("span_id")).expect("is there");
    assert!(span_id.as_str().is_some_and(|id| id.len() == 16 && !PARENT.contains(id)), "{span_id}");
    let expected = json!({
        "time": "2026-11-18T11:06:41.000Z", "level": "info", "version": env!("CARGO_PKG_VERSION"),
        "service": "edge", "message": "answered", "correlator": "run-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "method": "POST", "route": "/ott/v1/transaction",
        "status": 201, "operator": "acme", "partner": "netflix", "outcome": "ok", "duration_ms": 1000,
        "origin_ms": 1000,
    });
    assert_eq!(line, expected);
}

#[tokio::test]
async fn line_of_a_failure_has_code_and_cause() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    assert_eq!(edge.send(signed_charge(&edge, &[])).await.status(), 503);
    let line = last_line(&edge);
    let fields = ["level", "outcome", "reason", "fault", "operator"].map(|field| line[field].clone());
    assert_eq!(
        fields,
        ["error", "failed", "service-unavailable", "operator:acme: no connection", "acme"].map(Value::from)
    );
    edge.call_as_netflix("POST", "/ott/v1/transaction", &json!({})).await;
    let line = last_line(&edge);
    let fields = ["level", "outcome", "reason", "partner"].map(|field| line[field].clone());
    assert_eq!(fields, ["info", "refused", "invalid-request", "netflix"].map(Value::from));
    assert!(line.get("fault").is_none() && line.get("operator").is_none(), "{line}");
}

#[tokio::test]
async fn each_request_has_one_data_point() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    edge.stub_response(&format!("POST {ACME}/ott/v1/transaction"), 201, &charged());
    edge.slow_network(1);
    edge.send(signed_charge(&edge, &[])).await;
    // Of two operators that are asked, the one that has the charge is the call's.
    edge.stub_response(&format!("GET {NOVA}/ott/v1/transaction/n-1"), 200, &charged());
    edge.stub_refusal(&format!("GET {ACME}/ott/v1/transaction/n-1"), 404, "transaction-not-found");
    edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null).await;
    edge.call_from_frame(
        VALIDATE,
        &json!({"operator": "acme", "offer": "netflix-standard", "msisdn": NUMBER,
        "locale": "en"}),
    )
    .await;
    let shown = edge.get("/widget/v1/frame?operator=acme&offer=netflix-standard&locale=es").await;
    assert_eq!(shown.status(), 200);
    edge.get(&format!("/{NUMBER}?msisdn={NUMBER}")).await;
    edge.send(request(NUMBER.trim_start_matches('+'), "/healthz", "")).await;
    let version = env!("CARGO_PKG_VERSION");
    let points = edge.platform.data_points();
    let rows: Vec<_> = points.iter().map(|point| (point.index.as_str(), point.words.each_ref())).collect();
    let rows: Vec<_> = rows.into_iter().map(|(index, words)| (index, words.map(String::as_str))).collect();
    let one = "/ott/v1/transaction/{extTransactionID}";
    assert_eq!(
        rows,
        [
            ("acme", ["/ott/v1/transaction", "acme", "netflix", "201", "", version, ""]),
            ("nova", [one, "nova", "netflix", "200", "", version, ""]),
            ("acme", [VALIDATE, "acme", "", "503", "service-unavailable", version, ""]),
            ("acme", ["/widget/v1/frame", "acme", "", "200", "", version, "es"]),
            ("none", ["none", "", "", "404", "not-found", version, ""]),
            ("/healthz", ["/healthz", "", "", "405", "method-not-allowed", version, ""]),
        ]
    );
    // Each response took a second; of the two that were asked, one after the other.
    let numbers: Vec<_> = points.iter().map(|point| point.numbers).collect();
    assert_eq!(numbers, [[1000.0; 2], [2000.0; 2], [1000.0; 2], [0.0; 2], [0.0; 2], [0.0; 2]]);
}

#[tokio::test]
async fn tracestate_goes_from_a_partner_to_the_origin_and_no_further() {
    let edge = TestEdge::new();
    knows_acme(&edge);
    edge.stub_response(&format!("POST {ACME}/ott/v1/transaction"), 201, &charged());
    let sent = async |call: Request<bytes::Bytes>| {
        edge.send(call).await;
        let sent = edge.platform.take_sent().pop().expect("was sent");
        sent.headers().get("tracestate").map(|value| value.to_str().expect("is text").to_owned())
    };
    let parent = ("traceparent", PARENT);
    let passed = async |fields: &[_]| sent(signed_charge(&edge, fields)).await;
    assert_eq!(passed(&[parent, ("tracestate", STATE)]).await.as_deref(), Some(STATE));
    let two = [parent, ("tracestate", "congo=1"), ("tracestate", "rojo=2")];
    assert_eq!(passed(&two).await.as_deref(), Some("congo=1,rojo=2"));
    // Without a trace that is continued it means nothing; a malformed one is dropped as a whole.
    let members = vec!["congo=1"; 33].join(",");
    assert_eq!(passed(&[("tracestate", STATE)]).await, None);
    assert_eq!(passed(&[("traceparent", "00-0af7"), ("tracestate", STATE)]).await, None);
    for bad in ["congo", "congo=1,=2", &members, &format!("congo={}", "1".repeat(512))] {
        assert_eq!(passed(&[parent, ("tracestate", bad)]).await, None, "{bad}");
    }
    // A browser may be anybody's.
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": NUMBER, "locale": "en"});
    let mut call = from_frame(request("POST", VALIDATE, &body.to_string()));
    for (name, value) in [parent, ("tracestate", STATE)] {
        call.headers_mut().append(name, value.parse().expect("is a value"));
    }
    assert_eq!(sent(call).await, None);
    let lines = edge.platform.log_lines().concat();
    assert!(!lines.contains("t61rcWkgMzE") && !lines.contains("rojo"), "{lines}");
}
