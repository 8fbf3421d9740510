//! A customer who cancels and returns within a month, at a partner that charges calendar months.

use super::{GOOD, SUBSCRIPTION, advance_to, charge_result};
use http::{Method, StatusCode};
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const STANDARD: i64 = 1599;
const PREMIUM: i64 = 2299;

/// Standard from November, cancelled on the tenth of December, and Premium from the twelfth: the
/// system, the customer's PAI, and the ids of both subscriptions.
async fn system_with_return() -> (TestSystem, String, [String; 2]) {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.reconfigure_acme(|config| {
        let mut premium = config.offers[0].clone();
        premium.id = serde_json::from_value(json!("netflix-premium")).expect("is an offer's name");
        premium.plan = serde_json::from_value(json!("premium")).expect("is a plan");
        premium.price.amount_minor = PREMIUM;
        premium.charge_code = onbill_domain::charge_code::ChargeCode::parse("OTT-NFLX-PRM");
        config.offers.push(premium);
    });
    let body = json!({"msisdn": GOOD, "operator": "acme"});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    let pai = answer["pai"].as_str().expect("is text").to_owned();
    let first = subscribe(&system, &pai, "s-1", "standard", STANDARD).await;
    advance_to(&system, "2026-12-10T12:00:00Z");
    let path = format!("{SUBSCRIPTION}/{first}");
    let (status, _) = system.call_ott(Method::PUT, &path, json!({"status": "CANCELLED"})).await;
    assert_eq!(status, StatusCode::OK);
    advance_to(&system, "2026-12-12T12:00:00Z");
    let second = subscribe(&system, &pai, "s-2", "premium", PREMIUM).await;
    (system, pai, [first, second])
}

async fn subscribe(system: &TestSystem, pai: &str, id: &str, plan: &str, price: i64) -> String {
    let report = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": plan,
        "price": {"value": price, "currency": "USD"}, "consentAt": system.now().to_string()});
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, report).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer["partnerSubscriptionID"].as_str().expect("is text").to_owned()
}

/// The body of a charge for December, from this day on.
fn december(pai: &str, id: &str, value: i64, from: &str) -> Value {
    json!({"extTransactionID": id, "pai": pai, "amount": {"value": value, "currency": "USD"},
        "description": "Netflix", "servicePeriod": {"from": from, "to": "2026-12-31"}})
}

async fn charge(system: &TestSystem, body: &Value) -> String {
    charge_result(&system.call_ott(Method::POST, "/ott/v1/transaction", body.clone()).await)
}

/// The plan and the charge code of each line on the bill.
async fn booked(system: &TestSystem) -> Vec<Value> {
    let lines = system.bill_lines(&system.acme, GOOD).await;
    lines.into_iter().map(|line| line["chargeCode"].clone()).collect()
}

#[tokio::test]
async fn returning_customer_is_charged_by_the_new_plan() {
    let (system, pai, _) = system_with_return().await;
    assert_eq!(charge(&system, &december(&pai, "c-1", PREMIUM, "2026-12-01")).await, "APPROVED");
    assert_eq!(booked(&system).await, ["OTT-NFLX-PRM"], "by the plan that covers it");
    for (id, value) in [("c-2", PREMIUM), ("c-3", STANDARD)] {
        let again = december(&pai, id, value, "2026-12-01");
        assert_eq!(charge(&system, &again).await, "mandate period-charged", "{value}");
    }
}

/// The first subscription is charged late, after the second.
#[tokio::test]
async fn late_charge_of_the_first_plan_is_its_own() {
    let (system, pai, _) = system_with_return().await;
    // Twenty days of Premium.
    assert_eq!(charge(&system, &december(&pai, "c-1", 1644, "2026-12-12")).await, "mandate over-price");
    assert_eq!(charge(&system, &december(&pai, "c-2", 1643, "2026-12-12")).await, "APPROVED");
    assert_eq!(charge(&system, &december(&pai, "c-3", STANDARD, "2026-12-01")).await, "APPROVED");
    assert_eq!(booked(&system).await, ["OTT-NFLX-PRM", "OTT-NFLX-STD"]);
}

#[tokio::test]
async fn charge_names_its_subscription() {
    let (system, pai, [first, second]) = system_with_return().await;
    let named = |id: &str, value: i64, subscription: &str| {
        let mut body = december(&pai, id, value, "2026-12-01");
        body["partnerSubscriptionID"] = json!(subscription);
        body
    };
    assert_eq!(charge(&system, &named("c-1", PREMIUM, &first)).await, "mandate over-price");
    assert_eq!(charge(&system, &named("c-2", STANDARD, "nobodys")).await, "mandate none");
    let body = named("c-3", STANDARD, &second);
    for _ in 0..2 {
        assert_eq!(charge(&system, &body).await, "APPROVED");
    }
    assert_eq!(booked(&system).await, ["OTT-NFLX-PRM"], "it is the one that is named");
    for other in [named("c-3", STANDARD, &first), december(&pai, "c-3", STANDARD, "2026-12-01")] {
        let (status, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", other).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency-violation"))
        );
    }
    let (status, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", named("c-4", STANDARD, "")).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")));
}
