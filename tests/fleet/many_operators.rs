//! Five hundred operators: each is reached, nobody is disturbed by the others, and what has no PAI
//! finds its operator.

use crate::fleet_system::{FleetSystem, entry, operator_id};
use crate::origins::{charge_of, pai_of};
use http::Method;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::kv::transaction_key;
use onbill_test_harness::wait::wait_until_none;
use serde_json::{Value, json};

const OPERATORS: usize = 500;

/// What the edge opens connections for at one time.
const AT_ONCE: usize = 6;

fn key_of(charge: &str) -> String {
    let (partner, id) = (PartnerId::parse("netflix"), ExtId::parse(charge));
    transaction_key(&partner.expect("is a slug"), &id.expect("is an id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_operators_share_one_edge() {
    let small = FleetSystem::start(1).await;
    for _ in 0..OPERATORS {
        assert_eq!(small.caller.charge(&charge_of(0), &pai_of(0).to_string()).await.0, 201);
    }
    let start = tokio::time::Instant::now();
    let fleet = FleetSystem::start(OPERATORS).await;
    fleet.caller.open("/healthz").await;
    let started = start.elapsed();
    for number in 0..OPERATORS {
        let (status, body) = fleet.caller.charge(&charge_of(number), &pai_of(number).to_string()).await;
        assert_eq!((status, &body["extTransactionID"]), (201, &json!(charge_of(number))), "{number}: {body}");
        let called = format!("{} POST /ott/v1/transaction", operator_id(number));
        assert_eq!(fleet.origins.take_calls(), [called]);
    }
    let (variable, bytes) = &fleet.largest_variable;
    let (alone, all) = (small.edge.resident_kib(), fleet.edge.resident_kib());
    println!("the largest variable is {variable} with {bytes} bytes");
    println!("from the start to the first answer: {} ms", started.as_millis());
    println!("workerd after {OPERATORS} charges: {all} KiB, with one operator {alone} KiB");
    assert!(*bytes < 5 * 1024, "what a variable of the platform holds");

    statuses_and_refunds_find_their_operator(&fleet).await;
    unknown_subscribers_are_looked_up_in_few_calls_at_once(&fleet).await;
    broken_entries_stop_no_other_operator(&fleet).await;
}

async fn statuses_and_refunds_find_their_operator(fleet: &FleetSystem) {
    wait_until_none(async || {
        let remembered = fleet.store.values().keys().filter(|key| key.starts_with("transaction/")).count();
        (remembered < OPERATORS).then(|| format!("{remembered} charges are remembered"))
    })
    .await;
    fleet.origins.take_calls();
    let refund = json!({"extRefundID": "r-1", "reason": "By hand"});
    for number in [7, 123, OPERATORS - 1] {
        let path = format!("/ott/v1/transaction/{}", charge_of(number));
        let (status, body) = fleet.caller.call(&Method::GET, &path, &Value::Null).await;
        assert_eq!((status, &body["transactionID"]), (200, &json!(format!("t-{number}"))), "{body}");
        let path = format!("{path}/refund");
        let named = format!("{path}?operator={}", operator_id(number));
        assert_eq!(fleet.caller.call(&Method::POST, &named, &refund).await.0, 201);
        // What KV remembers counts for what acts once it has settled everywhere.
        let settled = json!({"operator": operator_id(number), "since": 0});
        fleet.store.values().insert(key_of(&charge_of(number)), settled.to_string());
        assert_eq!(fleet.caller.call(&Method::POST, &path, &refund).await.0, 201);
        let calls = fleet.origins.take_calls();
        assert_eq!(calls.len(), 3, "one origin is asked, and once for each call: {calls:?}");
        assert!(calls.iter().all(|call| call.starts_with(&format!("{} ", operator_id(number)))), "{calls:?}");
    }
    let wrong = format!("/ott/v1/transaction/{}?operator={}", charge_of(7), operator_id(8));
    let (status, body) = fleet.caller.call(&Method::GET, &wrong, &Value::Null).await;
    assert_eq!((status, &body["code"]), (404, &json!("transaction-not-found")), "{body}");
}

async fn unknown_subscribers_are_looked_up_in_few_calls_at_once(fleet: &FleetSystem) {
    fleet.origins.take_calls();
    fleet.origins.take_at_once_max();
    let (status, body) = fleet.caller.charge("charge-of-nobody", &pai_of(OPERATORS + 1).to_string()).await;
    // How many are asked in time depends on the machine: all of them, or the partner asks again.
    assert!([404, 503].contains(&status), "{status} {body}");
    let asked = fleet.origins.take_calls().len();
    assert!(asked > AT_ONCE && asked <= OPERATORS, "{asked} were asked");
    assert_eq!(status == 404, asked == OPERATORS, "absent is what all have said, {asked} were asked");
    let at_once = fleet.origins.take_at_once_max();
    assert!((2..=AT_ONCE).contains(&at_once), "{at_once} at once");
}

async fn broken_entries_stop_no_other_operator(fleet: &FleetSystem) {
    let mut crooked = entry(OPERATORS);
    crooked["origin"] = json!("http://127.0.0.1:1");
    let mut fat = entry(OPERATORS + 1);
    fat["name"] = json!("a".repeat(6000));
    let mut unknown_epoch = entry(OPERATORS + 2);
    unknown_epoch["key_epochs"] = json!(["r9.1"]);
    let twin = entry(0);
    for (number, text, fault) in [
        (OPERATORS, crooked.to_string(), "origin must be"),
        (OPERATORS + 1, fat.to_string(), "the entry has more than 4096 bytes"),
        (OPERATORS + 2, unknown_epoch.to_string(), "key_epochs names r9.1"),
        (OPERATORS + 3, twin.to_string(), "id is not that of the key"),
        (OPERATORS + 4, "{".to_owned(), "EOF while parsing"),
    ] {
        let id = operator_id(number);
        fleet.entries.values().insert(format!("operator/{id}"), text);
        let frame = format!("/widget/v1/frame?operator={id}&offer=netflix-standard");
        assert_eq!(fleet.caller.open(&frame).await.status().as_u16(), 503, "{fault}");
        let expected = format!("operator entry {id}: {fault}");
        wait_until_none(async || {
            let lines = fleet.edge.log_lines();
            let is_logged =
                lines.iter().any(|line| line.contains(&expected) && line.contains("operator-entry-broken"));
            (!is_logged).then(|| format!("the log does not say {expected:?}"))
        })
        .await;
    }
    assert_eq!(fleet.caller.charge(&charge_of(0), &pai_of(0).to_string()).await.0, 201, "the twin's own");
    let health = fleet.caller.open("/healthz").await;
    assert_eq!(health.status().as_u16(), 200, "the others are served");
    let health: Value = serde_json::from_slice(health.body()).expect("is JSON");
    assert_eq!(health, json!({"status": "degraded", "brokenOperators": 5}));
}
