//! A number on another SIM: its subscriber goes on, and for some days whoever has the SIM does not sign up by it.

use super::{GOOD, approved, charged, event, happens, report};
use http::StatusCode;
use onbill_test_harness::customer::Choice;
use onbill_test_harness::{ACCOUNTS, World};
use serde_json::{Value, json};

const HOUR: i64 = 3_600;

/// Tries to prove a number by PIN; gives the step or the refusal.
async fn enter_pin(world: &World, number: &str) -> (StatusCode, Value) {
    let (_, step) = world.enter(&world.acme, number).await;
    let pin = world.pin(&world.acme, number).await;
    world.widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await
}

fn not_eligible((status, refusal): &(StatusCode, Value)) -> bool {
    *status == StatusCode::BAD_REQUEST && refusal["code"] == "account-not-eligible"
}

async fn swapped() -> World {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    let (status, answer) = report(&world, &event(&world, "e-1", "sim-swapped", GOOD)).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("NO_SUBSCRIBER")));
    world
}

#[tokio::test]
async fn a_pin_on_a_new_sim_proves_nothing_for_three_days() {
    let world = swapped().await;
    assert!(not_eligible(&enter_pin(&world, GOOD).await));
    world.pass_seconds(72 * HOUR - 60);
    assert!(not_eligible(&enter_pin(&world, GOOD).await));
    world.pass_seconds(60);
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
}

#[tokio::test]
async fn the_operators_own_assertion_is_a_proof_at_once() {
    let world = swapped().await;
    let (status, step) = world.enter_listed(&world.acme, GOOD).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    let page = world.leave(&world.acme, step["flow"].as_str().expect("is text")).await;
    world.choose(&page, Choice::New("ann@example.com")).await;
    assert!(world.pai_if_any("ann@example.com").await.is_some());
}

#[tokio::test]
async fn a_sim_that_is_swapped_after_the_pin_is_noticed() {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    let flow = world.prove(&world.acme, GOOD).await;
    report(&world, &event(&world, "e-1", "sim-swapped", GOOD)).await;
    let refusal = world.widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    assert!(not_eligible(&refusal), "{refusal:?}");
}

#[tokio::test]
async fn whoever_pays_on_the_bill_already_goes_on() {
    let (world, pai) = World::signed_up(GOOD).await;
    happens(&world, "e-1", "sim-swapped", GOOD).await;
    assert_eq!(charged(&world, &pai, "c-1").await, approved());
    assert_eq!(world.acme.deliver().await, 0, "nobody has to hear of it");
}
