//! The dashboard's assertion is spent by the frame of the widget that presents it first.

use http::StatusCode;
use onbill_domain::msisdn::Msisdn;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";

async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

fn sign_assertion(system: &TestSystem, numbers: &[&str]) -> String {
    let numbers = numbers.iter().map(|number| Msisdn::parse(number).expect("is E.164")).collect();
    system.acme.sandbox.assertion(numbers).expect("signs")
}

/// What a frame is answered: the step, or the code of the refusal.
async fn ask_step(
    system: &TestSystem,
    number: &str,
    session: &str,
    frame: Option<&str>,
) -> (StatusCode, Value) {
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": number, "locale": "en",
                      "session": session, "frame": frame});
    let (status, answer) = system.call_widget("/account/validate", body).await;
    (status, if status == StatusCode::OK { answer["step"].clone() } else { answer["code"].clone() })
}

fn confirms() -> (StatusCode, Value) {
    (StatusCode::OK, json!("confirm"))
}

fn used() -> (StatusCode, Value) {
    (StatusCode::CONFLICT, json!("token-already-used"))
}

#[tokio::test]
async fn assertion_is_for_the_frame_that_presents_it_first() {
    let system = start_system().await;
    let session = sign_assertion(&system, &[GOOD, OTHER]);
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-1")).await, confirms());
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-2")).await, used());
    assert_eq!(ask_step(&system, OTHER, &session, Some("frame-2")).await, used());
    assert_eq!(ask_step(&system, GOOD, &session, None).await, used());
    // The customer starts over, or takes another of their numbers.
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-1")).await, confirms());
    assert_eq!(ask_step(&system, OTHER, &session, Some("frame-1")).await, confirms());
    // A later assertion is another one, though it says the same.
    let fresh = sign_assertion(&system, &[GOOD, OTHER]);
    assert_ne!(fresh, session);
    assert_eq!(ask_step(&system, GOOD, &fresh, Some("frame-2")).await, confirms());
}

#[tokio::test]
async fn assertion_without_a_frame_is_used_once() {
    let system = start_system().await;
    let session = sign_assertion(&system, &[GOOD]);
    assert_eq!(ask_step(&system, GOOD, &session, None).await, confirms());
    assert_eq!(ask_step(&system, GOOD, &session, None).await, used());
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-1")).await, used());
    system.advance_seconds(300);
    system.acme.app().sweep().await.expect("works");
    let expired = (StatusCode::BAD_REQUEST, json!("token-expired"));
    assert_eq!(
        ask_step(&system, GOOD, &session, None).await,
        expired,
        "it is not forgotten before it is over"
    );
}

#[tokio::test]
async fn assertion_about_another_number_is_spent_too() {
    let system = start_system().await;
    let session = sign_assertion(&system, &[GOOD]);
    assert_eq!(ask_step(&system, OTHER, &session, Some("frame-1")).await, (StatusCode::OK, json!("pin")));
    assert_eq!(ask_step(&system, OTHER, &session, Some("frame-2")).await, used());
}

/// The answer was lost on its way, and the widget asks again.
#[tokio::test]
async fn frame_whose_answer_was_lost_asks_again() {
    let system = start_system().await;
    let session = sign_assertion(&system, &[GOOD]);
    system.network.inject_fault("127.0.0.1:8788/edge/v1/validate", NetworkFault::AnswerLost);
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-1")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    system.network.clear_faults();
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-2")).await, used(), "it had its effect");
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-1")).await, confirms());
}

#[tokio::test]
async fn refusal_without_effect_spends_no_assertion() {
    let system = start_system().await;
    let session = sign_assertion(&system, &[GOOD]);
    let unknown = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "xx",
                         "session": session, "frame": "frame-1"});
    assert_eq!(system.call_widget("/account/validate", unknown).await.0, StatusCode::BAD_REQUEST);
    for bad in ["", "a b", &"f".repeat(129)] {
        let refused = (StatusCode::BAD_REQUEST, json!("invalid-request"));
        assert_eq!(ask_step(&system, GOOD, &session, Some(bad)).await, refused, "{bad:?}");
    }
    assert_eq!(ask_step(&system, GOOD, &session, Some("frame-2")).await, confirms());
}
