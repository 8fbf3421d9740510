//! The challenge through the whole system: who is asked for it, and that it keeps programs from using up
//! what people need. The service that checks solutions is as strict as Turnstile: each is good once.

use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

const GOOD: &str = "+12025550101";
const UNKNOWN: &str = "+12025550199";

/// Accepts each of these solutions once.
fn siteverify(solutions: &[&str]) -> Router {
    let unspent: HashSet<String> = solutions.iter().map(|solution| (*solution).to_owned()).collect();
    let unspent = Arc::new(Mutex::new(unspent));
    let check = move |Json(question): Json<Value>| async move {
        let members: HashSet<&str> =
            question.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert!(members.is_subset(&HashSet::from(["secret", "response", "remoteip"])), "{members:?}");
        let refused = |code: &str| Json(json!({"success": false, "error-codes": [code]}));
        if question["secret"] != "challenge-secret" {
            return refused("invalid-input-secret");
        }
        let solution = question["response"].as_str().unwrap_or_default();
        if !unspent.lock().expect("is whole").remove(solution) {
            return refused("timeout-or-duplicate");
        }
        Json(json!({"success": true, "hostname": "127.0.0.1", "error-codes": [], "action": "pin"}))
    };
    Router::new().route("/turnstile/v0/siteverify", post(check))
}

async fn system(solutions: &[&str]) -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.attach_challenge(siteverify(solutions));
    system
}

async fn enter(system: &TestSystem, number: &str, solution: Option<&str>) -> (StatusCode, Value) {
    let mut body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": number, "locale": "en"});
    if let Some(solution) = solution {
        body["challengeToken"] = json!(solution);
    }
    system.call_widget("/account/validate", body).await
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn third_pin_needs_a_challenge_for_every_number() {
    let system = system(&["a", "b"]).await;
    let mut seen = Vec::new();
    for (number, solution) in [(GOOD, "a"), (UNKNOWN, "b")] {
        let mut answers = Vec::new();
        for solution in [None, None, None, Some("made-up"), Some(solution), Some(solution)] {
            answers.push(code(&enter(&system, number, solution).await).0);
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], [200, 200, 403, 403, 200, 403]);
    assert_eq!(seen[1], seen[0], "an unknown number is asked for the same");
    assert_eq!(system.sms_received(&system.acme, GOOD).await.len(), 3);
}

#[tokio::test]
async fn flood_of_programs_leaves_a_person_their_pins() {
    let system = system(&["a"]).await;
    for _ in 0..30 {
        enter(&system, GOOD, None).await;
    }
    assert_eq!(code(&enter(&system, GOOD, None).await), (403, "challenge-required"), "and not 429");
    system.advance_seconds(1);
    let (_, step) = enter(&system, GOOD, Some("a")).await;
    let pin = system.read_pin(&system.acme, GOOD).await;
    let (_, step) =
        system.call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await;
    let page = system.open_signup(&system.acme, step["flow"].as_str().expect("is proven")).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    system.pai_of("ann@example.com").await;
}

#[tokio::test]
async fn session_needs_no_challenge() {
    let system = system(&[]).await;
    for _ in 0..5 {
        enter(&system, GOOD, None).await;
    }
    assert_eq!(system.enter_session_number(&system.acme, GOOD).await.1["step"], "confirm");
}
