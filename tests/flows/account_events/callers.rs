//! Who may report what happens to an account, and who may report the state of a PAI.

use super::{EDGE, GOOD, NETFLIX, answer, approved, charged, event, report, reported, stored, told};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::{KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

#[tokio::test]
async fn only_the_operators_own_systems_report() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let ceased = event(&system, "e-1", "ceased", GOOD);
    let by = |holder, key_use, party| reported(&system, &system.acme, &(holder, key_use, party), &ceased);
    let acmes = || (KeyHolder::Operator("acme"), KeyUse::OperatorToOrigin, "operator:acme");
    let genuine = reported(&system, &system.acme, &acmes(), &ceased);
    let mut changed = genuine.clone();
    *changed.body_mut() = Bytes::from(event(&system, "e-1", "ported-out", GOOD).to_string());
    let mut unsigned = genuine.clone();
    unsigned.headers_mut().remove("signature");
    for (who, request) in [
        ("nobody", unsigned),
        ("somebody on the way", changed),
        ("another operator", by(KeyHolder::Operator("nova"), KeyUse::OperatorToOrigin, "operator:nova")),
        ("the edge", by(KeyHolder::Edge, KeyUse::EdgeToOrigin, "operator:acme")),
        ("whom the origin calls", by(KeyHolder::Operator("acme"), KeyUse::OriginToOperator, "operator:acme")),
    ] {
        let (status, refusal) = system.send(request).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (401, &json!("authorization-failure")), "{who}");
    }
    let swapped = reported(&system, &system.acme, &acmes(), &event(&system, "e-2", "sim-swapped", GOOD));
    assert_eq!(system.send(swapped.clone()).await, (StatusCode::OK, answer("e-2", "APPLIED")));
    let (status, refusal) = system.send(swapped).await;
    assert_eq!((status.as_u16(), &refusal["code"]), (401, &json!("authorization-failure")), "a replay");
    assert_eq!(charged(&system, &pai, "c-1").await, approved());
}

#[tokio::test]
async fn event_that_says_nothing_is_refused() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let good = event(&system, "e-1", "ceased", GOOD);
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
        let (status, refusal) = report(&system, &bad).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (400, &json!("invalid-request")), "{bad}");
    }
    assert_eq!(charged(&system, &pai, "c-1").await, approved());
}

/// A call that an origin signs for the edge or the partner.
async fn says(system: &TestSystem, url: String, key: (&'static str, KeyUse, &str), body: &Value) -> u16 {
    let mut request = Request::post(url)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("is a request");
    let ring = keys::keyring(&KeyHolder::Origin(key.0));
    let key = ring.signing_key(key.1, key.2).expect("is there");
    sign_request(&mut request, key, system.now(), &system.nonce()).expect("signs");
    system.send(request).await.0.as_u16()
}

#[tokio::test]
async fn another_operators_origin_says_nothing_of_a_pai() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let before = stored(&system, &pai);
    let to_edge = ("nova", KeyUse::OriginToEdge, "operator:nova");
    for operator in ["acme", "nova"] {
        let mapping = json!({"operator": operator, "subscriber": "h", "state": "CLOSED", "version": 99});
        let body = json!({"pai": pai, "mapping": mapping});
        let status = says(&system, format!("http://{EDGE}/origin/v1/pai-mapping"), to_edge, &body).await;
        assert_eq!(status, 403, "as {operator}");
    }
    assert_eq!(stored(&system, &pai), before);
    assert_eq!(charged(&system, &pai, "c-1").await, approved());
    assert_eq!(told(&system, "ann@example.com").await, Value::Null);
    let closed = json!({"pai": pai, "state": "CLOSED", "reason": "account-closed", "sequence": 99});
    let to_partner = ("nova", KeyUse::OriginToPartner, "partner:netflix");
    assert_eq!(says(&system, format!("http://{NETFLIX}/account-state"), to_partner, &closed).await, 404);
    let accounts = system.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
    assert!(accounts.iter().all(|account| account["pays"]["told"].is_null()), "{accounts:?}");
}
