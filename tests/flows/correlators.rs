//! One correlator and one trace through all parties: a search of the logs for either shows what
//! edge, origin, billing and partner did about one thing.

use http::{Method, StatusCode};
use onbill_domain::correlator::Correlator;
use onbill_domain::trace_context::TraceParent;
use onbill_origin::call_trace::CallTrace;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, NETFLIX, NetworkFault, StoredCall, TestSystem};
use serde_json::json;
use tracing::Level;

const GOOD: &str = "+12025550101";
const NOVA: &str = "+34612345601";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const BILLING_HOST: &str = "127.0.0.1:8790";
const CORRELATOR: &str = "bill-run/2026-12;1";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
/// What the partner's tracing system has added, which may be anything.
const STATE: &str = "partner=t61rcWkgMzE";
/// What an operator's CRM may make of its customer's number.
const WITH_NUMBER: &str = "crm-12025550101";

/// The trace and the call of a `traceparent`.
fn trace_of(call: &StoredCall) -> (String, String) {
    let parent = call.request.0["traceparent"].to_str().expect("is text");
    let parts: Vec<&str> = parent.split('-').collect();
    assert!(parts.len() == 4 && parts[0] == "00", "{parent}");
    (parts[1].to_owned(), parts[2].to_owned())
}

/// Posts a charge with this correlator, in a trace of the partner's.
async fn post_traced_charge(system: &TestSystem, pai: &str, traceparent: &str) -> serde_json::Value {
    let mut request =
        system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge_body(pai, "c-1", 1599));
    request.headers_mut().insert("x-correlator", CORRELATOR.parse().expect("is a value"));
    request.headers_mut().insert("traceparent", traceparent.parse().expect("is a value"));
    request.headers_mut().insert("tracestate", STATE.parse().expect("is a value"));
    let (status, answer) = system.send_request(request).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer
}

#[tokio::test]
async fn one_search_shows_edge_origin_billing_and_partner() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (log, _guard) = LogCapture::capture_thread(Level::INFO);
    let before = system.network.calls_after(0).len();
    // Billing's answer is lost. The charge is settled by its job, and reported by another.
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    let answer = post_traced_charge(&system, &pai, &format!("00-{TRACE}-b7ad6b7169203331-01")).await;
    assert_eq!(answer["status"], "PENDING");
    system.network.clear_faults();
    // The partner is away at first: the job keeps both.
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), NetworkFault::Lost);
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    system.network.clear_faults();
    system.advance_seconds(3_600);
    system.acme.deliver_due().await;

    let calls = system.network.calls_after(before);
    let paths: Vec<&str> = calls.iter().map(|call| call.path.as_str()).collect();
    let id = answer["transactionID"].as_str().expect("is text");
    let asked = format!("/csp/transaction/{id}");
    for path in ["/ott/v1/transaction", "/csp/transaction", &asked, "/transaction-state"] {
        assert!(paths.contains(&path), "{path} in {paths:?}");
    }
    let mut parents = Vec::new();
    for call in &calls {
        assert_eq!(call.request.0["x-correlator"], CORRELATOR, "{}", call.path);
        let (trace, parent) = trace_of(call);
        assert_eq!(trace, TRACE, "{}", call.path);
        parents.push(parent);
    }
    parents.sort();
    parents.dedup();
    assert_eq!(parents.len(), calls.len(), "each call is one of its own in the trace");

    let edge = system.edge.log_lines();
    for word in [CORRELATOR, TRACE] {
        assert!(edge.iter().any(|line| line.contains(word)), "edge: {word}");
        for party in [
            "route=\"/ott/v1/transaction\"",
            "kind=\"charge-notice\"",
            "party=\"billing\"",
            "party=\"partner\"",
        ] {
            let text = log.to_text();
            let found = text.lines().any(|line| line.contains(word) && line.contains(party));
            assert!(found, "{party}: {word}");
        }
    }
}

#[tokio::test]
async fn tracestate_reaches_billing_only() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (log, _guard) = LogCapture::capture_thread(Level::TRACE);
    let before = system.network.calls_after(0).len();
    // Billing's answer is lost: a job asks again, and another tells the partner.
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    post_traced_charge(&system, &pai, &format!("00-{TRACE}-b7ad6b7169203331-01")).await;
    system.network.clear_faults();
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let calls = system.network.calls_after(before);
    let with_state = calls.iter().filter(|call| call.request.0.contains_key("tracestate"));
    let mut with_state: Vec<_> =
        with_state.map(|call| (call.authority.as_str(), call.path.as_str())).collect();
    with_state.sort_unstable();
    with_state.dedup();
    let origin = system.acme.origin_address;
    let mut expected =
        [(EDGE, "/ott/v1/transaction"), (origin, "/ott/v1/transaction"), (BILLING_HOST, "/csp/transaction")];
    expected.sort_unstable();
    assert_eq!(with_state, expected);
    assert!(calls.iter().any(|call| call.path == "/transaction-state"), "the webhook was sent");
    let edge = system.edge.log_lines().concat();
    assert!(!log.to_text().contains("t61rcWkgMzE") && !edge.contains("t61rcWkgMzE"), "it is in no log");
}

#[tokio::test]
async fn charge_billed_by_file_keeps_its_trace() {
    let system = TestSystem::with_files().await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = system.pai_of("ann@example.com").await;
    let answer = post_traced_charge(&system, &pai, &format!("00-{TRACE}-b7ad6b7169203331-01")).await;
    assert_eq!(answer["status"], "PENDING");
    let before = system.network.calls_after(0).len();
    let make_round = async |name: &str| {
        let correlator = Correlator::parse(name).expect("is well formed");
        let round = CallTrace::new(correlator, TraceParent::begin([9; 16]));
        round.scope(system.acme.run_filing()).await;
    };
    make_round("round-that-makes-the-file").await;
    assert_eq!(system.acme.process_files().len(), 1);
    make_round("round-that-reads-the-response").await;
    // The partner is away at first.
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), NetworkFault::Lost);
    system.acme.deliver_due().await;
    system.network.clear_faults();
    system.advance_seconds(3_600);
    system.acme.deliver_due().await;
    let calls = system.network.calls_after(before);
    let webhook = calls.iter().find(|call| call.path == "/transaction-state").expect("the webhook was sent");
    assert_eq!(webhook.request.0["x-correlator"], CORRELATOR);
    assert_eq!(trace_of(webhook).0, TRACE);
    assert!(!webhook.request.0.contains_key("tracestate"));
}

#[tokio::test]
async fn malformed_trace_begins_a_new_one() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let before = system.network.calls_after(0).len();
    post_traced_charge(&system, &pai, &format!("00-{TRACE}-0000000000000000-01")).await;
    let calls = system.network.calls_after(before);
    let ours: Vec<String> = calls[1..].iter().map(|call| trace_of(call).0).collect();
    assert!(!ours.is_empty() && ours.iter().all(|trace| *trace == ours[0] && trace != TRACE), "{ours:?}");
}

#[tokio::test]
async fn signup_session_and_codes_have_the_visits_trace() {
    let system = TestSystem::start();
    let before = system.network.calls_after(0).len();
    system.sign_up(&system.nova, NOVA, AccountChoice::New("bea@example.com")).await;
    let calls = system.network.calls_after(before);
    // The trace of the call of the widget that each of these follows from.
    let trace_at = |path: &str| {
        let call = calls.iter().find(|call| call.path == path).unwrap_or_else(|| panic!("{path}"));
        (trace_of(call).0, call.request.0["x-correlator"].clone())
    };
    assert_eq!(trace_at("/csp/notification"), trace_at("/edge/v1/validate"));
    assert_eq!(trace_at("/signup-sessions"), trace_at("/edge/v1/signup"));
    assert_ne!(trace_at("/signup-sessions").0, trace_at("/edge/v1/validate").0);
}

#[tokio::test]
async fn account_event_is_traced_to_partner_and_edge() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let before = system.network.calls_after(0).len();
    let event = json!({"eventID": "e-1", "type": "suspended", "msisdn": GOOD,
        "occurredAt": system.now().to_string()});
    assert_eq!(system.call_acme_origin("/account-events", &event).await.0, StatusCode::OK);
    system.acme.deliver_due().await;
    let calls = system.network.calls_after(before);
    let traced: Vec<_> = calls.iter().filter(|call| call.request.0.contains_key("traceparent")).collect();
    let paths: Vec<&str> = traced.iter().map(|call| call.path.as_str()).collect();
    assert!(
        paths.contains(&"/account-state") && paths.iter().any(|path| path.starts_with("/origin/")),
        "{paths:?}"
    );
    assert!(traced.iter().all(|call| trace_of(call).0 == trace_of(traced[0]).0));
    // The operator gave no correlator: the one that the origin made up is in its answer too.
    let answered = calls.iter().find(|call| call.path == "/operator/v1/account-events").expect("was called");
    assert_eq!(answered.response.0["x-correlator"], traced[0].request.0["x-correlator"]);
}

#[tokio::test]
async fn operators_own_correlator_goes_no_further() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let (log, _guard) = LogCapture::capture_thread(Level::INFO);
    let before = system.network.calls_after(0).len();
    let event = json!({"eventID": "e-1", "type": "suspended", "msisdn": GOOD,
        "occurredAt": system.now().to_string()});
    let mut request = system.sign_as_acme_systems("/account-events", &event);
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    request.headers_mut().insert("x-correlator", WITH_NUMBER.parse().expect("is a value"));
    request.headers_mut().insert("traceparent", parent.parse().expect("is a value"));
    let answer = system.network.send_call(request).await.expect("answers");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["x-correlator"], WITH_NUMBER);
    system.acme.deliver_due().await;
    let calls = system.network.calls_after(before);
    let traced: Vec<_> = calls
        .iter()
        .filter(|call| call.path != "/operator/v1/account-events")
        .filter(|call| call.request.0.contains_key("traceparent"))
        .collect();
    let paths: Vec<&str> = traced.iter().map(|call| call.path.as_str()).collect();
    assert!(
        paths.contains(&"/account-state") && paths.iter().any(|path| path.starts_with("/origin/")),
        "{paths:?}"
    );
    // The trace joins all of it, and one correlator of the origin's own.
    let ours = traced[0].request.0["x-correlator"].clone();
    assert_ne!(ours, WITH_NUMBER);
    for call in &traced {
        assert_eq!(call.request.0["x-correlator"], ours, "{}", call.path);
        assert_eq!(trace_of(call).0, TRACE, "{}", call.path);
    }
    assert_eq!(log.count(WITH_NUMBER), 0, "nor is it in the log");
    assert!(log.to_text().contains(ours.to_str().expect("is text")));
}
