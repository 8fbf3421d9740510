//! Where a PIN has to prove the number that an app has read: what it proves, to whom, and that nothing is told before.

use super::{GOOD, VALIDATE, happened, pai_in, refusal, refused, subscribe};
use http::{Method, StatusCode};
use onbill_test_harness::World;
use serde_json::{Value, json};

const ANN: &str = "+34612345601";
const BEA: &str = "+34612345602";
const SUSPENDED: &str = "+34612345605";
const CEASED: &str = "+34612345606";
const UNKNOWN: &str = "+34612345699";
/// Well formed, and of no numbering plan.
const NOWHERE: &str = "+999123456789";

const PIN: &str = "/ott/v1/pin";

/// The app has a PIN sent to a number of Nova's.
async fn send(world: &World, number: &str) -> (StatusCode, Value) {
    world.ott(Method::POST, PIN, json!({"msisdn": number, "operator": "nova", "locale": "es-ES"})).await
}

/// The same, and the name of the PIN.
async fn sent(world: &World, number: &str) -> String {
    let (status, answer) = send(world, number).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    answer["pinID"].as_str().expect("is text").to_owned()
}

async fn prove(world: &World, number: &str, pin_id: &str, pin: &str) -> (StatusCode, Value) {
    let body = json!({"msisdn": number, "operator": "nova", "pin": pin, "pinID": pin_id});
    world.ott(Method::POST, VALIDATE, body).await
}

/// Any but that one.
fn other_than(pin: &str) -> &'static str {
    if pin == "000000" { "111111" } else { "000000" }
}

#[tokio::test]
async fn a_pin_proves_the_number_while_it_lives() {
    let world = World::start();
    let id = sent(&world, ANN).await;
    let texts = world.messages(&world.nova, ANN).await;
    assert!(texts[0].contains("es su código de Nova Móvil"), "{texts:?}");
    let pin = world.pin(&world.nova, ANN).await;
    assert_eq!(refusal(&prove(&world, ANN, &id, other_than(&pin)).await), refused(400, "pin-invalid"));
    let pai = pai_in(&prove(&world, ANN, &id, &pin).await);
    // As it is typed; and again, as the answer may have been lost.
    let spaced = format!(" {} {} ", &pin[..3], &pin[3..]);
    world.pass_seconds(599);
    assert_eq!(pai_in(&prove(&world, ANN, &id, &spaced).await), pai);
    world.pass_seconds(1);
    assert_eq!(refusal(&prove(&world, ANN, &id, &pin).await), refused(400, "pin-expired"));
    subscribe(&world, &pai, "s-1").await;
    assert_eq!(world.billing_run("2026-12").await["totals"]["declined"], 0);
}

#[tokio::test]
async fn the_newest_pin_is_meant_when_none_is_named() {
    let world = World::start();
    let unnamed = async |pin: &str| {
        let body = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
        world.ott(Method::POST, VALIDATE, body).await
    };
    assert_eq!(refusal(&unnamed("000000").await), refused(400, "pin-expired"), "there is none");
    let first_id = sent(&world, ANN).await;
    let first = world.pin(&world.nova, ANN).await;
    world.pass_seconds(1);
    sent(&world, ANN).await;
    let second = world.pin(&world.nova, ANN).await;
    assert_ne!(first, second);
    assert_eq!(refusal(&unnamed(&first).await), refused(400, "pin-invalid"));
    let pai = pai_in(&unnamed(&second).await);
    assert_eq!(
        pai_in(&prove(&world, ANN, &first_id, &first).await),
        pai,
        "the first is still good by its name"
    );
}

#[tokio::test]
async fn nothing_is_looked_up_without_a_pin() {
    let world = World::start();
    for number in [ANN, SUSPENDED, CEASED, UNKNOWN, NOWHERE] {
        for body in [
            json!({"msisdn": number, "operator": "nova"}),
            json!({"msisdn": number, "operator": "nova", "pin": ""}),
            json!({"msisdn": number, "operator": "nova", "pin": "123456", "pinID": "made-up"}),
        ] {
            let code = if body.get("pin").is_some() { "pin-expired" } else { "pin-invalid" };
            let answer = world.ott(Method::POST, VALIDATE, body).await;
            assert_eq!(refusal(&answer), refused(400, code), "{number}");
        }
    }
    assert!(world.network.crossings().iter().all(|call| call.authority != world.nova.dashboard));
}

/// Everything that a partner can see without the text message, for numbers of every kind.
#[tokio::test]
async fn every_number_gets_the_same_answers_until_it_has_proved_itself() {
    let world = World::start();
    let mut seen = Vec::new();
    for number in [ANN, SUSPENDED, CEASED, UNKNOWN, NOWHERE, GOOD] {
        let mut answers = vec![refusal(&prove(&world, number, "none", "000000").await)];
        let (status, mut answer) = send(&world, number).await;
        let id = answer["pinID"].as_str().expect("is text").to_owned();
        answer["pinID"] = json!(id.len());
        answers.push((status.as_u16(), answer.to_string()));
        let looked_up = |world: &World| {
            let calls = world.network.crossings();
            calls.iter().filter(|call| call.authority == world.nova.dashboard).count()
        };
        let before = looked_up(&world);
        // Once in five million runs the generator draws the one that is tried here; it is the same in every run.
        for _ in 0..6 {
            answers.push(refusal(&prove(&world, number, &id, "000000").await));
        }
        assert_eq!(looked_up(&world), before, "the operator is not asked");
        for _ in 0..9 {
            assert_eq!(send(&world, number).await.0, StatusCode::ACCEPTED);
        }
        let (status, answer) = send(&world, number).await;
        answers.push((status.as_u16(), answer["code"].to_string()));
        seen.push(answers);
        world.nova.deliver().await;
    }
    let wrong = [vec![refused(400, "pin-invalid"); 4], vec![refused(429, "too-many-requests"); 2]].concat();
    assert_eq!(seen[0][2..8], wrong);
    for answers in &seen {
        assert_eq!(*answers, seen[0]);
    }
    // Text messages go to lines that are there.
    for (number, messages) in [(ANN, 10), (SUSPENDED, 10)] {
        assert_eq!(world.messages(&world.nova, number).await.len(), messages);
    }
    for silent in [CEASED, UNKNOWN, NOWHERE, GOOD] {
        let told = |path: &str| world.network.crossings().iter().any(|c| c.path == path && c.has(silent));
        assert!(told("/csp/account/validate") && !told("/csp/notification"), "{silent}");
    }
}

#[tokio::test]
async fn a_proven_number_is_told_where_it_stands() {
    let world = World::start();
    for (number, status, code) in
        [(SUSPENDED, 400, "suspended-non-payment"), ("+34612345604", 400, "insufficient-balance")]
    {
        let id = sent(&world, number).await;
        let pin = world.pin(&world.nova, number).await;
        assert_eq!(refusal(&prove(&world, number, &id, &pin).await), refused(status, code), "{number}");
    }
    let id = sent(&world, "+34612345603").await;
    let pin = world.pin(&world.nova, "+34612345603").await;
    assert_eq!(prove(&world, "+34612345603", &id, &pin).await.1["type"], "prepaid");
}

#[tokio::test]
async fn a_pin_is_for_its_own_number() {
    let world = World::start();
    let (anns, beas) = (sent(&world, ANN).await, sent(&world, BEA).await);
    let (ann, bea) = (world.pin(&world.nova, ANN).await, world.pin(&world.nova, BEA).await);
    // Whoever has a PIN of their own does not prove another's number by it.
    for (number, id, pin) in [(BEA, &anns, &ann), (ANN, &beas, &bea)] {
        for _ in 0..6 {
            let answer = prove(&world, number, id, pin).await;
            assert_eq!(refusal(&answer), refused(400, "pin-expired"), "and no try of the owner's is used up");
        }
    }
    assert_ne!(
        pai_in(&prove(&world, ANN, &anns, &ann).await),
        pai_in(&prove(&world, BEA, &beas, &bea).await)
    );
}

#[tokio::test]
async fn a_pin_is_for_its_number_however_that_is_spelled() {
    let world = World::start();
    let (spelled, with_trunk_prefix) = ("+447911123456", "+4407911123456");
    for (sent_to, proved) in [(spelled, with_trunk_prefix), (with_trunk_prefix, spelled)] {
        let id = sent(&world, sent_to).await;
        // The flow is found, and the try counts.
        assert_eq!(refusal(&prove(&world, proved, &id, "none").await), refused(400, "pin-invalid"));
    }
}

#[tokio::test]
async fn an_apps_pin_and_the_widgets_are_not_each_others() {
    let world = World::start();
    let id = sent(&world, ANN).await;
    let pin = world.pin(&world.nova, ANN).await;
    let (_, answer) = world.widget("/pin", json!({"operator": "nova", "flow": id, "pin": pin})).await;
    assert_eq!(answer["code"], "pin-expired");
    pai_in(&prove(&world, ANN, &id, &pin).await);
    // What is proved to a partner's app is not proved to the widget.
    for path in ["/signup", "/account", "/account/unlink"] {
        let asked = json!({"operator": "nova", "flow": id, "subscription": "x"});
        assert_eq!(world.widget(path, asked).await.1["code"], "token-expired", "{path}");
    }

    world.pass_seconds(1);
    let (_, step) = world.enter(&world.nova, ANN).await;
    let flow = step["flow"].as_str().expect("is text");
    let pin = world.pin(&world.nova, ANN).await;
    assert_eq!(refusal(&prove(&world, ANN, flow, &pin).await), refused(400, "pin-expired"));
    let unnamed = json!({"msisdn": ANN, "operator": "nova", "pin": pin});
    let answer = world.ott(Method::POST, VALIDATE, unnamed).await;
    assert_eq!(refusal(&answer), refused(400, "pin-invalid"), "the newest is the app's own");
    let (_, answer) = world.widget("/pin", json!({"operator": "nova", "flow": flow, "pin": pin})).await;
    assert_eq!(answer["step"], "confirm");
}

#[tokio::test]
async fn app_and_widget_share_a_numbers_codes_of_the_day() {
    let world = World::start();
    for _ in 0..5 {
        sent(&world, ANN).await;
        assert_eq!(world.enter(&world.nova, ANN).await.0, StatusCode::OK);
    }
    assert_eq!(refusal(&send(&world, ANN).await), refused(429, "too-many-requests"));
    assert_eq!(refusal(&world.enter(&world.nova, ANN).await), refused(429, "too-many-requests"));
    sent(&world, BEA).await;
    world.pass_seconds(86_400);
    sent(&world, ANN).await;
}

#[tokio::test]
async fn a_pin_on_a_new_sim_proves_nothing() {
    let world = World::start();
    happened(&world, &world.nova, "e-1", "sim-swapped", ANN, 60).await;
    let id = sent(&world, ANN).await;
    let pin = world.pin(&world.nova, ANN).await;
    assert_eq!(refusal(&prove(&world, ANN, &id, &pin).await), refused(400, "account-not-eligible"));
    // Nor is it told how the account stands.
    happened(&world, &world.nova, "e-2", "sim-swapped", SUSPENDED, 60).await;
    let id = sent(&world, SUSPENDED).await;
    let pin = world.pin(&world.nova, SUSPENDED).await;
    assert_eq!(refusal(&prove(&world, SUSPENDED, &id, &pin).await), refused(400, "account-not-eligible"));
}
