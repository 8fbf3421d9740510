//! The frame's calls: from the number to the partner's sign-up and back.

use super::recorder::{RecordedReply, ResponseRecorder};
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use onbill_domain::msisdn::Msisdn;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const PREPAID: &str = "+12025550103";
const POOR: &str = "+12025550104";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const UNKNOWN: &str = "+12025550199";
const PARTNER: &str = "127.0.0.1:8791/signup-sessions";

pub(super) fn validate_request(number: &str) -> Value {
    json!({"operator": "acme", "offer": "netflix-standard", "msisdn": number, "locale": "en"})
}

/// A validate request with the dashboard's assertion that lists a number.
pub(super) fn validate_request_with_session(
    recorder: &ResponseRecorder,
    number: &str,
    listed: &str,
) -> Value {
    let listed = Msisdn::parse(listed).expect("is E.164");
    let mut body = validate_request(number);
    body["session"] = json!(recorder.system.acme.sandbox.assertion(vec![listed]).expect("signs"));
    body
}

/// Proves a number by PIN. Returns the last reply.
pub(super) async fn record_proof(recorder: &mut ResponseRecorder, body: &Value) -> RecordedReply {
    let step = recorder.widget("a number", "/account/validate", body).await;
    let pin = recorder.read_pin(body["msisdn"].as_str().expect("is text")).await;
    let tried = json!({"operator": "acme", "flow": step.body["flow"], "pin": pin});
    recorder.widget("its PIN", "/pin", &tried).await
}

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    sign_up(recorder).await;
    return_pages(recorder).await;
    account_refusals(recorder).await;
    number_refusals(recorder).await;
    session_refusals(recorder).await;
    pin_refusals(recorder).await;
    sign_up_refusals(recorder).await;
    result_refusals(recorder).await;
    shared_refusals(recorder).await;
}

async fn sign_up(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a sign-up by PIN");
    let mut body = validate_request(GOOD);
    body["returnURL"] = json!("http://127.0.0.1:8790/done?x=1#y");
    let proven = record_proof(recorder, &body).await;
    let opened = json!({"operator": "acme", "flow": proven.body["flow"]});
    let page = recorder.widget("on to the partner", "/signup", &opened).await.text("url");
    recorder.system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    recorder.record("the customer finishes at the partner");
    recorder.deliver("what follows").await;
    recorder.begin_section("a sign-up by session");
    let body = validate_request_with_session(recorder, PREPAID, PREPAID);
    let step = recorder.widget("a listed number", "/account/validate", &body).await;
    let opened = json!({"operator": "acme", "flow": step.body["flow"]});
    recorder.widget("on to the partner", "/signup", &opened).await;
    recorder.widget("on to the partner again", "/signup", &opened).await;
}

/// The return page's URL of the newest sign-up.
fn return_page(recorder: &ResponseRecorder) -> String {
    let exchanges = recorder.system.network.calls_after(0);
    let opened = exchanges.iter().rev().find(|exchange| exchange.path == "/signup-sessions");
    let body: Value = serde_json::from_slice(&opened.expect("was opened").request.1).expect("is JSON");
    let url = body["returnURL"].as_str().expect("is text");
    url[url.find("/widget").expect("is the edge's")..].to_owned()
}

async fn return_pages(recorder: &mut ResponseRecorder) {
    recorder.begin_section("the return page");
    let page = return_page(recorder);
    for (label, query) in [("nothing is known", ""), ("the customer cancelled", "?outcome=cancelled")] {
        let call = ScriptedCall::get(CallerKind::Browser, format!("{page}{query}"));
        let reply = recorder.call(label, call).await;
        let (_, result) = reply.location().split_once("onbill_result=").expect("has a result");
        let body = json!({"operator": "acme", "result": result});
        recorder.widget("the frame shows the result", "/result", &body).await;
    }
    recorder.begin_section("the return page after a success");
    recorder.system.advance_seconds(1);
    recorder
        .system
        .sign_up(&recorder.system.acme, "+12025550102", AccountChoice::Existing("dana@example.com"))
        .await;
    recorder.record("a sign-up of an existing account");
    let page = return_page(recorder);
    let reply = recorder.call("back", ScriptedCall::get(CallerKind::Browser, page)).await;
    let (_, result) = reply.location().split_once("onbill_result=").expect("has a result");
    let body = json!({"operator": "acme", "result": result});
    recorder.widget("the frame shows the result", "/result", &body).await;
}

async fn account_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("accounts that may not buy");
    for (label, number) in [
        ("already on the bill", GOOD),
        ("too low a balance", POOR),
        ("suspended", SUSPENDED),
        ("ceased", CEASED),
        ("unknown", UNKNOWN),
    ] {
        let body = validate_request_with_session(recorder, number, number);
        recorder.widget(&format!("{label}, by session"), "/account/validate", &body).await;
    }
    for (label, number) in
        [("already on the bill", GOOD), ("too low a balance", POOR), ("suspended", SUSPENDED)]
    {
        recorder.begin_section(&format!("{label}, by PIN"));
        record_proof(recorder, &validate_request(number)).await;
    }
}

async fn number_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("what is no number, or not on offer");
    for typed in ["", "abc", "12345", "+1202555010111111", "+999123456789", "\u{0}", &"9".repeat(96)] {
        recorder.widget(&format!("{typed:?}"), "/account/validate", &validate_request(typed)).await;
    }
    for (member, value) in [
        ("offer", json!("none")),
        ("offer", json!(5)),
        ("locale", json!("xx")),
        ("msisdn", json!(12_025_550_101_u64)),
        ("returnURL", json!("https://evil.example/")),
        ("session", json!("not.a.token")),
    ] {
        let mut body = validate_request(GOOD);
        body[member] = value;
        recorder.widget(&format!("a wrong {member}"), "/account/validate", &body).await;
    }
    for number in [UNKNOWN, CEASED, "202-555-0101", "+34612345601"] {
        recorder
            .widget(&format!("any number: {number}"), "/account/validate", &validate_request(number))
            .await;
    }
    recorder.deliver("no SMS goes to an unknown number").await;
}

async fn session_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("sessions");
    let other = validate_request_with_session(recorder, GOOD, POOR);
    recorder.widget("a session that lists another number", "/account/validate", &other).await;
    let body = validate_request_with_session(recorder, GOOD, GOOD);
    let mut forged = body.clone();
    forged["session"] = json!(format!("{}A", body["session"].as_str().expect("is text")));
    recorder.widget("a forged session", "/account/validate", &forged).await;
    recorder.system.advance_seconds(900);
    recorder.widget("a session that has expired", "/account/validate", &body).await;
}

async fn pin_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("PINs");
    let number = "+12025550107";
    let step = recorder.widget("a number", "/account/validate", &validate_request(number)).await;
    let pin = recorder.read_pin(number).await;
    let wrong = if pin == "000000" { "111111" } else { "000000" };
    let body = |pin: &str| json!({"operator": "acme", "flow": step.body["flow"], "pin": pin});
    for _ in 0..6 {
        recorder.widget("a wrong PIN", "/pin", &body(wrong)).await;
    }
    recorder.widget("the right PIN, too late", "/pin", &body(&pin)).await;
    let step = recorder.widget("another flow", "/account/validate", &validate_request(number)).await;
    let pin = recorder.read_pin(number).await;
    let body = json!({"operator": "acme", "flow": step.body["flow"], "pin": pin});
    recorder.widget("its PIN", "/pin", &body).await;
    recorder.widget("the right PIN again", "/pin", &body).await;
    recorder.system.advance_seconds(600);
    recorder.widget("the PIN has expired", "/pin", &body).await;
    let body = json!({"operator": "acme", "flow": "no-such-flow", "pin": "123456"});
    recorder.widget("no such flow", "/pin", &body).await;
    for _ in 0..9 {
        recorder
            .widget("as many as there are in a day", "/account/validate", &validate_request(number))
            .await;
    }
    recorder.deliver("their SMS").await;
}

async fn sign_up_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("refused sign-ups");
    let number = "+12025550109";
    let opened = |flow: &Value| json!({"operator": "acme", "flow": flow});
    let proven = record_proof(recorder, &validate_request(number)).await;
    let body = opened(&proven.body["flow"]);
    for (label, mishap) in
        [("the partner is out of reach", NetworkFault::Lost), ("the partner fails", NetworkFault::FailsAfter)]
    {
        let call = ScriptedCall::post(CallerKind::Browser, "/widget/v1/signup", &body);
        recorder.call_disturbed(label, PARTNER, mishap, call).await;
    }
    let unmarked = proven.text("flow").split_once('.').expect("is marked").0.to_owned();
    recorder.widget("a flow without its mark", "/signup", &opened(&json!(unmarked))).await;
    recorder.widget("no such flow", "/signup", &opened(&json!("no-such-flow"))).await;
    let suspended = ACME_ACCOUNTS.replace(&format!("{number},active"), &format!("{number},suspended"));
    recorder.system.acme.import_accounts(&suspended).await;
    recorder.widget("suspended meanwhile", "/signup", &body).await;
    recorder.system.acme.import_accounts(&ACME_ACCOUNTS.replace("2022-04-11", "2026-11-18")).await;
    recorder.widget("another subscriber meanwhile", "/signup", &body).await;
    recorder.system.acme.import_accounts(ACME_ACCOUNTS).await;
    recorder.system.advance_seconds(3600);
    recorder.widget("the flow has expired", "/signup", &body).await;
    let body = validate_request_with_session(recorder, "+12025550110", "+12025550110");
    let first = recorder.widget("one flow", "/account/validate", &body).await;
    recorder
        .system
        .sign_up(&recorder.system.acme, "+12025550110", AccountChoice::New("cem@example.com"))
        .await;
    recorder.record("a sign-up in another flow");
    recorder.widget("signed up meanwhile", "/signup", &opened(&first.body["flow"])).await;
}

async fn result_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("results");
    let forged = json!({"operator": "acme", "result": "not.a.token"});
    recorder.widget("a forged result", "/result", &forged).await;
    let reply = recorder.call("back", ScriptedCall::get(CallerKind::Browser, return_page(recorder))).await;
    let (_, result) = reply.location().split_once("onbill_result=").expect("has a result");
    recorder.system.advance_seconds(86_400);
    let body = json!({"operator": "acme", "result": result});
    recorder.widget("a result that has expired", "/result", &body).await;
}

async fn shared_refusals(recorder: &mut ResponseRecorder) {
    for (path, body) in [
        ("/account/validate", validate_request(GOOD)),
        ("/pin", json!({"operator": "acme", "flow": "f", "pin": "123456"})),
        ("/signup", json!({"operator": "acme", "flow": "f"})),
        ("/result", json!({"operator": "acme", "result": "r"})),
        ("/account", json!({"operator": "acme", "flow": "f"})),
        ("/account/unlink", json!({"operator": "acme", "flow": "f", "subscription": "s"})),
    ] {
        refusals::record(
            recorder,
            &ScriptedCall::post(CallerKind::Browser, format!("/widget/v1{path}"), &body),
        )
        .await;
    }
}
