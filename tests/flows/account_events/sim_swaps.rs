//! A number on another SIM: its subscriber keeps paying, and for some days the person with the SIM
//! cannot sign up with it.

use super::{GOOD, approved_outcome, charge_outcome, event_body, report_applied_event, report_event};
use http::StatusCode;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const HOUR: i64 = 3_600;

/// Tries to prove a number by PIN. Returns the step or the refusal.
async fn enter_pin(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    let (_, step) = system.enter_number(&system.acme, number).await;
    let pin = system.read_pin(&system.acme, number).await;
    system.call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await
}

fn not_eligible((status, refusal): &(StatusCode, Value)) -> bool {
    *status == StatusCode::BAD_REQUEST && refusal["code"] == "account-not-eligible"
}

async fn system_with_swap() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let (status, answer) = report_event(&system, &event_body(&system, "e-1", "sim-swapped", GOOD)).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("NO_SUBSCRIBER")));
    system
}

#[tokio::test]
async fn pin_on_new_sim_proves_nothing_three_days() {
    let system = system_with_swap().await;
    assert!(not_eligible(&enter_pin(&system, GOOD).await));
    system.advance_seconds(72 * HOUR - 60);
    assert!(not_eligible(&enter_pin(&system, GOOD).await));
    system.advance_seconds(60);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
}

#[tokio::test]
async fn operator_assertion_proves_at_once() {
    let system = system_with_swap().await;
    let (status, step) = system.enter_session_number(&system.acme, GOOD).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    let page = system.open_signup(&system.acme, step["flow"].as_str().expect("is text")).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    assert!(system.find_pai_of("ann@example.com").await.is_some());
}

#[tokio::test]
async fn sim_swap_after_the_pin_is_noticed() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let flow = system.prove_number(&system.acme, GOOD).await;
    report_event(&system, &event_body(&system, "e-1", "sim-swapped", GOOD)).await;
    let refusal = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    assert!(not_eligible(&refusal), "{refusal:?}");
}

#[tokio::test]
async fn sim_swap_does_not_stop_a_paying_customer() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    report_applied_event(&system, "e-1", "sim-swapped", GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    assert_eq!(system.acme.deliver_due().await, 0, "nobody has to hear of it");
}
