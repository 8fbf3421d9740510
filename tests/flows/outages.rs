//! Parts that are down: the edge fails closed, says when to come back, and nothing is lost.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_edge::fake::KvFault;
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, EDGE, Mishap, NETFLIX, World};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

async fn world() -> World {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    world
}

#[tokio::test]
async fn with_the_origin_down_everything_but_the_shell_is_a_503() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.network.disturb(world.acme.origin, Mishap::Lost);

    let shell = format!("http://{EDGE}/widget/v1/frame?operator=acme&offer=netflix-standard");
    let shell = world.network.deliver(Request::get(shell).body(Bytes::new()).expect("is a request")).await;
    assert_eq!(shell.expect("answers").status(), StatusCode::OK);

    let charge = charge(&pai, "o-1", 1599);
    let subscription =
        json!({"pai": pai, "extSubscriptionID": "s-9", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let mut requests = vec![
        world.signed(&Method::POST, "/ott/v1/transaction", &charge),
        world.signed(&Method::POST, "/ott/v1/partnerSubscription", &subscription),
        world.signed(&Method::GET, "/ott/v1/transaction/o-1", &Value::Null),
    ];
    for (path, body) in [
        (
            "account/validate",
            json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en"}),
        ),
        ("pin", json!({"operator": "acme", "flow": "x", "pin": "123456"})),
        ("signup", json!({"operator": "acme", "flow": "x"})),
        ("result", json!({"operator": "acme", "result": "x"})),
    ] {
        let request = Request::post(format!("http://{EDGE}/widget/v1/{path}"))
            .header("content-type", "application/json")
            .header("origin", format!("http://{EDGE}"));
        requests.push(request.body(Bytes::from(body.to_string())).expect("is a request"));
    }
    for request in requests {
        let path = request.uri().path().to_owned();
        let answer = world.network.deliver(request).await.expect("answers");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.headers().contains_key("retry-after"), "{path}");
    }

    // Nova, on the same edge, does not notice.
    world.sign_up(&world.nova, "+34612345601", Choice::New("bea@example.com")).await;
    // Back again, the same charge is the first one.
    world.network.mend();
    assert_eq!(world.ott(Method::POST, "/ott/v1/transaction", charge).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn with_the_partner_down_the_customer_can_try_again() {
    let world = world().await;
    let flow = world.prove(&world.acme, GOOD).await;
    for mishap in [Mishap::Lost, Mishap::Garbled, Mishap::AnswerLost] {
        world.network.disturb(NETFLIX, mishap);
        let (status, answer) = world.widget("/signup", json!({"operator": "acme", "flow": flow})).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("partner-unavailable"))
        );
        world.network.mend();
    }
    let page = world.leave(&world.acme, &flow).await;
    world.choose(&page, Choice::New("ann@example.com")).await;
    assert_eq!(world.billing_run("2026-12").await["totals"]["approved"], 1);
}

#[tokio::test]
async fn with_the_operators_systems_down_no_number_is_told_apart() {
    let world = world().await;
    // Nova's origin asks them for standing: every number gets the same, and the text message waits.
    world.network.disturb("127.0.0.1:9790/csp", Mishap::Lost);
    let known = world.enter(&world.nova, "+34612345601").await;
    let unknown = world.enter(&world.nova, "+34699999999").await;
    assert_eq!((known.0, &known.1["step"]), (unknown.0, &unknown.1["step"]));
    world.nova.deliver().await;
    world.network.mend();
    world.pass_seconds(5);
    assert_eq!(world.messages(&world.nova, "+34612345601").await.len(), 1);
    // A number that the dashboard vouches for is told that nobody knows right now.
    world.network.disturb("127.0.0.1:9790/csp", Mishap::Lost);
    let (status, answer) = world.enter_listed(&world.nova, "+34612345601").await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable")));
}

#[tokio::test]
async fn the_edges_store_may_forget_and_fail() {
    let world = world().await;
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
    for (key, _) in world.edge.kv_entries() {
        world.edge.kv_set(&key, None);
    }
    assert_eq!(world.billing_run("2026-12").await["totals"]["approved"], 1, "the origins are asked");
    assert_eq!(world.edge.kv_entries().len(), 1, "and the store learns again");
    world.edge.kv_fail(Some(KvFault::Down));
    assert_eq!(world.billing_run("2027-01").await["totals"]["approved"], 1);
    world.edge.kv_fail(None);
    for (key, _) in world.edge.kv_entries() {
        world.edge.kv_set(&key, None);
    }
    // A silent origin might be the owner: that is no proof of absence.
    world.network.disturb(world.acme.origin, Mishap::Lost);
    let run = world.billing_run("2027-02").await;
    assert_eq!(
        (&run["totals"]["failed"], &run["charges"][0]["httpStatus"]),
        (&json!(1), &json!(503)),
        "{run}"
    );
    world.network.mend();
    assert_eq!(world.billing_run("2027-02").await["totals"]["approved"], 1);
}
