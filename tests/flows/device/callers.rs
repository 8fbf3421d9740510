//! Who may query a number, and who may not: other partners, replays, and a compromised edge.

use super::{EDGE, GOOD, VALIDATE, expected_refusal, pai_in, start_system, status_and_code, validate_number};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::{KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

const ANN: &str = "+34612345601";
const PIN: &str = "/ott/v1/pin";

fn validate_body(number: &str, operator: &str) -> Value {
    json!({"msisdn": number, "operator": operator})
}

/// Signs a call that the edge forwarded again, with its own key.
fn sign_again(system: &TestSystem, request: &Request<Bytes>) -> Request<Bytes> {
    let mut request = request.clone();
    let ring = keys::keyring(&KeyHolder::Edge);
    let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    request
}

#[tokio::test]
async fn call_acts_once() {
    let system = start_system().await;
    let request = system.sign_as_partner(&Method::POST, VALIDATE, &validate_body(GOOD, "acme"));
    assert_eq!(system.send_request(request.clone()).await.0, StatusCode::OK);
    assert_eq!(
        status_and_code(&system.send_request(request).await),
        expected_refusal(401, "authorization-failure")
    );

    let request = system.sign_as_partner(&Method::POST, PIN, &validate_body(ANN, "nova"));
    let (status, answer) = system.send_request(request.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        status_and_code(&system.send_request(request).await),
        expected_refusal(401, "authorization-failure")
    );
    assert_eq!(system.sms_received(&system.nova, ANN).await.len(), 1);

    // A try that was intercepted and sent again does not count: it neither proves nor uses up
    // anything.
    let mut body = validate_body(ANN, "nova");
    body["pinID"] = answer["pinID"].clone();
    body["pin"] = json!("000000");
    let wrong = system.sign_as_partner(&Method::POST, VALIDATE, &body);
    assert_eq!(
        status_and_code(&system.send_request(wrong.clone()).await),
        expected_refusal(400, "pin-invalid")
    );
    for _ in 0..5 {
        assert_eq!(
            status_and_code(&system.send_request(wrong.clone()).await),
            expected_refusal(401, "authorization-failure")
        );
    }
    body["pin"] = json!(system.read_pin(&system.nova, ANN).await);
    pai_in(&system.call_ott(Method::POST, VALIDATE, body).await);
}

#[tokio::test]
async fn compromised_edge_cannot_query_devices() {
    let system = start_system().await;
    let body = validate_body(GOOD, "acme");
    let genuine = system.forward_as_edge(VALIDATE, &body);
    let mut bare = genuine.clone();
    let mut changed = genuine.clone();
    for name in ["onbill-partner-signature-input", "onbill-partner-signature"] {
        bare.headers_mut().remove(name);
    }
    *changed.body_mut() = Bytes::from(validate_body("+12025550107", "acme").to_string());
    changed.headers_mut().remove("content-digest");
    for request in [bare, changed] {
        let answer = system.send_request(sign_again(&system, &request)).await;
        assert_eq!(status_and_code(&answer), expected_refusal(401, "authorization-failure"));
    }
    assert_eq!(system.send_request(genuine.clone()).await.0, StatusCode::OK);
    let replayed = system.send_request(sign_again(&system, &genuine)).await;
    assert_eq!(status_and_code(&replayed), expected_refusal(401, "authorization-failure"));
}

/// The partner signs whose SIM it is. An origin accepts no call that names another operator, and
/// trusts the edge where none is named.
#[tokio::test]
async fn number_at_another_operator_is_not_looked_up() {
    let system = start_system().await;
    for path in [VALIDATE, PIN] {
        let answer = system.send_request(system.forward_as_edge(path, &validate_body(GOOD, "nova"))).await;
        assert_eq!(status_and_code(&answer), expected_refusal(400, "parameter-not-supported"), "{path}");
    }
    assert_eq!(system.acme.deliver_due().await, 0, "no message, and nobody new");
    let unnamed = system.send_request(system.forward_as_edge(VALIDATE, &json!({"msisdn": GOOD}))).await;
    assert_eq!(pai_in(&unnamed), pai_in(&validate_number(&system, GOOD).await));
}

#[tokio::test]
async fn edge_brings_a_number_to_one_operator() {
    let system = start_system().await;
    let answer = system.call_ott(Method::POST, VALIDATE, json!({"msisdn": GOOD})).await;
    assert_eq!(status_and_code(&answer), expected_refusal(400, "invalid-request"));
    pai_in(&validate_number(&system, GOOD).await);
    for call in system.network.recorded_calls() {
        if call.authority != EDGE && call.contains(&GOOD[1..]) {
            assert_eq!(call.authority, system.acme.origin_address, "{}", call.path);
        }
    }
    assert!(
        system.edge.kv_entries().iter().all(|(key, value)| !format!("{key}{value}").contains(&GOOD[2..]))
    );
}

/// What one partner has proved does not count for another, and its subscribers have other ids
/// there.
#[tokio::test]
async fn partner_continues_with_its_own_pins_only() {
    let mut system = TestSystem::start();
    system.reconfigure_nova(|config| {
        let mut tunes = config.offers[0].clone();
        tunes.id = serde_json::from_value(json!("tunes-family")).expect("is a name");
        tunes.partner = serde_json::from_value(json!("tunes")).expect("is a name");
        config.offers.push(tunes);
    });
    let tunes = keys::keyring(&KeyHolder::Partner("tunes"));
    let (_, answer) = system.call_ott(Method::POST, PIN, validate_body(ANN, "nova")).await;
    let pin = system.read_pin(&system.nova, ANN).await;
    let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin, "pinID": answer["pinID"]});
    let unnamed = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
    for body in [&body, &unnamed] {
        let stolen = system.send_request(system.sign_with(&tunes, &Method::POST, VALIDATE, body)).await;
        assert_eq!(status_and_code(&stolen), expected_refusal(400, "pin-expired"));
    }
    let netflix = pai_in(&system.call_ott(Method::POST, VALIDATE, body).await);

    system.advance_seconds(1);
    let (status, answer) =
        system.send_request(system.sign_with(&tunes, &Method::POST, PIN, &validate_body(ANN, "nova"))).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let pin = system.read_pin(&system.nova, ANN).await;
    let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin, "pinID": answer["pinID"]});
    let own = pai_in(&system.send_request(system.sign_with(&tunes, &Method::POST, VALIDATE, &body)).await);
    assert_ne!(own, netflix);
    // Another partner's offer is unknown.
    let body = json!({"msisdn": ANN, "operator": "nova", "offer": "netflix-standard", "pin": pin});
    let answer = system.send_request(system.sign_with(&tunes, &Method::POST, VALIDATE, &body)).await;
    assert_eq!(status_and_code(&answer), expected_refusal(400, "parameter-not-supported"));
}

#[tokio::test]
async fn partner_without_offers_sends_no_pins() {
    let system = TestSystem::start();
    let tunes = keys::keyring(&KeyHolder::Partner("tunes"));
    for path in [VALIDATE, PIN] {
        let request = system.sign_with(&tunes, &Method::POST, path, &validate_body(ANN, "nova"));
        assert_eq!(
            status_and_code(&system.send_request(request).await),
            expected_refusal(400, "parameter-not-supported")
        );
    }
    assert!(system.sms_received(&system.nova, ANN).await.is_empty());
}
