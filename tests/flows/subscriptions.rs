//! The later life of a subscription: the partner holds it back, goes on with it, ends it.

use http::{Method, StatusCode};
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, Holder, Mishap, World, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

/// A world with a subscriber of Acme's; their PAI, and the path of their subscription.
pub(crate) async fn subscribed() -> (World, String, String) {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    let body = json!({"msisdn": GOOD, "operator": "acme"});
    let (_, answer) = world.ott(Method::POST, "/ott/v1/account/validate", body).await;
    let pai = answer["pai"].as_str().expect("is text").to_owned();
    let path = subscribe(&world, &pai, "s-1").await;
    (world, pai, path)
}

async fn subscribe(world: &World, pai: &str, id: &str) -> String {
    let body = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": "standard"});
    let (status, answer) = world.ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let id = answer["partnerSubscriptionID"].as_str().expect("is text");
    format!("/ott/v1/partnerSubscription/{id}")
}

/// Changes it; gives the HTTP status and the status or the code in the answer.
pub(crate) async fn change(world: &World, path: &str, status: &str) -> (u16, String) {
    told(world.ott(Method::PUT, path, json!({"status": status, "reason": "As they wish"})).await)
}

fn told((status, answer): (StatusCode, Value)) -> (u16, String) {
    let said = answer["status"].as_str().or(answer["code"].as_str()).unwrap_or_default().to_owned();
    (status.as_u16(), said)
}

fn answer(status: u16, said: &str) -> (u16, String) {
    (status, said.to_owned())
}

#[tokio::test]
async fn a_subscription_is_held_back_goes_on_and_ends_for_ever() {
    let (world, pai, path) = subscribed().await;
    for status in ["SUSPENDED", "SUSPENDED", "ACTIVE", "CANCELLED", "CANCELLED"] {
        assert_eq!(change(&world, &path, status).await, answer(200, status));
    }
    for status in ["ACTIVE", "SUSPENDED"] {
        assert_eq!(change(&world, &path, status).await, answer(400, "invalid-request"));
    }
    // What was delivered until then is still paid for, and given back where it has to be.
    let (_, charged) = world.ott(Method::POST, "/ott/v1/transaction", charge(&pai, "t-1", 1599)).await;
    assert_eq!(charged["status"], "APPROVED");
    // Whoever comes back is whom the partner knows, with another subscription.
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
    assert_eq!(world.pai_of("ann@example.com").await, pai);
    assert_eq!(change(&world, &path, "CANCELLED").await, answer(200, "CANCELLED"), "the first one is over");
    assert_eq!(world.billing_run("2026-12").await["totals"]["approved"], 1);
}

#[tokio::test]
async fn a_subscription_of_somebody_who_has_left_is_over() {
    let (world, _, path) = subscribed().await;
    world.acme.import(&ACCOUNTS.0.replace("2021-03-14", "2026-11-01")).await;
    let body = json!({"msisdn": GOOD, "operator": "acme"});
    world.ott(Method::POST, "/ott/v1/account/validate", body).await;
    assert_eq!(change(&world, &path, "ACTIVE").await, answer(400, "invalid-request"));
    assert_eq!(change(&world, &path, "CANCELLED").await, answer(200, "CANCELLED"));
}

#[tokio::test]
async fn nobody_but_its_partner_changes_a_subscription() {
    let (world, pai, path) = subscribed().await;
    let cancelled = json!({"status": "CANCELLED"});
    let tunes = keys::ring(&Holder::Partner("tunes"));
    let other = world.signed_with(&tunes, &Method::PUT, &path, &cancelled);
    assert_eq!(told(world.send(other).await), answer(404, "pai-not-found"));
    let unsigned = World::unsigned(&Method::PUT, &path, &cancelled);
    assert_eq!(told(world.send(unsigned).await), answer(401, "authorization-failure"));
    // Heard on its way, and sent again when the customer has come back.
    let held_back = world.signed(&Method::PUT, &path, &json!({"status": "SUSPENDED"}));
    assert_eq!(told(world.send(held_back.clone()).await), answer(200, "SUSPENDED"));
    assert_eq!(change(&world, &path, "ACTIVE").await, answer(200, "ACTIVE"));
    assert_eq!(told(world.send(held_back).await), answer(401, "authorization-failure"));
    let unknown = "/ott/v1/partnerSubscription/00000000-0000-4000-8000-000000000000";
    assert_eq!(change(&world, unknown, "CANCELLED").await, answer(404, "pai-not-found"));
    // It is still the one that is live.
    let body = json!({"pai": pai, "extSubscriptionID": "s-2", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let another = world.ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(told(another), answer(400, "account-not-eligible"));
}

#[tokio::test]
async fn an_edge_in_the_wrong_hands_ends_nothing() {
    let (world, _, path) = subscribed().await;
    // The partner's genuine word about another subscription, in the edge's own call.
    let genuine = world.signed(
        &Method::PUT,
        &path.replace("partnerSubscription/", "partnerSubscription/x"),
        &json!({"status": "CANCELLED"}),
    );
    let mut forged = http::Request::put(format!("http://{}{path}", world.acme.origin))
        .header("content-type", "application/json")
        .body(genuine.body().clone())
        .expect("is a request");
    for name in ["signature-input", "signature"] {
        let passed_on = http::HeaderName::try_from(format!("onbill-partner-{name}")).expect("is a name");
        forged.headers_mut().insert(passed_on, genuine.headers()[name].clone());
    }
    let ring = keys::ring(&Holder::Edge);
    let key = ring.signing_key(onbill_domain::key::KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    onbill_domain::signature::sign_request(&mut forged, key, world.now(), &world.nonce()).expect("signs");
    assert_eq!(told(world.send(forged).await), answer(401, "authorization-failure"));
    assert_eq!(change(&world, &path, "ACTIVE").await, answer(200, "ACTIVE"), "it is not over");
}

#[tokio::test]
async fn a_change_waits_for_every_operator_to_say_whose_it_is() {
    let (world, _, path) = subscribed().await;
    world.network.disturb(world.nova.origin, Mishap::Lost);
    assert_eq!(change(&world, &path, "CANCELLED").await, answer(503, "service-unavailable"));
    world.network.mend();
    // The answer is lost: the same again.
    world.network.disturb_next(&format!("{}{path}", world.acme.origin), Mishap::AnswerLost, 1);
    assert_eq!(change(&world, &path, "CANCELLED").await, answer(503, "service-unavailable"));
    assert_eq!(change(&world, &path, "CANCELLED").await, answer(200, "CANCELLED"));
}
