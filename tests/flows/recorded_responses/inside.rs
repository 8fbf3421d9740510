//! The calls between edge and origin, made by hand: what each side refuses of the other.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall, SignatureKind};
use http::Method;
use onbill_edge::fake::KvFault;
use onbill_test_harness::NetworkFault;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    recorder.system.sign_up(&recorder.system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = recorder.system.pai_of("ann@example.com").await;
    recorder.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    recorder.skip();
    record_questions(recorder, &pai).await;
    spent_nonces(recorder, &pai).await;
    record_tokens(recorder).await;
    record_routing(recorder, &pai).await;
    record_mappings(recorder, &pai).await;
    edge_refusals(recorder, &pai).await;
    partner_refusals(recorder, &pai).await;
    let mapping = json!({"operator": "acme", "subscriber": "s-1", "state": "ACTIVE", "version": 1});
    let one = json!({"pai": pai, "mapping": mapping});
    let origin = CallerKind::Origin("acme");
    refusals::record(recorder, &ScriptedCall::post(origin, "/origin/v1/pai-mapping", &one)).await;
    let several = json!({"mappings": [one]});
    refusals::record(recorder, &ScriptedCall::post(origin, "/origin/v1/pai-mappings", &several)).await;
}

async fn record_questions(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("the edge's questions");
    let none = "00000000-0000-4000-8000-000000000000";
    for (path, body) in [
        ("pai", json!({"partner": "netflix", "pai": pai})),
        ("pai", json!({"partner": "netflix", "pai": none})),
        ("pai", json!({"partner": "tunes", "pai": pai})),
        ("transaction", json!({"partner": "netflix", "extTransactionID": "c-1"})),
        ("transaction", json!({"partner": "netflix", "extTransactionID": "none"})),
        ("subscription", json!({"partner": "netflix", "partnerSubscriptionID": "none"})),
    ] {
        recorder
            .call("a question", ScriptedCall::post(CallerKind::Edge, format!("/edge/v1/{path}"), &body))
            .await;
    }
}

async fn spent_nonces(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("a call that is replayed byte for byte");
    for call in [
        ScriptedCall::post(
            CallerKind::Partner("netflix"),
            "/ott/v1/transaction",
            &charge_body(pai, "c-2", 1599),
        ),
        ScriptedCall::post(CallerKind::Edge, "/edge/v1/validate", &validate_request()),
        ScriptedCall::get(CallerKind::Partner("netflix"), "/ott/v1/transaction/c-2"),
    ] {
        let request = call.build_request(&recorder.system);
        recorder.send("first", request.clone()).await;
        recorder.send("again", request).await;
    }
}

/// The token of the newest sign-up.
fn token_body(recorder: &ResponseRecorder) -> Value {
    let exchanges = recorder.system.network.calls_after(0);
    let opened = exchanges.iter().rev().find(|exchange| exchange.path == "/signup-sessions");
    let body: Value = serde_json::from_slice(&opened.expect("was opened").request.1).expect("is JSON");
    body["token"].clone()
}

async fn record_tokens(recorder: &mut ResponseRecorder) {
    recorder.begin_section("sign-up tokens");
    recorder.system.advance_seconds(1);
    let flow = recorder.system.prove_number(&recorder.system.acme, "+12025550102").await;
    recorder.system.open_signup(&recorder.system.acme, &flow).await;
    recorder.skip();
    let token = token_body(recorder);
    let spend = |token: &Value, reference: &str| json!({"token": token, "extReference": reference});
    let path = "/token/validate";
    recorder.partner("spent", Method::POST, path, &spend(&token, "t-1")).await;
    recorder.partner("again", Method::POST, path, &spend(&token, "t-1")).await;
    recorder.partner("by another reference", Method::POST, path, &spend(&token, "t-2")).await;
    recorder.partner("forged", Method::POST, path, &spend(&json!("not.a.token"), "t-1")).await;
    recorder.partner("no reference", Method::POST, path, &spend(&token, "")).await;
    let foreign =
        ScriptedCall::post(CallerKind::Partner("tunes"), "/ott/v1/token/validate", &spend(&token, "t-1"));
    recorder.call("another partner's", foreign).await;
    recorder.system.advance_seconds(86_400);
    recorder.partner("expired", Method::POST, path, &spend(&token, "t-1")).await;
}

/// How the edge finds the origin of a PAI that its store does not know, or not any more.
async fn record_routing(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("routing");
    let key = format!("pai/{pai}");
    let known = recorder.system.edge.kv_value(&key);
    for (label, value) in [("the store knows nothing", None), ("the store has no JSON", Some("{"))] {
        recorder.system.edge.kv_set(&key, value);
        let body = charge_body(pai, &format!("k-{}", label.len()), 1599);
        recorder.partner(label, Method::POST, "/transaction", &body).await;
    }
    for (n, fault) in [KvFault::ReadsFail, KvFault::WritesFail, KvFault::Down].into_iter().enumerate() {
        recorder.system.edge.kv_set(&key, None);
        recorder.system.edge.kv_fail(Some(fault));
        let body = charge_body(pai, &format!("k-{fault:?}-{}", 40 + n), 1599);
        recorder.partner(&format!("{fault:?}"), Method::POST, "/transaction", &body).await;
        recorder.system.edge.kv_fail(None);
    }
    recorder.system.edge.kv_set(&key, None);
    let call = ScriptedCall::post(
        CallerKind::Partner("netflix"),
        "/ott/v1/transaction",
        &charge_body(pai, "k-9", 1599),
    );
    recorder.call_disturbed("the owner is silent", "127.0.0.1:8788", NetworkFault::Lost, call.clone()).await;
    recorder.call_disturbed("another is silent", "127.0.0.1:9788", NetworkFault::Lost, call).await;
    recorder.system.edge.kv_set(&key, known.as_deref());
}

async fn record_mappings(recorder: &mut ResponseRecorder, pai: &str) {
    recorder.begin_section("the mappings that an origin reports");
    let mapping = |operator: &str, version: u64| json!({"operator": operator, "subscriber": "s-1", "state": "CLOSED", "version": version});
    let entry = |pai: &str, mapping: &Value| json!({"pai": pai, "mapping": mapping});
    let other = "11111111-1111-4111-8111-111111111111";
    let (acme, nova) = (CallerKind::Origin("acme"), CallerKind::Origin("nova"));
    let (one, several) = ("/origin/v1/pai-mapping", "/origin/v1/pai-mappings");
    let all = |entries: &[Value], only: bool| json!({"mappings": entries, "compareOnly": only});
    for (label, call) in [
        ("a new one", ScriptedCall::post(acme, one, &entry(other, &mapping("acme", 2)))),
        ("an older version", ScriptedCall::post(acme, one, &entry(other, &mapping("acme", 1)))),
        ("for another operator", ScriptedCall::post(nova, one, &entry(other, &mapping("acme", 3)))),
        ("another operator's", ScriptedCall::post(nova, one, &entry(other, &mapping("nova", 3)))),
        ("no version", ScriptedCall::post(acme, one, &entry(other, &json!({"operator": "acme"})))),
        (
            "compared",
            ScriptedCall::post(
                acme,
                several,
                &all(&[entry(other, &mapping("acme", 5)), entry(pai, &mapping("acme", 0))], true),
            ),
        ),
        ("followed", ScriptedCall::post(acme, several, &all(&[entry(other, &mapping("acme", 6))], false))),
        ("foreign", ScriptedCall::post(nova, several, &all(&[entry(other, &mapping("nova", 6))], false))),
        ("for another", ScriptedCall::post(nova, several, &all(&[entry(other, &mapping("acme", 6))], false))),
        (
            "twice",
            ScriptedCall::post(
                acme,
                several,
                &all(&[entry(pai, &mapping("acme", 0)), entry(pai, &mapping("acme", 0))], true),
            ),
        ),
        (
            "too many",
            ScriptedCall::post(acme, several, &all(&vec![entry(pai, &mapping("acme", 0)); 26], true)),
        ),
    ] {
        recorder.call(label, call).await;
    }
    recorder.system.edge.kv_fail(Some(KvFault::Down));
    let call = ScriptedCall::post(acme, one, &entry(other, &mapping("acme", 9)));
    recorder.call("the store is down", call).await;
    let call = ScriptedCall::post(acme, several, &all(&[entry(other, &mapping("acme", 9))], false));
    recorder.call("the store is down", call).await;
    recorder.system.edge.kv_fail(None);
}

fn validate_request() -> Value {
    json!({"offer": "netflix-standard", "msisdn": GOOD, "locale": "en"})
}

async fn edge_refusals(recorder: &mut ResponseRecorder, pai: &str) {
    for (path, body) in [
        ("validate", validate_request()),
        ("pin", json!({"flow": "f", "pin": "123456"})),
        ("signup", json!({"flow": "f"})),
        ("account", json!({"flow": "f"})),
        ("account/unlink", json!({"flow": "f", "subscription": "s"})),
        ("return", json!({"ticket": "t"})),
        ("result", json!({"result": "r"})),
        ("pai", json!({"partner": "netflix", "pai": pai})),
        ("subscription", json!({"partner": "netflix", "partnerSubscriptionID": "s"})),
        ("transaction", json!({"partner": "netflix", "extTransactionID": "c-1"})),
    ] {
        let call = ScriptedCall::post(CallerKind::Edge, format!("/edge/v1/{path}"), &body);
        refusals::record(recorder, &call).await;
        recorder.call("the call itself", call).await;
    }
}

/// What the origin refuses of the partner's calls, whatever the edge has checked.
async fn partner_refusals(recorder: &mut ResponseRecorder, pai: &str) {
    let new = json!({"pai": pai, "extSubscriptionID": "s-9", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let device = json!({"msisdn": GOOD, "operator": "acme"});
    for (method, path, body) in [
        (Method::POST, "account/validate", device.clone()),
        (Method::POST, "pin", device),
        (Method::POST, "token/validate", json!({"token": "t", "extReference": "x-1"})),
        (Method::POST, "coupon/redeem", json!({"code": "c", "extReference": "x-1"})),
        (Method::POST, "notification", json!({"pai": pai, "message": "Hello"})),
        (Method::POST, "partnerSubscription", new),
        (Method::PUT, "partnerSubscription/s-1", json!({"status": "ACTIVE"})),
        (Method::POST, "transaction", charge_body(pai, "x-61", 1599)),
        (Method::GET, "transaction/x-1", Value::Null),
        (Method::POST, "transaction/x-1/refund", json!({"extRefundID": "r", "reason": "x"})),
        (Method::GET, "transaction/x-1/refund/r", Value::Null),
    ] {
        let call = ScriptedCall::new(CallerKind::EdgeForPartner, method, format!("/ott/v1/{path}"), &body);
        refusals::record(recorder, &call).await;
        recorder.call("unsigned by the edge", call.clone().with_signature(SignatureKind::Absent)).await;
        recorder.call("the call itself", call).await;
    }
}
