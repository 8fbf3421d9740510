//! Who may report what happens to an account, and who may report the state of a PAI.

use super::{
    EDGE, GOOD, NETFLIX, approved_outcome, charge_outcome, event_body, event_request, expected_answer,
    partner_state_of, report_event, stored_states,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::{KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

#[tokio::test]
async fn only_the_operators_own_systems_report() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let ceased = event_body(&system, "e-1", "ceased", GOOD);
    let by =
        |holder, key_use, party| event_request(&system, &system.acme, &(holder, key_use, party), &ceased);
    let acmes = || (KeyHolder::Operator("acme"), KeyUse::OperatorToOrigin, "operator:acme");
    let genuine = event_request(&system, &system.acme, &acmes(), &ceased);
    let mut changed = genuine.clone();
    *changed.body_mut() = Bytes::from(event_body(&system, "e-1", "ported-out", GOOD).to_string());
    let mut unsigned = genuine.clone();
    unsigned.headers_mut().remove("signature");
    for (who, request) in [
        ("nobody", unsigned),
        ("somebody on the way", changed),
        ("another operator", by(KeyHolder::Operator("nova"), KeyUse::OperatorToOrigin, "operator:nova")),
        ("the edge", by(KeyHolder::Edge, KeyUse::EdgeToOrigin, "operator:acme")),
        ("whom the origin calls", by(KeyHolder::Operator("acme"), KeyUse::OriginToOperator, "operator:acme")),
    ] {
        let (status, refusal) = system.send_request(request).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (401, &json!("authorization-failure")), "{who}");
    }
    let swapped =
        event_request(&system, &system.acme, &acmes(), &event_body(&system, "e-2", "sim-swapped", GOOD));
    assert_eq!(
        system.send_request(swapped.clone()).await,
        (StatusCode::OK, expected_answer("e-2", "APPLIED"))
    );
    let (status, refusal) = system.send_request(swapped).await;
    assert_eq!((status.as_u16(), &refusal["code"]), (401, &json!("authorization-failure")), "a replay");
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
}

#[tokio::test]
async fn event_that_says_nothing_is_refused() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let good = event_body(&system, "e-1", "ceased", GOOD);
    let without = |member: &str| {
        let mut event = good.clone();
        event.as_object_mut().expect("is an object").remove(member);
        event
    };
    let with = |member: &str, value: Value| {
        let mut event = good.clone();
        event[member] = value;
        event
    };
    for bad in [
        without("eventID"),
        without("type"),
        without("msisdn"),
        without("occurredAt"),
        with("type", json!("lost")),
        with("type", json!("number-changed")),
        with("newMSISDN", json!("+12025550102")),
        with("msisdn", json!("2025550101")),
        with("occurredAt", json!(system.now().plus_seconds(301).to_string())),
    ] {
        let (status, refusal) = report_event(&system, &bad).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (400, &json!("invalid-request")), "{bad}");
    }
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
}

/// A call that an origin signs for the edge or the partner.
async fn send_signed(
    system: &TestSystem,
    url: String,
    key: (&'static str, KeyUse, &str),
    body: &Value,
) -> u16 {
    let mut request = Request::post(url)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("is a request");
    let ring = keys::keyring(&KeyHolder::Origin(key.0));
    let key = ring.signing_key(key.1, key.2).expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    system.send_request(request).await.0.as_u16()
}

#[tokio::test]
async fn another_operators_origin_says_nothing_of_a_pai() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let before = stored_states(&system, &pai);
    let to_edge = ("nova", KeyUse::OriginToEdge, "operator:nova");
    for operator in ["acme", "nova"] {
        let mapping = json!({"operator": operator, "subscriber": "h", "state": "CLOSED", "version": 99});
        let body = json!({"pai": pai, "mapping": mapping});
        let status =
            send_signed(&system, format!("http://{EDGE}/origin/v1/pai-mapping"), to_edge, &body).await;
        assert_eq!(status, 403, "as {operator}");
    }
    assert_eq!(stored_states(&system, &pai), before);
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    assert_eq!(partner_state_of(&system, "ann@example.com").await, Value::Null);
    let closed = json!({"pai": pai, "state": "CLOSED", "reason": "account-closed", "sequence": 99});
    let to_partner = ("nova", KeyUse::OriginToPartner, "partner:netflix");
    assert_eq!(
        send_signed(&system, format!("http://{NETFLIX}/account-state"), to_partner, &closed).await,
        404
    );
    let accounts = system.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
    assert!(accounts.iter().all(|account| account["pays"]["reported"].is_null()), "{accounts:?}");
}
