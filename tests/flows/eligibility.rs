//! An operator that says more of an account than its status: why it may not pay, why it is
//! suspended, how much may still be charged. Nova's origin asks the CSP API.

mod odd_answers;
mod old_csp_api;

use axum::Router;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::refusal_detail::{Ineligibility, Suspension};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::{AccountChoice, month_of};
use serde_json::{Value, json};

const NUMBER: &str = "+34612345601";
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
    let mut body = json!({"msisdn": NUMBER});
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

/// What a decline tells: its reason, and the operator's own word.
fn declined((status, answer): &(StatusCode, Value)) -> (Value, Value) {
    assert_eq!((*status, &answer["status"]), (StatusCode::CREATED, &json!("DECLINED")), "{answer}");
    (answer["declineReason"].clone(), answer["rawResult"]["rawCode"].clone())
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
async fn ineligible_customer_is_told_reason_and_way_on() {
    let system = start_system();
    for reason in Ineligibility::ALL {
        set_answer(&system, &json!({"reason": reason})).await;
        for (status, answer) in [
            system.enter_session_number(&system.nova, NUMBER).await,
            system
                .call_ott(
                    Method::POST,
                    "/ott/v1/account/validate",
                    json!({"msisdn": NUMBER, "operator": "nova"}),
                )
                .await,
        ] {
            assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("account-not-eligible")));
            assert_eq!(reason_and_page(&answer), (&json!(reason), "help"));
        }
    }
    // The customer proves the number with a code, and is told the same.
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
    set_answer(&system, &json!({"spendable": {"value": PRICE - 1, "currency": "EUR"}})).await;
    let (_, answer) = system.enter_session_number(&system.nova, NUMBER).await;
    assert_eq!(answer["code"], "insufficient-balance");
    assert_eq!(reason_and_page(&answer), (&Value::Null, "top-up"));
    set_answer(&system, &json!({"spendable": {"value": PRICE, "currency": "EUR"}})).await;
    assert_eq!(system.enter_session_number(&system.nova, NUMBER).await.1["step"], "confirm");
}

#[tokio::test]
async fn standing_that_changes_before_the_signup_is_told() {
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
        assert_eq!(declined(&charge().await), (json!("risk-declined"), json!(reason)));
    }
    for suspension in Suspension::ALL {
        set_answer(&system, &json!({"suspension": suspension})).await;
        assert_eq!(declined(&charge().await), (json!("account-on-hold"), Value::Null));
    }
    set_answer(&system, &json!({"spendable": {"value": PRICE - 1, "currency": "EUR"}})).await;
    assert_eq!(declined(&charge().await), (json!("insufficient-balance"), Value::Null));
    assert!(system.bill_lines(&system.nova, NUMBER).await.is_empty(), "billing was not asked");
    set_answer(&system, &json!({"spendable": {"value": PRICE, "currency": "EUR"}})).await;
    assert_eq!(charge().await.1["status"], "APPROVED");
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
