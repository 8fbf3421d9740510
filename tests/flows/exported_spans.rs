//! The spans of a charge, as a collector receives them over HTTP.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{Method, StatusCode};
use onbill_origin::config::TelemetrySettings;
use onbill_origin::http::HttpPeer;
use onbill_origin::telemetry::Telemetry;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::spellings::Search;
use onbill_test_harness::tcp::{listen_on, serve_router};
use onbill_test_harness::wait::wait_until;
use onbill_test_harness::{NETFLIX, NetworkFault, StoredCall, TestSystem};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const BILLING_HOST: &str = "127.0.0.1:8790";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A collector, and the bodies that it has received.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Listens, and has an origin's spans exported to it.
    async fn start(&self, telemetry: &Telemetry, ratio: f64, tasks: &mut JoinSet<()>) {
        let (listener, address) = listen_on(Ipv4Addr::LOCALHOST).await;
        let router = Router::new().route("/v1/traces", post(keep)).with_state(self.clone());
        serve_router(tasks, listener, router);
        let settings = json!({"otlp_endpoint": format!("http://{address}/"), "sample_ratio": ratio});
        let settings: TelemetrySettings = serde_json::from_value(settings).expect("are settings");
        let peer = HttpPeer::new(Duration::from_mins(1)).expect("starts");
        tasks.spawn(telemetry.export_spans(&settings, Arc::new(peer)).expect("has an endpoint"));
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.0.lock().expect("is not poisoned").clone()
    }

    fn spans(&self) -> Vec<Value> {
        let mut spans = Vec::new();
        for body in self.bodies() {
            let body: Value = serde_json::from_slice(&body).expect("is JSON");
            let resource = &body["resourceSpans"][0];
            let operator = json!({"key": "operator", "value": {"stringValue": "acme"}});
            assert!(resource["resource"]["attributes"].as_array().is_some_and(|all| all.contains(&operator)));
            spans.extend(resource["scopeSpans"][0]["spans"].as_array().cloned().unwrap_or_default());
        }
        spans
    }
}

async fn keep(State(collector): State<Collector>, body: Bytes) -> &'static str {
    collector.0.lock().expect("is not poisoned").push(body);
    "{}"
}

fn attribute(span: &Value, name: &str) -> Value {
    let attributes = span["attributes"].as_array().expect("is a list");
    let found = attributes.iter().find(|attribute| attribute["key"] == name);
    found.map_or(Value::Null, |attribute| attribute["value"].clone())
}

fn text(value: &str) -> Value {
    json!({"stringValue": value})
}

/// The id of the call in its `traceparent`.
fn sent_id(call: &StoredCall) -> &str {
    &call.request.0["traceparent"].to_str().expect("is text")[36..52]
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str, flags: &str) {
    let body = charge_body(pai, id, 1599);
    let mut request = system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &body);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-{flags}");
    request.headers_mut().insert("traceparent", parent.parse().expect("is a value"));
    assert_eq!(system.send_request(request).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn charge_is_one_tree_of_spans() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (telemetry, collector, mut tasks) = (Telemetry::default(), Collector::default(), JoinSet::new());
    telemetry.name_operator(&system.acme.app().config.operator);
    collector.start(&telemetry, 0.0, &mut tasks).await;
    let (_log, _guard) = LogCapture::capture_lines(&telemetry);
    let before = system.network.calls_after(0).len();
    // Billing's answer is lost. A job asks for it, and another tells the partner.
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    post_charge(&system, &pai, "c-1", "01").await;
    system.network.clear_faults();
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let is_exported =
        async || collector.spans().iter().any(|span| attribute(span, "kind") == text("charge-notice"));
    wait_until("the span of the webhook's job is there", is_exported).await;

    let spans = collector.spans();
    let named = |name: &'static str| spans.iter().filter(move |span| span["name"].as_str() == Some(name));
    let calls = system.network.calls_after(before);
    let to_origin = calls.iter().find(|call| call.authority == system.acme.origin_address);
    let call = named("call POST /ott/v1/transaction").next().expect("is there");
    assert_eq!(
        call["parentSpanId"],
        sent_id(to_origin.expect("was called")),
        "the edge's call is its parent"
    );
    assert_eq!((&call["kind"], attribute(call, "outcome")), (&json!(2), text("pending")));
    for job in ["job charge", "job charge-notice"] {
        let job = named(job).next().expect(job);
        assert_eq!((&job["parentSpanId"], &job["kind"]), (&call["spanId"], &json!(5)));
    }
    // Each call that the origin has made is a span, under the id that was sent.
    let made: Vec<_> =
        calls.iter().filter(|call| [BILLING_HOST, NETFLIX].contains(&call.authority.as_str())).collect();
    assert_eq!(made.len(), 3, "charge, look-up and webhook");
    for made in made {
        let span = spans.iter().find(|span| span["spanId"] == sent_id(made));
        let span = span.unwrap_or_else(|| panic!("{} {}", made.method, made.path));
        let job = match made.path.as_str() {
            "/csp/transaction" => call,
            "/transaction-state" => named("job charge-notice").next().expect("is there"),
            _ => named("job charge").next().expect("is there"),
        };
        assert_eq!((&span["parentSpanId"], &span["kind"]), (&job["spanId"], &json!(3)), "{}", made.path);
        assert_eq!(attribute(span, "method"), text(made.method.as_str()));
    }
    let lost = named("send POST billing transaction").next().expect("is there");
    assert_eq!((&lost["status"]["code"], attribute(lost, "outcome")), (&json!(2), text("unreachable")));
    for span in &spans {
        assert_eq!(span["traceId"], TRACE);
        let nanoseconds = |member: &str| span[member].as_str().and_then(|time| time.parse::<u64>().ok());
        assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"));
        let same = spans.iter().filter(|other| other["spanId"] == span["spanId"]).count();
        assert_eq!(same, 1, "each span is sent once");
    }
    let search = Search::for_numbers(&[GOOD]);
    for body in collector.bodies() {
        search.assert_absent("a span", &body);
        assert!(!body.windows(4).any(|bytes| bytes == b"/csp"), "no address is in a span");
    }
}

#[tokio::test]
async fn trace_is_exported_when_its_caller_or_chance_has_sampled_it() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (ratio, ids, expected) in
        [(0.0, ["c-1", "c-2"], ["01"].as_slice()), (1.0, ["c-3", "c-4"], &["00", "01"])]
    {
        let (telemetry, collector, mut tasks) = (Telemetry::default(), Collector::default(), JoinSet::new());
        telemetry.name_operator(&system.acme.app().config.operator);
        collector.start(&telemetry, ratio, &mut tasks).await;
        let (_log, _guard) = LogCapture::capture_lines(&telemetry);
        let before = system.network.calls_after(0).len();
        post_charge(&system, &pai, ids[0], "00").await;
        post_charge(&system, &pai, ids[1], "01").await;
        let received = system.network.calls_after(before);
        let received = received.iter().filter(|call| call.authority == system.acme.origin_address);
        let flags: Vec<(String, String)> = received
            .map(|call| {
                let parent = call.request.0["traceparent"].to_str().expect("is text");
                (parent[36..52].to_owned(), parent[53..].to_owned())
            })
            .collect();
        let exported = || {
            let spans = collector.spans();
            let is_there = |id: &String| spans.iter().any(|span| span["parentSpanId"] == *id);
            let there = flags.iter().filter(|(id, _)| is_there(id));
            there.map(|(_, flags)| flags.clone()).collect::<Vec<_>>()
        };
        wait_until("the sampled call is there", async || exported().iter().any(|flags| flags == "01")).await;
        assert_eq!(exported(), expected, "{ratio}");
    }
}
