//! Who may ask about a number, and who may not: other partners, replays, and an edge in the wrong hands.

use super::{EDGE, GOOD, VALIDATE, pai_in, refusal, refused, validate, world};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::{Holder, World, keys};
use serde_json::{Value, json};

const ANN: &str = "+34612345601";
const PIN: &str = "/ott/v1/pin";

fn asked(number: &str, operator: &str) -> Value {
    json!({"msisdn": number, "operator": operator})
}

/// Signs a call that the edge passed on anew, with its own key.
fn again(world: &World, request: &Request<Bytes>) -> Request<Bytes> {
    let mut request = request.clone();
    let ring = keys::ring(&Holder::Edge);
    let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    sign_request(&mut request, key, world.now(), &world.nonce()).expect("signs");
    request
}

#[tokio::test]
async fn a_call_acts_once() {
    let world = world().await;
    let request = world.signed(&Method::POST, VALIDATE, &asked(GOOD, "acme"));
    assert_eq!(world.send(request.clone()).await.0, StatusCode::OK);
    assert_eq!(refusal(&world.send(request).await), refused(401, "authorization-failure"));

    let request = world.signed(&Method::POST, PIN, &asked(ANN, "nova"));
    let (status, answer) = world.send(request.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(refusal(&world.send(request).await), refused(401, "authorization-failure"));
    assert_eq!(world.messages(&world.nova, ANN).await.len(), 1);

    // A try that is heard on its way and sent again is none: it neither proves nor uses up anything.
    let mut body = asked(ANN, "nova");
    body["pinID"] = answer["pinID"].clone();
    body["pin"] = json!("000000");
    let wrong = world.signed(&Method::POST, VALIDATE, &body);
    assert_eq!(refusal(&world.send(wrong.clone()).await), refused(400, "pin-invalid"));
    for _ in 0..5 {
        assert_eq!(refusal(&world.send(wrong.clone()).await), refused(401, "authorization-failure"));
    }
    body["pin"] = json!(world.pin(&world.nova, ANN).await);
    pai_in(&world.ott(Method::POST, VALIDATE, body).await);
}

#[tokio::test]
async fn an_edge_in_the_wrong_hands_asks_nothing_of_its_own() {
    let world = world().await;
    let body = asked(GOOD, "acme");
    let genuine = world.passed_on(VALIDATE, &body);
    let mut bare = genuine.clone();
    let mut changed = genuine.clone();
    for name in ["onbill-partner-signature-input", "onbill-partner-signature"] {
        bare.headers_mut().remove(name);
    }
    *changed.body_mut() = Bytes::from(asked("+12025550107", "acme").to_string());
    changed.headers_mut().remove("content-digest");
    for request in [bare, changed] {
        let answer = world.send(again(&world, &request)).await;
        assert_eq!(refusal(&answer), refused(401, "authorization-failure"));
    }
    assert_eq!(world.send(genuine.clone()).await.0, StatusCode::OK);
    let replayed = world.send(again(&world, &genuine)).await;
    assert_eq!(refusal(&replayed), refused(401, "authorization-failure"));
}

/// The partner signs whose SIM it is. An origin takes no call that names another one, and believes the edge where nobody
/// is named.
#[tokio::test]
async fn a_number_that_is_brought_to_another_operator_is_not_looked_up() {
    let world = world().await;
    for path in [VALIDATE, PIN] {
        let answer = world.send(world.passed_on(path, &asked(GOOD, "nova"))).await;
        assert_eq!(refusal(&answer), refused(400, "parameter-not-supported"), "{path}");
    }
    assert_eq!(world.acme.deliver().await, 0, "no message, and nobody new");
    let unnamed = world.send(world.passed_on(VALIDATE, &json!({"msisdn": GOOD}))).await;
    assert_eq!(pai_in(&unnamed), pai_in(&validate(&world, GOOD).await));
}

#[tokio::test]
async fn the_edge_brings_a_number_to_one_operator() {
    let world = world().await;
    let answer = world.ott(Method::POST, VALIDATE, json!({"msisdn": GOOD})).await;
    assert_eq!(refusal(&answer), refused(400, "invalid-request"));
    pai_in(&validate(&world, GOOD).await);
    for call in world.network.crossings() {
        if call.authority != EDGE && call.has(&GOOD[1..]) {
            assert_eq!(call.authority, world.acme.origin, "{}", call.path);
        }
    }
    assert!(world.edge.kv_entries().iter().all(|(key, value)| !format!("{key}{value}").contains(&GOOD[2..])));
}

/// What one partner has proved is nothing to another, and its subscribers have other names there.
#[tokio::test]
async fn a_partner_goes_on_by_its_own_pins_only() {
    let mut world = World::start();
    world.reconfigure_nova(|config| {
        let mut tunes = config.offers[0].clone();
        tunes.id = serde_json::from_value(json!("tunes-family")).expect("is a name");
        tunes.partner = serde_json::from_value(json!("tunes")).expect("is a name");
        config.offers.push(tunes);
    });
    let tunes = keys::ring(&Holder::Partner("tunes"));
    let (_, answer) = world.ott(Method::POST, PIN, asked(ANN, "nova")).await;
    let pin = world.pin(&world.nova, ANN).await;
    let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin, "pinID": answer["pinID"]});
    let unnamed = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
    for body in [&body, &unnamed] {
        let stolen = world.send(world.signed_with(&tunes, &Method::POST, VALIDATE, body)).await;
        assert_eq!(refusal(&stolen), refused(400, "pin-expired"));
    }
    let netflix = pai_in(&world.ott(Method::POST, VALIDATE, body).await);

    world.pass_seconds(1);
    let (status, answer) =
        world.send(world.signed_with(&tunes, &Method::POST, PIN, &asked(ANN, "nova"))).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let pin = world.pin(&world.nova, ANN).await;
    let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin, "pinID": answer["pinID"]});
    let own = pai_in(&world.send(world.signed_with(&tunes, &Method::POST, VALIDATE, &body)).await);
    assert_ne!(own, netflix);
    // An offer of somebody else's is none.
    let body = json!({"msisdn": ANN, "operator": "nova", "offer": "netflix-standard", "pin": pin});
    let answer = world.send(world.signed_with(&tunes, &Method::POST, VALIDATE, &body)).await;
    assert_eq!(refusal(&answer), refused(400, "parameter-not-supported"));
}

#[tokio::test]
async fn a_partner_that_sells_nothing_here_sends_no_messages() {
    let world = World::start();
    let tunes = keys::ring(&Holder::Partner("tunes"));
    for path in [VALIDATE, PIN] {
        let request = world.signed_with(&tunes, &Method::POST, path, &asked(ANN, "nova"));
        assert_eq!(refusal(&world.send(request).await), refused(400, "parameter-not-supported"));
    }
    assert!(world.messages(&world.nova, ANN).await.is_empty());
}
