//! What every endpoint refuses alike: each is called with each of these mistakes.

use super::recorder::ResponseRecorder;
use super::request::{CallerKind, ScriptedCall, SignatureKind};
use http::{Method, StatusCode};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_edge::platform::RateLimiter;
use onbill_test_harness::NetworkFault;
use serde_json::json;

const ACME: &str = "127.0.0.1:8788";
const NOVA: &str = "127.0.0.1:9788";

/// Makes a call with every mistake that its caller can make. The call itself is valid, and is not
/// made.
pub(super) async fn record(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    recorder.begin_section(&format!("what {} {} refuses", call.method, call.path));
    wrong_method(recorder, call).await;
    wrong_correlator(recorder, call).await;
    if call.has_body() {
        wrong_body(recorder, call).await;
    }
    match call.caller() {
        CallerKind::Browser => wrong_place(recorder, call).await,
        _ => wrong_signature(recorder, call).await,
    }
    match call.caller() {
        CallerKind::Browser => over_rate(recorder, call, &[RateLimiter::Widget]).await,
        CallerKind::Partner(_) => {
            over_rate(recorder, call, &[RateLimiter::Partner, RateLimiter::Device]).await;
        }
        _ => {}
    }
    if matches!(call.caller(), CallerKind::Browser | CallerKind::Partner(_)) {
        out_of_reach(recorder, call).await;
    }
}

async fn wrong_method(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    let other = if call.method == Method::GET { Method::POST } else { Method::GET };
    for method in [other, Method::HEAD] {
        let wrong = call.clone().method(method.clone());
        recorder.call(&format!("by {method}"), wrong).await;
    }
}

async fn wrong_correlator(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    recorder.call("a malformed correlator", call.clone().header("x-correlator", "not a correlator")).await;
}

async fn wrong_body(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    recorder.call("another media type", call.clone().header("content-type", "text/plain")).await;
    recorder.call("no media type", call.clone().header("content-type", "")).await;
    recorder.call("a body over the limit", call.clone().body(vec![b' '; BODY_BYTES_MAX + 1])).await;
    recorder.call("a claimed length over the limit", call.clone().header("content-length", "99999")).await;
    recorder.call("no JSON", call.clone().body("{")).await;
    recorder.call("no members", call.clone().body("{}")).await;
}

async fn wrong_place(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    recorder.call("no Origin header", call.clone().header("origin", "")).await;
    recorder.call("another site's page", call.clone().header("origin", "https://evil.example")).await;
    recorder.call("a cross-site fetch", call.clone().header("sec-fetch-site", "cross-site")).await;
    recorder.call("an unknown operator", call.clone().body(json!({"operator": "none"}).to_string())).await;
}

async fn wrong_signature(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    for signing in [SignatureKind::Absent, SignatureKind::Forged, SignatureKind::Stale] {
        let reply =
            recorder.call(&format!("{signing:?} signature"), call.clone().with_signature(signing)).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
}

async fn over_rate(recorder: &mut ResponseRecorder, call: &ScriptedCall, rates: &[RateLimiter]) {
    for rate in rates {
        recorder.system.edge.exhaust_rate(*rate, true);
        recorder.call("over the rate", call.clone()).await;
        recorder.system.edge.exhaust_rate(*rate, false);
    }
}

/// All origins at once: none reports that it does not have the object.
async fn out_of_reach(recorder: &mut ResponseRecorder, call: &ScriptedCall) {
    for mishap in [NetworkFault::Lost, NetworkFault::Garbled] {
        recorder.system.network.inject_fault(ACME, mishap);
        recorder.system.network.inject_fault(NOVA, mishap);
        recorder.call(&format!("all origins: {mishap:?}"), call.clone()).await;
        recorder.system.network.clear_faults();
    }
}
