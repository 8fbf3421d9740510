//! An operator that says more of an account than its status: why it may not pay, why it is
//! suspended, how much may still be charged. Nova's origin asks the CSP API.

mod odd_answers;
mod old_csp_api;

use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::refusal_detail::{Ineligibility, Suspension};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::{AccountChoice, month_of};
use onbill_test_harness::log_capture::LogCapture;
use serde_json::{Value, json};

const NUMBER: &str = "+34612345601";
/// A prepaid account, with a balance of 40.00.
const PREPAID: &str = "+34612345603";
const PRICE: i64 = 1399;
const TRANSACTION: &str = "/ott/v1/transaction";

/// Nova with pages for its customers, and with trust in a number that the app has read.
fn start_system() -> TestSystem {
    let mut system = TestSystem::start();
    system.reconfigure_nova(|config| {
        let page = |name: &str| Some(format!("https://nova.example/{name}"));
        (config.links.top_up, config.links.pay_bill, config.links.help) =
            (page("top-up"), page("pay-bill"), page("help"));
        let partner = json!({"id": "netflix", "url": config.partners[0].url, "number_proof": "device-read"});
        config.partners = vec![serde_json::from_value(partner).expect("is a partner")];
    });
    system
}

async fn start_with_subscriber() -> (TestSystem, String) {
    let system = start_system();
    system.sign_up(&system.nova, NUMBER, AccountChoice::New("bea@example.com")).await;
    let pai = system.pai_of("bea@example.com").await;
    (system, pai)
}

/// A clerk of Nova's sets what the CSP API says of the number.
async fn set_answer(system: &TestSystem, answer: &Value) {
    set_answer_of(system, NUMBER, answer).await;
}

async fn set_answer_of(system: &TestSystem, number: &str, answer: &Value) {
    let mut body = json!({"msisdn": number});
    for (member, value) in answer.as_object().expect("is an object") {
        body[member] = value.clone();
    }
    let url = format!("http://{}/account-answers", system.nova.dashboard_address);
    let request = Request::post(url).body(Bytes::from(body.to_string())).expect("is a request");
    assert_eq!(system.send_request(request).await.0, StatusCode::OK, "{body}");
}

/// Nova's systems, with `csp` for the CSP API.
fn replace_csp_api(system: &TestSystem, csp: Router) {
    let rest = system.nova.sandbox.router();
    system.network.attach_service(
        system.nova.dashboard_address,
        Router::new().nest("/csp", csp).fallback_service(rest),
    );
}

fn restore_csp_api(system: &TestSystem) {
    system.network.attach_service(system.nova.dashboard_address, system.nova.sandbox.router());
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> (StatusCode, Value) {
    let body = json!({"extTransactionID": id, "pai": pai, "amount": {"value": PRICE, "currency": "EUR"},
        "description": "Netflix Standard", "servicePeriod": month_of(id)});
    system.call_ott(Method::POST, TRANSACTION, body).await
}

/// What a decline tells: its reason, and the code of what decided.
fn declined((status, answer): &(StatusCode, Value)) -> (Value, Value) {
    assert_eq!((*status, &answer["status"]), (StatusCode::CREATED, &json!("DECLINED")), "{answer}");
    (answer["declineReason"].clone(), answer["rawResult"].clone())
}

/// The decline of a charge whose account may not pay, whatever the operator's reason.
fn not_eligible() -> (Value, Value) {
    (json!("risk-declined"), json!({"scope": "account", "rawCode": "not-eligible"}))
}

/// The partner's app has read a number.
async fn ask_by_device(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    let body = json!({"msisdn": number, "operator": "nova"});
    system.call_ott(Method::POST, "/ott/v1/account/validate", body).await
}

/// The newest question about an account.
fn last_question(system: &TestSystem) -> Value {
    let asked = system.network.calls_to(system.nova.dashboard_address, "/csp/account/validate");
    serde_json::from_slice(&asked.last().expect("was asked").0).expect("is JSON")
}

/// The operator's reason in a refusal, and the kind of the page that helps.
fn reason_and_page(refused: &Value) -> (&Value, &str) {
    let kind = refused["wayOn"]["kind"].as_str().expect("is text");
    assert_eq!(refused["wayOn"]["url"], format!("https://nova.example/{kind}"));
    (&refused["reason"], kind)
}

#[tokio::test]
async fn ineligible_customer_reads_reason_and_way_on() {
    let system = start_system();
    for reason in Ineligibility::ALL {
        set_answer(&system, &json!({"reason": reason})).await;
        // The customer learns that a line is a minor's, and no partner does.
        let of_device = if reason == Ineligibility::Minor { Ineligibility::Other } else { reason };
        for ((status, answer), expected) in [
            (system.enter_session_number(&system.nova, NUMBER).await, reason),
            (ask_by_device(&system, NUMBER).await, of_device),
        ] {
            assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("account-not-eligible")));
            assert_eq!(reason_and_page(&answer), (&json!(expected), "help"));
        }
    }
    // The customer proves the number with a code, and gets the same refusal.
    let (_, step) = system.enter_number(&system.nova, NUMBER).await;
    let pin = system.read_pin(&system.nova, NUMBER).await;
    let proof = json!({"operator": "nova", "flow": step["flow"], "pin": pin});
    assert_eq!(system.call_widget("/pin", proof).await.1["reason"], "other");
    set_answer(&system, &json!({})).await;
    assert_eq!(system.enter_session_number(&system.nova, NUMBER).await.1["step"], "confirm");
}

#[tokio::test]
async fn suspended_customer_is_sent_where_it_helps() {
    let system = start_system();
    for suspension in Suspension::ALL {
        set_answer(&system, &json!({"suspension": suspension})).await;
        let (status, answer) = system.enter_session_number(&system.nova, NUMBER).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("suspended-non-payment")));
        let kind = if suspension == Suspension::NonPayment { "pay-bill" } else { "help" };
        assert_eq!(reason_and_page(&answer), (&json!(suspension), kind));
    }
}

/// Only a prepaid balance can be topped up.
#[tokio::test]
async fn too_little_left_sends_where_it_helps() {
    let system = start_system();
    for (number, code, reason, page) in [
        (PREPAID, "insufficient-balance", Value::Null, "top-up"),
        (NUMBER, "account-not-eligible", json!("credit"), "help"),
    ] {
        set_answer_of(&system, number, &json!({"spendable": {"value": PRICE - 1, "currency": "EUR"}})).await;
        let by_session = system.enter_session_number(&system.nova, number).await;
        for (status, answer) in [by_session, ask_by_device(&system, number).await] {
            assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{number}");
            assert_eq!(reason_and_page(&answer), (&reason, page));
        }
        set_answer_of(&system, number, &json!({"spendable": {"value": PRICE, "currency": "EUR"}})).await;
        assert_eq!(system.enter_session_number(&system.nova, number).await.1["step"], "confirm");
    }
}

#[tokio::test]
async fn account_status_that_changes_before_the_signup_is_reported() {
    let system = start_system();
    let flow = system.prove_number(&system.nova, NUMBER).await;
    set_answer(&system, &json!({"reason": "minor"})).await;
    let (_, answer) = system.call_widget("/signup", json!({"operator": "nova", "flow": flow})).await;
    assert_eq!((&answer["code"], &answer["reason"]), (&json!("account-not-eligible"), &json!("minor")));
}

#[tokio::test]
async fn operator_is_asked_about_what_is_bought() {
    let (system, pai) = start_with_subscriber().await;
    system.enter_session_number(&system.nova, NUMBER).await;
    let price = json!({"value": PRICE, "currency": "EUR"});
    let expected = json!({"msisdn": NUMBER, "partner": "netflix", "offer": "netflix-standard", "amount": price,
        "purpose": "sign-up"});
    assert_eq!(last_question(&system), expected);
    post_charge(&system, &pai, "c-1").await;
    let expected = json!({"msisdn": NUMBER, "partner": "netflix", "offer": "netflix-standard", "amount": price,
        "purpose": "charge"});
    assert_eq!(last_question(&system), expected);
    // Before an SMS nothing is bought.
    let message = json!({"pai": pai, "message": "Hello"});
    system.call_ott(Method::POST, "/ott/v1/notification", message).await;
    system.nova.deliver_due().await;
    assert_eq!(last_question(&system), json!({"msisdn": NUMBER}));
}

#[tokio::test]
async fn operators_reason_declines_a_charge_and_keeps_the_pai() {
    let (system, pai) = start_with_subscriber().await;
    let mut ids = (1..).map(|n| format!("c-{n}"));
    let mut charge = async || post_charge(&system, &pai, &ids.next().expect("goes on")).await;
    for reason in Ineligibility::ALL {
        set_answer(&system, &json!({"reason": reason})).await;
        assert_eq!(declined(&charge().await), not_eligible(), "{reason:?}");
    }
    for suspension in Suspension::ALL {
        set_answer(&system, &json!({"suspension": suspension})).await;
        assert_eq!(declined(&charge().await), (json!("account-on-hold"), Value::Null));
    }
    set_answer(&system, &json!({"spendable": {"value": PRICE - 1, "currency": "EUR"}})).await;
    assert_eq!(declined(&charge().await), not_eligible());
    assert!(system.bill_lines(&system.nova, NUMBER).await.is_empty(), "billing was not asked");
    set_answer(&system, &json!({"spendable": {"value": PRICE, "currency": "EUR"}})).await;
    assert_eq!(charge().await.1["status"], "APPROVED");
}

#[tokio::test]
async fn prepaid_customer_lacks_balance_and_not_credit() {
    let system = start_system();
    system.sign_up(&system.nova, PREPAID, AccountChoice::New("gil@example.com")).await;
    let pai = system.pai_of("gil@example.com").await;
    set_answer_of(&system, PREPAID, &json!({"spendable": {"value": PRICE - 1, "currency": "EUR"}})).await;
    let posted = post_charge(&system, &pai, "c-1").await;
    assert_eq!(declined(&posted), (json!("insufficient-balance"), Value::Null));
}

/// On no way does the partner read why an account may not pay: in the response to its charge, when it
/// asks, when a webhook comes later, or from billing. The operator's own log has the word.
#[tokio::test]
async fn operators_word_stays_with_the_operator() {
    let (system, pai) = start_with_subscriber().await;
    let (log, _guard) = LogCapture::capture_thread(tracing::Level::INFO);
    set_answer(&system, &json!({"reason": "minor"})).await;
    let at_once = post_charge(&system, &pai, "c-1").await;
    assert_eq!(declined(&at_once), not_eligible());
    assert_eq!(log.count("reason=\"minor\""), 1);
    // The account cannot be looked up at first, and the decision comes by webhook.
    replace_csp_api(&system, Router::new().fallback(async || StatusCode::INTERNAL_SERVER_ERROR));
    let (_, pending) = post_charge(&system, &pai, "c-2").await;
    assert_eq!(pending["status"], "PENDING");
    restore_csp_api(&system);
    system.advance_seconds(361);
    system.nova.deliver_due().await;
    system.nova.deliver_due().await;
    for id in ["c-1", "c-2"] {
        let path = format!("{TRANSACTION}/{id}");
        let (status, now) = system.call_ott(Method::GET, &path, Value::Null).await;
        assert_eq!((status, &now["rawResult"]), (StatusCode::OK, &not_eligible().1), "{now}");
    }
    let webhooks = system.network.calls_to(onbill_test_harness::NETFLIX, "/transaction-state");
    assert!(!webhooks.is_empty(), "the decision came later");
    let called = webhooks.iter().map(|(body, _)| String::from_utf8_lossy(body).into_owned());
    assert!(called.into_iter().all(|body| !body.contains("minor") && body.contains("not-eligible")));
    // Billing may use such a word as its own code.
    set_answer(&system, &json!({})).await;
    let of_billing = json!({"scope": "billing", "rawCode": "51"});
    for (id, code, raw) in [("c-3", "MINOR", Value::Null), ("c-4", "51", of_billing)] {
        let answer = Json(json!({"status": "DECLINED", "rawCode": code}));
        let rest = system.nova.sandbox.router();
        let billing =
            Router::new().route("/csp/transaction", post(async move || answer)).fallback_service(rest);
        system.network.attach_service(system.nova.dashboard_address, billing);
        let posted = post_charge(&system, &pai, id).await;
        assert_eq!(declined(&posted), (json!("risk-declined"), raw), "{code}");
    }
}

#[tokio::test]
async fn coupon_is_not_sold_to_ineligible_buyer() {
    let mut system = TestSystem::start();
    // The test calls Acme's origin as the operator: it asks the CSP API here.
    system.reconfigure_acme(|config| config.accounts = onbill_origin::config::AccountSource::Csp);
    let buyer = "+12025550101";
    let request = Request::post(format!("http://{}/account-answers", system.acme.dashboard_address))
        .body(Bytes::from(json!({"msisdn": buyer, "reason": "credit"}).to_string()));
    system.send_request(request.expect("is a request")).await;
    let coupon = json!({"extCouponID": "k-1", "msisdn": buyer, "plan": "6M",
        "amount": {"value": 8994, "currency": "USD"}});
    let (status, refused) = system.call_acme_origin("/coupons", &coupon).await;
    assert_eq!((status, &refused["code"]), (StatusCode::BAD_REQUEST, &json!("account-not-eligible")));
    assert_eq!(refused["reason"], "credit");
}
