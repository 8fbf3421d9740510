//! What a partner may ask about numbers, where the edge's counters are missing: enumeration is
//! bounded at the origin. The edge of these tests lets every rate through.

use super::{
    CEASED, GOOD, PREPAID, SUSPENDED, UNKNOWN, VALIDATE, expected_refusal, start_system, status_and_code,
    validate_number,
};
use http::{Method, StatusCode};
use onbill_domain::limits::NUMBER_CHECKS_PER_DAY_MAX;
use onbill_test_harness::TestSystem;
use onbill_test_harness::log_capture::LogCapture;
use serde_json::{Value, json};
use tracing::Level;

const OVER: (u16, &str) = (429, "too-many-requests");

/// Acme's origin, which lets Netflix ask so often about numbers in an hour.
async fn system_with(checks: u32, unknown: u32) -> TestSystem {
    let mut system = start_system().await;
    system.reconfigure_acme(|config| {
        config.partners[0].number_checks_per_hour = checks;
        config.partners[0].unknown_numbers_per_hour = unknown;
    });
    system
}

/// A number of Acme's that nobody has.
fn nobodys(n: u32) -> String {
    format!("+1202556{n:04}")
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn guesser_of_numbers_learns_nothing_beyond_ceiling() {
    let system = system_with(1_000, 20).await;
    let (log, _capturing) = LogCapture::capture_thread(Level::ERROR);
    for n in 0..19 {
        assert_eq!(code(&validate_number(&system, &nobodys(n)).await), (404, "account-not-found"));
    }
    assert_eq!(code(&validate_number(&system, CEASED).await), (404, "account-not-found"));
    // Accounts that exist are no guesses, whatever their status.
    assert_eq!(code(&validate_number(&system, SUSPENDED).await), (400, "suspended-non-payment"));
    assert_eq!(validate_number(&system, GOOD).await.0, StatusCode::OK);
    assert_eq!((code(&validate_number(&system, UNKNOWN).await), log.count("unknown-numbers")), (OVER, 1));
    let answers = [GOOD, PREPAID, SUSPENDED, CEASED, UNKNOWN, "+34612345601"]
        .map(|number| validate_number(&system, number));
    let answers = futures_util::future::join_all(answers).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!((code(&answers[0]), log.count("unknown-numbers")), (OVER, 1));
    system.advance_seconds(3_600);
    assert_eq!(validate_number(&system, GOOD).await.0, StatusCode::OK);
}

#[tokio::test]
async fn guesser_at_many_connections_gets_no_more() {
    let system = system_with(1_000, 5).await;
    let numbers: Vec<String> = (0..40).map(nobodys).collect();
    let answers =
        futures_util::future::join_all(numbers.iter().map(|number| validate_number(&system, number))).await;
    assert_eq!(answers.iter().filter(|answer| code(answer) == (404, "account-not-found")).count(), 5);
    assert_eq!(answers.iter().filter(|answer| code(answer) == OVER).count(), 35);
}

#[tokio::test]
async fn compromised_edge_is_counted_at_the_origin() {
    let system = system_with(8, 1_000).await;
    let ask = async || {
        let request = system.forward_as_edge(VALIDATE, &json!({"msisdn": GOOD, "operator": "acme"}));
        system.send_request(request).await.0.as_u16()
    };
    for _ in 0..8 {
        assert_eq!(ask().await, 200);
    }
    assert_eq!(ask().await, 429);
    // Nor does it see the response to an unknown number twice by the same signed call.
    system.advance_seconds(3_600);
    let call = system.forward_as_edge(VALIDATE, &json!({"msisdn": UNKNOWN, "operator": "acme"}));
    assert_eq!(system.send_request(call.clone()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(system.send_request(call).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn line_is_not_watched_all_day() {
    let system = start_system().await;
    for _ in 0..NUMBER_CHECKS_PER_DAY_MAX {
        assert_eq!(code(&validate_number(&system, SUSPENDED).await), (400, "suspended-non-payment"));
    }
    assert_eq!(code(&validate_number(&system, SUSPENDED).await), OVER);
    assert_eq!(validate_number(&system, GOOD).await.0, StatusCode::OK, "others are asked about");
    system.advance_seconds(86_400);
    assert_eq!(code(&validate_number(&system, SUSPENDED).await), (400, "suspended-non-payment"));
}

#[tokio::test]
async fn attempts_at_pins_are_counted_too() {
    let mut system = TestSystem::start();
    system.reconfigure_nova(|config| config.partners[0].number_checks_per_hour = 3);
    let body = json!({"msisdn": "+34612345601", "operator": "nova", "pin": "000000", "pinID": "made-up"});
    for _ in 0..3 {
        let answer = system.call_ott(Method::POST, VALIDATE, body.clone()).await;
        assert_eq!(status_and_code(&answer), expected_refusal(400, "pin-expired"));
    }
    let answer = system.call_ott(Method::POST, VALIDATE, body).await;
    assert_eq!(status_and_code(&answer), expected_refusal(429, "too-many-requests"));
}

#[tokio::test]
async fn unreachable_operator_counts_no_guess() {
    let mut system = TestSystem::start();
    system.reconfigure_nova(|config| {
        config.partners[0].number_proof = onbill_origin::config::NumberProof::DeviceRead;
        config.partners[0].number_checks_per_hour = 2;
    });
    let body = || json!({"msisdn": "+34612345601", "operator": "nova"});
    let accounts = format!("{}/csp/account/validate", system.nova.dashboard_address);
    system.network.inject_fault(&accounts, onbill_test_harness::NetworkFault::Lost);
    for _ in 0..5 {
        assert_eq!(system.call_ott(Method::POST, VALIDATE, body()).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    system.network.clear_faults();
    assert_eq!(system.call_ott(Method::POST, VALIDATE, body()).await.0, StatusCode::OK);
}
