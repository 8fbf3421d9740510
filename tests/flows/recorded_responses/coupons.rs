//! Coupons: the operator has them issued, sent again and voided; the partner redeems them.

use super::recorder::ResponseRecorder;
use super::refusals;
use super::request::{CallerKind, ScriptedCall};
use super::texts::code_in;
use http::Method;
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REDEEM: &str = "/coupon/redeem";
const NO_PAI: &str = "00000000-0000-4000-8000-000000000000";

pub(super) async fn record(recorder: &mut ResponseRecorder) {
    record_issuing(recorder).await;
    issue_refusals(recorder).await;
    record_redeeming(recorder).await;
    redeem_refusals(recorder).await;
    redeem_by_standing(recorder).await;
    gifts_and_days(recorder).await;
    record_guesses(recorder).await;
    record_ended_coupons(recorder).await;
    shared_refusals(recorder).await;
}

fn coupon_request(id: &str, number: &str) -> Value {
    json!({"extCouponID": id, "msisdn": number, "plan": "6M", "amount": {"value": 8999, "currency": "USD"}})
}

fn redeem_request(code: &str, reference: &str) -> Value {
    json!({"code": code, "extReference": reference})
}

/// A coupon is issued and sent. Returns its code.
async fn sell_coupon(recorder: &mut ResponseRecorder, id: &str, number: &str) -> String {
    recorder.operator("a coupon", "/coupons", &coupon_request(id, number)).await;
    code_in(&recorder.newest_sms(|system| &system.acme, number).await)
}

async fn record_issuing(recorder: &mut ResponseRecorder) {
    recorder.begin_section("coupons are made");
    recorder.operator("a coupon", "/coupons", &coupon_request("c-1", GOOD)).await;
    recorder.operator_asks("before it is sent", "/coupons/c-1").await;
    recorder.newest_sms(|system| &system.acme, GOOD).await;
    recorder.operator_asks("after it was sent", "/coupons/c-1").await;
    recorder.operator("its replay", "/coupons", &coupon_request("c-1", GOOD)).await;
    recorder.operator("with other contents", "/coupons", &coupon_request("c-1", OTHER)).await;
    let again = json!({"resendID": "again-1"});
    recorder.operator("sent again", "/coupons/c-1/resend", &again).await;
    recorder.operator("the same resendID", "/coupons/c-1/resend", &again).await;
    for _ in 0..4 {
        recorder.operator("sent again", "/coupons/c-1/resend", &Value::Null).await;
        recorder.newest_sms(|system| &system.acme, GOOD).await;
    }
    recorder.operator("void", "/coupons/c-1/void", &json!({})).await;
    recorder.operator("void again", "/coupons/c-1/void", &Value::Null).await;
    recorder.operator("a void one is not sent again", "/coupons/c-1/resend", &json!({})).await;
    recorder.operator_asks("after it was voided", "/coupons/c-1").await;
    for path in ["/coupons/none/resend", "/coupons/none/void"] {
        recorder.operator("an unknown one", path, &json!({})).await;
        recorder.operator("no object", path, &json!([])).await;
    }
    recorder.operator_asks("an unknown one", "/coupons/none").await;
    recorder.operator_asks("no identifier", "/coupons/a%20b").await;
}

async fn issue_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("what is no coupon");
    let money = |value: Value, currency: &str| json!({"value": value, "currency": currency});
    for (member, value) in [
        ("plan", json!("24M")),
        ("offer", json!("none")),
        ("amount", money(json!(8999), "EUR")),
        ("amount", money(json!(8999), "XXX")),
        ("amount", money(json!(0), "USD")),
        ("amount", money(json!(100_000_001), "USD")),
        ("msisdn", json!("2025550101")),
        ("msisdn", json!("+12025550199")),
        ("msisdn", json!("+12025550105")),
        ("msisdn", json!("+12025550106")),
        ("extCouponID", json!("a b")),
        ("locale", json!("xx")),
    ] {
        let mut coupon = coupon_request("b-1", GOOD);
        coupon[member] = value.clone();
        recorder.operator(&format!("{member} {value}"), "/coupons", &coupon).await;
    }
}

async fn record_redeeming(recorder: &mut ResponseRecorder) {
    recorder.begin_section("coupons are redeemed");
    let code = sell_coupon(recorder, "c-2", GOOD).await;
    let spaced = code.to_lowercase().replace('-', " ");
    recorder.known_partner("redeemed", REDEEM, &redeem_request(&spaced, "r-1")).await;
    recorder.known_partner("its replay", REDEEM, &redeem_request(&code, "r-1")).await;
    recorder.partner("by another reference", Method::POST, REDEEM, &redeem_request(&code, "r-2")).await;
    let other = sell_coupon(recorder, "c-3", GOOD).await;
    recorder
        .partner("its reference with another code", Method::POST, REDEEM, &redeem_request(&other, "r-1"))
        .await;
    recorder.operator_asks("its state", "/coupons/c-2").await;
    recorder.operator("it is not voided", "/coupons/c-2/void", &json!({})).await;
    recorder.operator("it is not sent again", "/coupons/c-2/resend", &json!({})).await;
    let call = ScriptedCall::post(
        CallerKind::Partner("netflix"),
        "/ott/v1/coupon/redeem",
        &redeem_request(&other, "r-3"),
    );
    recorder.call_twice("two at once", &call).await;
    let unclear = sell_coupon(recorder, "c-4", GOOD).await;
    let call = ScriptedCall::post(
        CallerKind::Partner("netflix"),
        "/ott/v1/coupon/redeem",
        &redeem_request(&unclear, "r-4"),
    );
    recorder.call_disturbed("billing is unclear", BILLING, NetworkFault::AnswerLost, call).await;
    recorder.system.advance_seconds(400);
    recorder.deliver("billing is asked").await;
}

async fn redeem_refusals(recorder: &mut ResponseRecorder) {
    recorder.begin_section("codes that are not valid");
    let code = sell_coupon(recorder, "c-5", OTHER).await;
    let slip = &code[..code.len() - 1];
    recorder.partner("a slip", Method::POST, REDEEM, &redeem_request(slip, "r-5")).await;
    recorder.operator("void", "/coupons/c-5/void", &json!({})).await;
    recorder.partner("a void one", Method::POST, REDEEM, &redeem_request(&code, "r-5")).await;
    for tag in ["AC", "NV", "ZZ"] {
        let code = CouponCode::from_random(CouponTag::parse(tag).expect("are symbols"), [1; 10]).grouped();
        recorder
            .partner(
                &format!("an unassigned code of {tag}"),
                Method::POST,
                REDEEM,
                &redeem_request(&code, "r-5"),
            )
            .await;
    }
    let code = sell_coupon(recorder, "c-6", OTHER).await;
    let mut gift = redeem_request(&code, "r-6");
    gift["pai"] = json!(NO_PAI);
    recorder.partner("for no PAI", Method::POST, REDEEM, &gift).await;
    recorder.partner("no reference", Method::POST, REDEEM, &redeem_request(&code, "")).await;
}

async fn redeem_by_standing(recorder: &mut ResponseRecorder) {
    for (number, from, to) in [
        ("+12025550107", ",active", ",suspended"),
        ("+12025550109", ",active", ",ceased"),
        ("+12025550104", ",120,", ",120,"),
    ] {
        recorder.begin_section(&format!("the buyer's account is{to}"));
        let code = sell_coupon(recorder, &format!("d-{}", &number[1..]), number).await;
        let line = ACME_ACCOUNTS.lines().find(|line| line.starts_with(number)).expect("is there");
        recorder.system.acme.import_accounts(&ACME_ACCOUNTS.replace(line, &line.replace(from, to))).await;
        let reference = format!("r-{number}").replace('+', "");
        recorder.partner("refused", Method::POST, REDEEM, &redeem_request(&code, &reference)).await;
        recorder.partner("its replay", Method::POST, REDEEM, &redeem_request(&code, &reference)).await;
        recorder.system.acme.import_accounts(ACME_ACCOUNTS).await;
    }
}

async fn gifts_and_days(recorder: &mut ResponseRecorder) {
    recorder.begin_section("days that a coupon pays for");
    let validated = json!({"msisdn": "+12025550110", "operator": "acme"});
    let pai = recorder.partner("a PAI", Method::POST, "/account/validate", &validated).await.text("pai");
    recorder.system.subscribe_in_app("+12025550110", "s-1", 1599).await;
    recorder.skip();
    let mut gift = redeem_request(&sell_coupon(recorder, "c-7", OTHER).await, "r-7");
    gift["pai"] = json!(pai);
    recorder.partner("a gift", Method::POST, REDEEM, &gift).await;
    let charge = onbill_test_harness::customer::charge_body(&pai, "c-1", 1599);
    recorder.partner("a charge for these days", Method::POST, "/transaction", &charge).await;
    recorder.partner("paid until", Method::POST, "/account/validate", &validated).await;
    recorder.operator_asks("the gift", "/coupons/c-7").await;
}

async fn record_guesses(recorder: &mut ResponseRecorder) {
    recorder.begin_section("too many wrong codes");
    recorder.system.advance_seconds(3_600);
    let limit = |config: &mut onbill_origin::config::Config| {
        config.coupons.as_mut().expect("sells coupons").wrong_codes_per_hour = 2;
    };
    recorder.system.reconfigure_acme(limit);
    for n in 0..4_u8 {
        let code = CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), [n; 10]).grouped();
        recorder.partner("a guess", Method::POST, REDEEM, &redeem_request(&code, "g-1")).await;
    }
}

async fn record_ended_coupons(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a coupon that has expired");
    let code = sell_coupon(recorder, "c-8", "+12025550112").await;
    recorder.system.advance_seconds(365 * 86_400);
    recorder.partner("redeemed too late", Method::POST, REDEEM, &redeem_request(&code, "r-8")).await;
    recorder.operator_asks("its state", "/coupons/c-8").await;
    recorder.operator("it is not sent again", "/coupons/c-8/resend", &json!({})).await;
    recorder.operator("it is void", "/coupons/c-8/void", &json!({})).await;
}

async fn shared_refusals(recorder: &mut ResponseRecorder) {
    let systems = CallerKind::Operator("acme");
    let code = CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), [1; 10]).grouped();
    for call in [
        ScriptedCall::post(
            CallerKind::Partner("netflix"),
            "/ott/v1/coupon/redeem",
            &redeem_request(&code, "x-1"),
        ),
        ScriptedCall::post(systems, "/operator/v1/coupons", &coupon_request("x-1", GOOD)),
        ScriptedCall::get(systems, "/operator/v1/coupons/x-1"),
        ScriptedCall::post(systems, "/operator/v1/coupons/x-1/resend", &json!({"resendID": "x"})),
        ScriptedCall::post(systems, "/operator/v1/coupons/x-1/void", &json!({})),
    ] {
        refusals::record(recorder, &call).await;
    }
}

/// A gateway that sends delivery reports.
pub(super) async fn record_receipts(recorder: &mut ResponseRecorder) {
    recorder.begin_section("a gateway in Kannel's shape");
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("recorded-kannel-{}", std::process::id()));
    std::fs::write(&file, "hunter2!\n").expect("can be written");
    let dashboard = recorder.system.acme.dashboard_address;
    let settings = json!({"by": "kannel", "url": format!("http://{dashboard}/cgi-bin/sendsms"), "username": "onbill",
        "password_file": file, "sender": "Acme", "receipts_url": format!("http://{}", recorder.system.acme.origin_address)});
    let settings = serde_json::from_value(settings).expect("are settings");
    recorder.system.reconfigure_acme(|config| config.sms = settings);
    recorder.operator("a coupon", "/coupons", &coupon_request("k-1", GOOD)).await;
    recorder.deliver("its SMS").await;
    let token = token_of_last_sms(&recorder.system);
    let receipt = |token: &str, status: &str| {
        ScriptedCall::get(CallerKind::Edge, format!("/sms/v1/receipt/{token}?status={status}"))
    };
    for (label, call) in [
        ("it is under way", receipt(&token, "4")),
        ("no status of Kannel's", receipt(&token, "99")),
        ("no token", receipt("x", "1")),
        ("an unknown token", receipt("AAAAAAAAAAAAAAAAAAAAAA", "1")),
        ("it is delivered", receipt(&token, "1")),
        ("it is delivered again", receipt(&token, "1")),
        ("by POST", receipt(&token, "1").method(Method::POST)),
        ("without a status", ScriptedCall::get(CallerKind::Edge, format!("/sms/v1/receipt/{token}"))),
    ] {
        recorder.call(label, call).await;
        recorder.operator_asks("the coupon", "/coupons/k-1").await;
    }
    recorder.operator("another coupon", "/coupons", &coupon_request("k-2", GOOD)).await;
    recorder.deliver("its SMS").await;
    let token = token_of_last_sms(&recorder.system);
    recorder.call("it cannot be delivered", receipt(&token, "2")).await;
    recorder.operator_asks("the coupon", "/coupons/k-2").await;
    std::fs::remove_file(&file).expect("is there");
}

fn token_of_last_sms(system: &TestSystem) -> String {
    let exchanges = system.network.calls_after(0);
    let sent = exchanges.iter().rev().find(|exchange| exchange.path.starts_with("/cgi-bin/sendsms"));
    let url = sent.expect("was sent").request.0["x-kannel-dlr-url"].to_str().expect("is text").to_owned();
    let (_, token) = url.split_once("/receipt/").expect("has a token");
    token.split('?').next().unwrap_or_default().to_owned()
}
