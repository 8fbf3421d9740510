//! Where a PIN has to prove the number that an app has read: what it proves, to whom, and that
//! nothing is disclosed before.

use super::{GOOD, VALIDATE, expected_refusal, pai_in, post_subscription, report_event, status_and_code};
use http::{Method, StatusCode};
use onbill_test_harness::TestSystem;
use serde_json::{Value, json};

const ANN: &str = "+34612345601";
const BEA: &str = "+34612345602";
const SUSPENDED: &str = "+34612345605";
const CEASED: &str = "+34612345606";
const UNKNOWN: &str = "+34612345699";
/// Well formed, and in no numbering plan.
const NOWHERE: &str = "+34200000001";

const PIN: &str = "/ott/v1/pin";

/// The app has a PIN sent to a number of Nova's.
async fn request_pin(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    system.call_ott(Method::POST, PIN, json!({"msisdn": number, "operator": "nova", "locale": "es-ES"})).await
}

/// Sends it, and returns the PIN's id.
async fn request_pin_id(system: &TestSystem, number: &str) -> String {
    let (status, answer) = request_pin(system, number).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    answer["pinID"].as_str().expect("is text").to_owned()
}

async fn enter_pin(system: &TestSystem, number: &str, pin_id: &str, pin: &str) -> (StatusCode, Value) {
    let body = json!({"msisdn": number, "operator": "nova", "pin": pin, "pinID": pin_id});
    system.call_ott(Method::POST, VALIDATE, body).await
}

/// Any PIN but that one.
fn other_than(pin: &str) -> &'static str {
    if pin == "000000" { "111111" } else { "000000" }
}

#[tokio::test]
async fn pin_proves_the_number_while_it_lives() {
    let system = TestSystem::start();
    let id = request_pin_id(&system, ANN).await;
    let texts = system.sms_received(&system.nova, ANN).await;
    assert!(texts[0].contains("es su código de Nova Móvil"), "{texts:?}");
    let pin = system.read_pin(&system.nova, ANN).await;
    assert_eq!(
        status_and_code(&enter_pin(&system, ANN, &id, other_than(&pin)).await),
        expected_refusal(400, "pin-invalid")
    );
    let pai = pai_in(&enter_pin(&system, ANN, &id, &pin).await);
    // As it is typed; and again, as the response may have been lost.
    let spaced = format!(" {} {} ", &pin[..3], &pin[3..]);
    system.advance_seconds(599);
    assert_eq!(pai_in(&enter_pin(&system, ANN, &id, &spaced).await), pai);
    system.advance_seconds(1);
    assert_eq!(
        status_and_code(&enter_pin(&system, ANN, &id, &pin).await),
        expected_refusal(400, "pin-expired")
    );
    post_subscription(&system, &pai, "s-1").await;
    assert_eq!(system.run_billing("2026-12").await["totals"]["declined"], 0);
}

#[tokio::test]
async fn newest_pin_is_default_without_pin_id() {
    let system = TestSystem::start();
    let unnamed = async |pin: &str| {
        let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
        system.call_ott(Method::POST, VALIDATE, body).await
    };
    assert_eq!(
        status_and_code(&unnamed("000000").await),
        expected_refusal(400, "pin-expired"),
        "there is none"
    );
    let first_id = request_pin_id(&system, ANN).await;
    let first = system.read_pin(&system.nova, ANN).await;
    system.advance_seconds(1);
    request_pin_id(&system, ANN).await;
    let second = system.read_pin(&system.nova, ANN).await;
    assert_ne!(first, second);
    assert_eq!(status_and_code(&unnamed(&first).await), expected_refusal(400, "pin-invalid"));
    let pai = pai_in(&unnamed(&second).await);
    assert_eq!(
        pai_in(&enter_pin(&system, ANN, &first_id, &first).await),
        pai,
        "the first is still good by its name"
    );
}

#[tokio::test]
async fn nothing_is_looked_up_without_a_pin() {
    let system = TestSystem::start();
    for number in [ANN, SUSPENDED, CEASED, UNKNOWN, NOWHERE] {
        for body in [
            json!({"msisdn": number, "operator": "nova"}),
            json!({"msisdn": number, "operator": "nova", "pin": ""}),
            json!({"msisdn": number, "operator": "nova", "pin": "123456", "pinID": "made-up"}),
        ] {
            let code = if body.get("pin").is_some() { "pin-expired" } else { "pin-invalid" };
            let answer = system.call_ott(Method::POST, VALIDATE, body).await;
            assert_eq!(status_and_code(&answer), expected_refusal(400, code), "{number}");
        }
    }
    assert!(
        system.network.recorded_calls().iter().all(|call| call.authority != system.nova.dashboard_address)
    );
}

/// Everything that a partner can see without the SMS, for numbers of every kind.
#[tokio::test]
async fn every_number_gets_same_responses_until_proven() {
    let system = TestSystem::start();
    let mut seen = Vec::new();
    for number in [ANN, SUSPENDED, CEASED, UNKNOWN, NOWHERE, GOOD] {
        let mut answers = vec![status_and_code(&enter_pin(&system, number, "none", "000000").await)];
        let (status, mut answer) = request_pin(&system, number).await;
        let id = answer["pinID"].as_str().expect("is text").to_owned();
        answer["pinID"] = json!(id.len());
        answers.push((status.as_u16(), answer.to_string()));
        let looked_up = |system: &TestSystem| {
            let calls = system.network.recorded_calls();
            calls.iter().filter(|call| call.authority == system.nova.dashboard_address).count()
        };
        let before = looked_up(&system);
        // Once in five million runs the generator draws the PIN that is tried here; it is the same
        // in every run.
        for _ in 0..6 {
            answers.push(status_and_code(&enter_pin(&system, number, &id, "000000").await));
        }
        assert_eq!(looked_up(&system), before, "the operator is not asked");
        for _ in 0..9 {
            assert_eq!(request_pin(&system, number).await.0, StatusCode::ACCEPTED);
        }
        let (status, answer) = request_pin(&system, number).await;
        answers.push((status.as_u16(), answer["code"].to_string()));
        seen.push(answers);
        system.nova.deliver_due().await;
    }
    let wrong =
        [vec![expected_refusal(400, "pin-invalid"); 4], vec![expected_refusal(429, "too-many-requests"); 2]]
            .concat();
    assert_eq!(seen[0][2..8], wrong);
    for answers in &seen {
        assert_eq!(*answers, seen[0]);
    }
    // An SMS goes only to lines that exist.
    for (number, messages) in [(ANN, 10), (SUSPENDED, 10)] {
        assert_eq!(system.sms_received(&system.nova, number).await.len(), messages);
    }
    for silent in [CEASED, UNKNOWN, NOWHERE, GOOD] {
        let was_called =
            |path: &str| system.network.recorded_calls().iter().any(|c| c.path == path && c.contains(silent));
        assert!(was_called("/csp/account/validate") && !was_called("/csp/notification"), "{silent}");
    }
}

#[tokio::test]
async fn proven_number_gets_its_next_step() {
    let system = TestSystem::start();
    for (number, status, code) in
        [(SUSPENDED, 400, "suspended-non-payment"), ("+34612345604", 400, "insufficient-balance")]
    {
        let id = request_pin_id(&system, number).await;
        let pin = system.read_pin(&system.nova, number).await;
        assert_eq!(
            status_and_code(&enter_pin(&system, number, &id, &pin).await),
            expected_refusal(status, code),
            "{number}"
        );
    }
    let id = request_pin_id(&system, "+34612345603").await;
    let pin = system.read_pin(&system.nova, "+34612345603").await;
    assert_eq!(enter_pin(&system, "+34612345603", &id, &pin).await.1["type"], "prepaid");
}

#[tokio::test]
async fn pin_is_for_its_own_number() {
    let system = TestSystem::start();
    let (anns, beas) = (request_pin_id(&system, ANN).await, request_pin_id(&system, BEA).await);
    let (ann, bea) = (system.read_pin(&system.nova, ANN).await, system.read_pin(&system.nova, BEA).await);
    // A caller with a PIN of their own does not prove another's number with it.
    for (number, id, pin) in [(BEA, &anns, &ann), (ANN, &beas, &bea)] {
        for _ in 0..6 {
            let answer = enter_pin(&system, number, id, pin).await;
            assert_eq!(
                status_and_code(&answer),
                expected_refusal(400, "pin-expired"),
                "and no try of the owner's is used up"
            );
        }
    }
    assert_ne!(
        pai_in(&enter_pin(&system, ANN, &anns, &ann).await),
        pai_in(&enter_pin(&system, BEA, &beas, &bea).await)
    );
}

#[tokio::test]
async fn pin_matches_its_number_however_spelled() {
    let system = TestSystem::start();
    let (spelled, with_trunk_prefix) = ("+447911123456", "+4407911123456");
    for (sent_to, proved) in [(spelled, with_trunk_prefix), (with_trunk_prefix, spelled)] {
        let id = request_pin_id(&system, sent_to).await;
        // The flow is found, and the try counts.
        assert_eq!(
            status_and_code(&enter_pin(&system, proved, &id, "none").await),
            expected_refusal(400, "pin-invalid")
        );
    }
}

#[tokio::test]
async fn app_pin_and_widget_pin_are_not_interchangeable() {
    let system = TestSystem::start();
    let id = request_pin_id(&system, ANN).await;
    let pin = system.read_pin(&system.nova, ANN).await;
    let (_, answer) = system.call_widget("/pin", json!({"operator": "nova", "flow": id, "pin": pin})).await;
    assert_eq!(answer["code"], "pin-expired");
    pai_in(&enter_pin(&system, ANN, &id, &pin).await);
    // A proof to a partner's app is no proof to the widget.
    for path in ["/signup", "/account", "/account/unlink"] {
        let asked = json!({"operator": "nova", "flow": id, "subscription": "x"});
        assert_eq!(system.call_widget(path, asked).await.1["code"], "token-expired", "{path}");
    }

    system.advance_seconds(1);
    let (_, step) = system.enter_number(&system.nova, ANN).await;
    let flow = step["flow"].as_str().expect("is text");
    let pin = system.read_pin(&system.nova, ANN).await;
    assert_eq!(
        status_and_code(&enter_pin(&system, ANN, flow, &pin).await),
        expected_refusal(400, "pin-expired")
    );
    let unnamed = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
    let answer = system.call_ott(Method::POST, VALIDATE, unnamed).await;
    assert_eq!(status_and_code(&answer), expected_refusal(400, "pin-invalid"), "the newest is the app's own");
    let (_, answer) = system.call_widget("/pin", json!({"operator": "nova", "flow": flow, "pin": pin})).await;
    assert_eq!(answer["step"], "confirm");
}

#[tokio::test]
async fn app_and_widget_have_their_own_pins() {
    let system = TestSystem::start();
    for _ in 0..10 {
        assert_eq!(system.enter_number(&system.nova, ANN).await.0, StatusCode::OK);
    }
    assert_eq!(
        status_and_code(&system.enter_number(&system.nova, ANN).await),
        expected_refusal(429, "too-many-requests")
    );
    for _ in 0..10 {
        request_pin_id(&system, ANN).await;
    }
    assert_eq!(status_and_code(&request_pin(&system, ANN).await), expected_refusal(429, "too-many-requests"));
    request_pin_id(&system, BEA).await;
    system.advance_seconds(3_600);
    request_pin_id(&system, ANN).await;
}

#[tokio::test]
async fn pin_on_a_new_sim_proves_nothing() {
    let system = TestSystem::start();
    report_event(&system, &system.nova, "e-1", "sim-swapped", ANN, 60).await;
    let id = request_pin_id(&system, ANN).await;
    let pin = system.read_pin(&system.nova, ANN).await;
    assert_eq!(
        status_and_code(&enter_pin(&system, ANN, &id, &pin).await),
        expected_refusal(400, "account-not-eligible")
    );
    // Nor does it learn the status of the account.
    report_event(&system, &system.nova, "e-2", "sim-swapped", SUSPENDED, 60).await;
    let id = request_pin_id(&system, SUSPENDED).await;
    let pin = system.read_pin(&system.nova, SUSPENDED).await;
    assert_eq!(
        status_and_code(&enter_pin(&system, SUSPENDED, &id, &pin).await),
        expected_refusal(400, "account-not-eligible")
    );
}
