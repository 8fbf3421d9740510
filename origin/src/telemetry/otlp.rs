//! Spans as the body of a call to an OpenTelemetry collector: OTLP over HTTP, in its JSON encoding
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>).

use super::fields::Fields;
use super::own::VERSION;
use super::span::FinishedSpan;
use crate::ambient::since_epoch;
use serde_json::{Value, json};
use std::time::SystemTime;

/// `SpanKind` of the protocol.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const CONSUMER: u8 = 5;
/// `Status.code` of a span that has failed.
const ERROR: u8 = 2;
/// Fields that are members of a span, and no attributes.
const MEMBERS: [&str; 4] = ["trace_id", "span_id", "parent_span_id", "sampled"];
/// Outcomes after which a person may have to look.
const FAILURES: [&str; 4] = ["failed", "unreachable", "parked", "abandoned"];

/// The body of a call with these spans.
pub(super) fn encode_spans(operator: &str, spans: &[FinishedSpan]) -> Vec<u8> {
    let resource = [
        render_attribute("service.name", &"onbill-origin".into()),
        render_attribute("service.version", &VERSION.into()),
        render_attribute("operator", &operator.into()),
    ];
    let spans: Vec<Value> = spans.iter().map(encode_span).collect();
    let scope = json!({"name": "onbill", "version": VERSION});
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]});
    body.to_string().into_bytes()
}

fn encode_span(span: &FinishedSpan) -> Value {
    let fields = &span.fields;
    let attributes = fields.iter().filter(|(name, _)| !MEMBERS.contains(name));
    let attributes: Vec<Value> = attributes.map(|(name, value)| render_attribute(name, value)).collect();
    let mut encoded = json!({
        "traceId": fields.text("trace_id"),
        "spanId": fields.text("span_id"),
        "name": describe_span(span.name, fields),
        "kind": kind_of(span.name),
        "startTimeUnixNano": unix_nanoseconds(span.began_at),
        "endTimeUnixNano": unix_nanoseconds(span.ended_at),
        "attributes": attributes,
    });
    if let Some(parent) = fields.get("parent_span_id") {
        encoded["parentSpanId"] = parent.clone();
    }
    if FAILURES.contains(&fields.text("outcome")) {
        encoded["status"] = json!({"code": ERROR});
    }
    encoded
}

fn kind_of(name: &str) -> u8 {
    match name {
        "call" => SERVER,
        "send" => CLIENT,
        "job" => CONSUMER,
        _ => INTERNAL,
    }
}

/// What a list of spans shows: the name, with what distinguishes it from others of its kind.
fn describe_span(name: &str, fields: &Fields) -> String {
    let words = ["method", "receiver", "route", "kind", "call"].map(|field| fields.text(field));
    let words = words.into_iter().filter(|word| !word.is_empty());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

fn render_attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(value) => json!({"boolValue": value}),
        // A 64-bit integer is a text in the JSON of protobuf.
        Value::Number(value) if !value.is_f64() => json!({"intValue": value.to_string()}),
        Value::Number(value) => json!({"doubleValue": value}),
        Value::String(value) => json!({"stringValue": value}),
        other => json!({"stringValue": other.to_string()}),
    };
    json!({"key": name, "value": value})
}

fn unix_nanoseconds(time: SystemTime) -> String {
    since_epoch(time).as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn span_is_encoded_as_the_protocol_says() {
        let fields = Fields::of([
            ("trace_id", "0af7651916cd43dd8448eb211c80319c".into()),
            ("span_id", "b7ad6b7169203331".into()),
            ("parent_span_id", "00f067aa0ba902b7".into()),
            ("sampled", true.into()),
            ("method", "POST".into()),
            ("route", "/ott/v1/transaction".into()),
            ("status", 503.into()),
            ("duration_ms", 1.5.into()),
            ("outcome", "failed".into()),
        ]);
        let began_at = UNIX_EPOCH + Duration::from_nanos(1_795_000_000_000_000_001);
        let span =
            FinishedSpan { name: "call", fields, began_at, ended_at: began_at + Duration::from_millis(2) };
        let body: Value = serde_json::from_slice(&encode_spans("acme", &[span])).expect("is JSON");
        let encoded = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let expected = json!({
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
            "parentSpanId": "00f067aa0ba902b7", "name": "call POST /ott/v1/transaction", "kind": 2,
            "startTimeUnixNano": "1795000000000000001", "endTimeUnixNano": "1795000000002000001",
            "attributes": [
                {"key": "method", "value": {"stringValue": "POST"}},
                {"key": "route", "value": {"stringValue": "/ott/v1/transaction"}},
                {"key": "status", "value": {"intValue": "503"}},
                {"key": "duration_ms", "value": {"doubleValue": 1.5}},
                {"key": "outcome", "value": {"stringValue": "failed"}},
            ],
            "status": {"code": 2},
        });
        assert_eq!(*encoded, expected);
        let operator = &body["resourceSpans"][0]["resource"]["attributes"][2];
        assert_eq!(*operator, json!({"key": "operator", "value": {"stringValue": "acme"}}));
    }
}
