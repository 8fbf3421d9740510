//! What a customer reads when they are back from the partner: the plan, the price, and when it is
//! charged first.

use crate::coupons::{issue_and_read_code, redeem_code};
use http::{Method, StatusCode};
use onbill_domain::agreement::{SignupSummary, Taxes};
use onbill_domain::day::Day;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const POSTPAID: &str = "+12025550101";
const PREPAID: &str = "+12025550103";

async fn start_system() -> TestSystem {
    let mut system = TestSystem::start();
    system.reconfigure_acme(|config| config.taxes = Some(Taxes::Included));
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// What the widget gets for the result on the customer's way back.
async fn read_result(system: &TestSystem, locale: &str) -> Value {
    let back = system.follow_return(&system.acme).await;
    let result = back.split_once("onbill_result=").expect("carries the result").1;
    let body = json!({"operator": "acme", "result": result, "locale": locale});
    let (status, shown) = system.call_widget("/result", body).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    shown
}

async fn read_summary(system: &TestSystem) -> SignupSummary {
    let shown = read_result(system, "en").await;
    serde_json::from_value(shown["summary"].clone()).expect("is a summary")
}

fn first_charge(summary: &SignupSummary) -> &str {
    let row = summary.rows.iter().find(|row| row.label == "First charge");
    &row.expect("is there").text
}

#[tokio::test]
async fn new_member_reads_plan_price_and_next_bill() {
    let system = start_system().await;
    system.sign_up(&system.acme, POSTPAID, AccountChoice::New("ann@example.com")).await;
    let shown = read_result(&system, "en").await;
    assert_eq!(
        shown["summary"],
        json!({"rows": [{"label": "Plan", "text": "Netflix Standard"},
                        {"label": "Price", "text": "{price} per month, taxes included"},
                        {"label": "First charge", "text": "Shortly, on your next Acme Mobile bill"}],
               "price": {"value": 1599, "currency": "USD", "decimals": 2}})
    );
    let german = read_result(&system, "de").await;
    assert_eq!(german["summary"]["rows"][0]["label"], "Abo");
    assert_eq!(german["words"]["success-title"], "Alles erledigt");
}

#[tokio::test]
async fn first_charge_is_the_day_on_which_it_came() {
    let system = start_system().await;
    system.sign_up(&system.acme, POSTPAID, AccountChoice::New("ann@example.com")).await;
    system.run_billing("2026-12").await;
    let charged_on = Day::of_timestamp(system.now());
    // Customers may open the way back again. The later charge is not the first one.
    system.advance_seconds(40 * 86_400);
    system.run_billing("2027-01").await;
    let summary = read_summary(&system).await;
    assert_eq!((first_charge(&summary), summary.date), ("On {date}", Some(charged_on)));
}

#[tokio::test]
async fn first_charge_is_the_day_after_a_coupons_days() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", POSTPAID).await;
    redeem_code(&system, &code, "r-1").await;
    system.sign_up(&system.acme, POSTPAID, AccountChoice::New("ann@example.com")).await;
    let summary = read_summary(&system).await;
    assert_eq!((first_charge(&summary), summary.date), ("On {date}", Day::parse("2027-05-18")));
}

#[tokio::test]
async fn no_bill_is_promised_to_balances_and_members() {
    let system = start_system().await;
    system.sign_up(&system.acme, PREPAID, AccountChoice::New("ann@example.com")).await;
    let summary = read_summary(&system).await;
    assert_eq!((first_charge(&summary), summary.date), ("Shortly, from your Acme Mobile balance", None));
    let email = system.card_payer_email().await;
    system.sign_up(&system.acme, POSTPAID, AccountChoice::Existing(&email)).await;
    assert_eq!(first_charge(&read_summary(&system).await), "On your next billing day at Netflix");
}

/// The customer has opened the page of Netflix Standard, and has taken this plan there.
async fn read_result_of_plan(plan: &str, price: i64) -> Value {
    let mut system = start_system().await;
    system.reconfigure_acme(|config| {
        let mut premium = config.offers[0].clone();
        premium.id = serde_json::from_value(json!("netflix-premium")).expect("is an offer's name");
        premium.title = "Netflix Premium".to_owned();
        premium.plan = serde_json::from_value(json!("premium")).expect("is a plan");
        premium.price.amount_minor = 2299;
        config.offers.push(premium);
    });
    let flow = system.prove_number(&system.acme, POSTPAID).await;
    system.open_signup(&system.acme, &flow).await;
    let body = json!({"msisdn": POSTPAID, "operator": "acme"});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    let report = json!({"pai": answer["pai"], "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": plan,
        "price": {"value": price, "currency": "USD"}, "consentAt": system.now().to_string()});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/partnerSubscription", report).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    read_result(&system, "en").await
}

#[tokio::test]
async fn another_plan_is_the_one_that_the_whole_step_names() {
    let shown = read_result_of_plan("premium", 2299).await;
    assert_eq!((&shown["outcome"], &shown["offer"]["title"]), (&json!("success"), &json!("Netflix Premium")));
    let summary = &shown["summary"];
    assert_eq!(
        (&summary["rows"][0]["text"], &summary["price"]["value"]),
        (&json!("Netflix Premium"), &json!(2299))
    );
}

/// The page was about Netflix Standard, which is not what the customer pays for.
#[tokio::test]
async fn plan_that_is_no_offer_is_named_after_the_partner() {
    let shown = read_result_of_plan("basic", 999).await;
    let named = (&shown["outcome"], &shown["offer"]["title"], &shown["offer"]["price"]["value"]);
    assert_eq!(named, (&json!("success"), &json!("Netflix"), &json!(999)));
    let rows = shown["summary"]["rows"].as_array().expect("is a list");
    let labels: Vec<&Value> = rows.iter().map(|row| &row["label"]).collect();
    assert_eq!(labels, ["Price", "First charge"]);
}

#[tokio::test]
async fn visit_without_subscription_has_no_summary() {
    let system = start_system().await;
    let flow = system.prove_number(&system.acme, POSTPAID).await;
    system.open_signup(&system.acme, &flow).await;
    let shown = read_result(&system, "en").await;
    assert_eq!((&shown["outcome"], shown.get("summary")), (&json!("pending"), None));
}
