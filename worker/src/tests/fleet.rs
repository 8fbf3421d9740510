//! More operators than can be asked at once: whom a call without a PAI goes to, and when.

use super::ott::{charge, charged};
use super::test_edge::{TestEdge, pai, partners, upstream_response, variables};
use crate::fake::KvFault;
use crate::platform::Unreachable;
use bytes::Bytes;
use http::{Request, Response};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::kv::transaction_key;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const OPERATORS: usize = 20;
const STATUS: &str = "/ott/v1/transaction/n-1";
const REFUND: &str = "/ott/v1/transaction/n-1/refund";

fn origin(number: usize) -> String {
    format!("https://origin-{number}.example")
}

fn entries(count: usize) -> Value {
    let entry = |number| {
        json!({"id": format!("operator-{number}"), "name": "A", "country": "US", "origin": origin(number),
               "dashboards": ["https://a.example"], "key_epochs": ["r1.1"]})
    };
    (0..count).map(entry).collect()
}

/// The edge of a fleet in which these operators have the charge `n-1`.
fn fleet_with(owners: &[usize]) -> TestEdge {
    let edge = TestEdge::with_variables(&variables(&entries(OPERATORS), &partners()));
    for number in 0..OPERATORS {
        give_charge(&edge, number, owners.contains(&number));
    }
    edge
}

/// What an operator says of the charge, also to calls that name it.
fn give_charge(edge: &TestEdge, number: usize, has_it: bool) {
    let (to, at) = (format!("POST {}", origin(number)), format!("GET {}", origin(number)));
    let lookup = format!("{to}/edge/v1/transaction");
    for query in [String::new(), format!("?operator=operator-{number}")] {
        let (refund, status) = (format!("{to}{REFUND}{query}"), format!("{at}{STATUS}{query}"));
        if has_it {
            edge.stub_response(&lookup, 200, &json!({"operator": format!("operator-{number}")}));
            edge.stub_response(&refund, 201, &refunded());
            edge.stub_response(&status, 200, &charged());
        } else {
            for call in [&lookup, &refund, &status] {
                edge.stub_refusal(call, 404, "transaction-not-found");
            }
        }
    }
}

fn refunded() -> Value {
    json!({"refundID": "f-1", "extRefundID": "r-1", "extTransactionID": "n-1", "status": "PENDING",
           "amount": {"value": 1, "currency": "USD"}, "remaining": {"value": 2, "currency": "USD"}})
}

async fn refund(edge: &TestEdge, query: &str) -> u16 {
    let body = json!({"extRefundID": "r-1", "reason": "By hand"});
    edge.call_as_netflix("POST", &format!("{REFUND}{query}"), &body).await.status()
}

async fn status(edge: &TestEdge, query: &str) -> u16 {
    edge.call_as_netflix("GET", &format!("{STATUS}{query}"), &Value::Null).await.status()
}

fn key() -> String {
    let partner = PartnerId::parse("netflix").expect("is a slug");
    transaction_key(&partner, &ExtId::parse("n-1").expect("is an id"))
}

fn remembered(edge: &TestEdge) -> Option<Value> {
    edge.platform.kv_value(&key()).map(|value| serde_json::from_str(&value).expect("is JSON"))
}

/// KV remembers an operator, for longer than it takes to settle.
fn remember(edge: &TestEdge, number: usize) {
    let value = json!({"operator": format!("operator-{number}"), "since": super::test_edge::NOW - 1000});
    edge.platform.kv_set(&key(), Some(&value.to_string()));
}

/// A charge of operator 3's subscriber, who is known.
async fn post_charge(edge: &TestEdge, number: usize) -> u16 {
    let mapping =
        json!({"operator": format!("operator-{number}"), "subscriber": "h", "state": "ACTIVE", "version": 1});
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping.to_string()));
    edge.stub_response(&format!("POST {}/ott/v1/transaction", origin(number)), 201, &charged());
    edge.call_as_netflix("POST", "/ott/v1/transaction", &charge()).await.status()
}

#[tokio::test]
async fn operator_of_a_charge_is_remembered() {
    let edge = fleet_with(&[3]);
    assert_eq!(post_charge(&edge, 3).await, 201);
    assert_eq!(remembered(&edge).expect("is written")["operator"], "operator-3");
    edge.platform.take_sent();
    assert_eq!(status(&edge, "").await, 200);
    assert_eq!(edge.sent_targets(), [format!("GET {}{STATUS}", origin(3))], "one is asked");
    edge.stub_refusal(&format!("POST {}/ott/v1/transaction", origin(3)), 400, "invalid-request");
    edge.platform.kv_set(&key(), None);
    assert_eq!(edge.call_as_netflix("POST", "/ott/v1/transaction", &charge()).await.status(), 400);
    assert_eq!(remembered(&edge), None, "a refused charge is unassigned");
}

#[tokio::test]
async fn few_operators_need_no_memory() {
    let edge = TestEdge::with_variables(&variables(&entries(6), &partners()));
    (0..6).for_each(|number| give_charge(&edge, number, number == 3));
    assert_eq!(post_charge(&edge, 3).await, 201);
    assert_eq!((remembered(&edge), edge.sent_targets().len()), (None, 1));
    remember(&edge, 2);
    assert_eq!(status(&edge, "").await, 200);
    assert_eq!(refund(&edge, "").await, 201);
    assert_eq!(edge.sent_targets().len(), 6 + 6 + 1, "all are asked in one round");
}

#[tokio::test]
async fn wrong_memory_is_never_the_answer() {
    for fault in [None, Some(KvFault::Down)] {
        let edge = fleet_with(&[3]);
        remember(&edge, 2);
        edge.platform.kv_fail(fault);
        assert_eq!(status(&edge, "").await, 200, "{fault:?}");
        assert_eq!(refund(&edge, "").await, 201, "{fault:?}");
        let refunds = edge.sent_targets();
        let refunded: Vec<_> = refunds.iter().filter(|to| to.ends_with(REFUND)).collect();
        let asked_first = fault.is_none().then(|| format!("POST {}{REFUND}", origin(2)));
        let expected: Vec<_> =
            asked_first.into_iter().chain([format!("POST {}{REFUND}", origin(3))]).collect();
        assert_eq!(refunded, expected.iter().collect::<Vec<_>>(), "{fault:?}");
        give_charge(&edge, 3, false);
        assert_eq!((status(&edge, "").await, refund(&edge, "").await), (404, 404), "{fault:?}");
    }
    let edge = fleet_with(&[3]);
    for nonsense in ["", "{}", r#"{"operator":"other","since":1}"#, r#"{"operator":null,"since":1}"#] {
        edge.platform.kv_set(&key(), Some(nonsense));
        assert_eq!((status(&edge, "").await, refund(&edge, "").await), (200, 201), "{nonsense}");
    }
}

/// The remembered one is silent: another may answer a status, but nothing may act.
#[tokio::test]
async fn silent_remembered_operator_is_503_for_refunds() {
    let edge = fleet_with(&[3]);
    remember(&edge, 3);
    edge.stub_result(&format!("POST {}{REFUND}", origin(3)), Err(Unreachable::TimedOut));
    assert_eq!(refund(&edge, "").await, 503);
    assert_eq!(
        edge.sent_targets(),
        [format!("POST {}{REFUND}", origin(3))],
        "no other origin gets the refund"
    );
    edge.stub_result(&format!("GET {}{STATUS}", origin(3)), Err(Unreachable::TimedOut));
    assert_eq!(status(&edge, "").await, 503);
}

/// Another location of the store may still have another operator.
#[tokio::test]
async fn fresh_memory_moves_no_money() {
    let edge = fleet_with(&[3, 7]);
    assert_eq!(post_charge(&edge, 3).await, 201);
    edge.platform.take_sent();
    assert_eq!(refund(&edge, "").await, 503, "two have it");
    assert!(edge.sent_targets().iter().all(|to| !to.ends_with(REFUND)));
    give_charge(&edge, 7, false);
    edge.platform.take_sent();
    assert_eq!(refund(&edge, "").await, 201);
    assert_eq!(edge.sent_targets().len(), OPERATORS + 1, "all others have confirmed that it is not theirs");
    edge.platform.advance_seconds(120);
    assert_eq!(refund(&edge, "").await, 201);
    assert_eq!(edge.sent_targets(), [format!("POST {}{REFUND}", origin(3))]);
}

#[tokio::test]
async fn charge_of_two_operators_is_never_guessed() {
    let edge = fleet_with(&[3, 7]);
    assert_eq!((post_charge(&edge, 3).await, post_charge(&edge, 7).await), (201, 201));
    let both = remembered(&edge).expect("is written");
    assert_eq!(both["operator"], Value::Null);
    assert_eq!(post_charge(&edge, 3).await, 201);
    assert_eq!(remembered(&edge), Some(both), "it stays so");
    edge.platform.advance_seconds(200);
    edge.platform.take_sent();
    assert_eq!(refund(&edge, "").await, 503);
    assert!(edge.sent_targets().iter().all(|to| !to.ends_with(REFUND)));
    assert_eq!(refund(&edge, "?operator=operator-7").await, 201, "the partner says which one it means");
}

#[tokio::test]
async fn named_operator_is_asked_alone() {
    let edge = fleet_with(&[3]);
    remember(&edge, 2);
    for (query, expected) in [("?operator=operator-3", (200, 201)), ("?operator=operator-4", (404, 404))] {
        assert_eq!((status(&edge, query).await, refund(&edge, query).await), expected, "{query}");
        let sent = edge.sent_targets();
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert!(sent.iter().all(|to| to.ends_with(query)), "byte for byte as it was signed: {sent:?}");
    }
    for unknown in [
        "?operator=other",
        "?operator=Operator",
        "?operator=..%2F",
        "?operator=",
        "?operator",
        "?operator=%ff",
    ] {
        let response = edge.call_as_netflix("GET", &format!("{STATUS}{unknown}"), &Value::Null).await;
        assert_eq!(response.refusal(), (400, "parameter-not-supported".to_owned()), "{unknown}");
    }
    let to = format!("POST {}/ott/v1/transaction?operator=operator-3", origin(3));
    edge.stub_response(&to, 201, &charged());
    let response = edge.call_as_netflix("POST", "/ott/v1/transaction?operator=operator-3", &charge()).await;
    assert_eq!(response.status(), 201, "a charge that KV knows nothing of");
    edge.stub_refusal(&to, 404, "pai-not-found");
    let response = edge.call_as_netflix("POST", "/ott/v1/transaction?operator=operator-3", &charge()).await;
    assert_eq!(response.refusal(), (404, "pai-not-found".to_owned()));
    assert_eq!(edge.sent_targets(), [to.clone(), to], "no other operator is asked");
}

#[tokio::test]
async fn six_operators_are_asked_at_once() {
    let edge = fleet_with(&[]);
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, max) = (Arc::clone(&under_way), Arc::clone(&most));
    edge.platform.on_network(move |request: Request<Bytes>| {
        let (now, max) = (Arc::clone(&now), Arc::clone(&max));
        async move {
            max.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            let code = if request.uri().path() == "/edge/v1/pai" {
                "pai-not-found"
            } else {
                "transaction-not-found"
            };
            let body = json!({"code": code, "message": "m"}).to_string();
            Ok(Response::builder().status(404).body(Bytes::from(body)).expect("is a response"))
        }
    });
    assert_eq!(status(&edge, "").await, 404);
    assert_eq!(refund(&edge, "").await, 404);
    assert_eq!(edge.call_as_netflix("POST", "/ott/v1/transaction", &charge()).await.status(), 404);
    assert_eq!(most.load(Ordering::SeqCst), 6);
    assert_eq!(edge.platform.take_sent().len(), 3 * OPERATORS);
}

/// Each answer takes a second of the edge's clock.
#[tokio::test]
async fn slow_fleet_is_asked_for_some_seconds_only() {
    let edge = Arc::new(fleet_with(&[]));
    let clock = Arc::downgrade(&edge);
    edge.platform.on_network(move |_: Request<Bytes>| {
        let clock = clock.clone();
        async move {
            if let Some(edge) = clock.upgrade() {
                edge.platform.advance_seconds(1);
            }
            let body = json!({"code": "transaction-not-found", "message": "m"}).to_string();
            Ok(Response::builder().status(404).body(Bytes::from(body)).expect("is a response"))
        }
    });
    let response = edge.call_as_netflix("GET", STATUS, &Value::Null).await;
    assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()), "not all have been asked");
    let asked = edge.platform.take_sent().len();
    assert!((2..=6).contains(&asked), "{asked} were asked");
    assert!(edge.platform.log_lines().iter().any(|line| line.contains("there was no time to ask operator:")));
}

/// Five others are still under way when the first one has it.
#[tokio::test]
async fn calls_without_a_waiting_caller_are_timed() {
    let edge = Arc::new(fleet_with(&[]));
    let (clock, calls) = (Arc::downgrade(&edge), AtomicUsize::new(0));
    edge.platform.on_network(move |_: Request<Bytes>| {
        let (clock, call) = (clock.clone(), calls.fetch_add(1, Ordering::SeqCst));
        async move {
            if call > 0 {
                return std::future::pending().await;
            }
            tokio::task::yield_now().await;
            if let Some(edge) = clock.upgrade() {
                edge.platform.advance_seconds(1);
            }
            Ok(upstream_response(200, &charged().to_string()))
        }
    });
    assert_eq!(status(&edge, "").await, 200);
    assert_eq!(edge.platform.take_sent().len(), 6);
    let numbers: Vec<_> = edge.platform.data_points().iter().map(|point| point.numbers).collect();
    assert_eq!(numbers, [[1000.0; 2]]);
}

#[tokio::test]
async fn repeated_call_begins_with_other_operators() {
    let edge = fleet_with(&[]);
    let mut first = std::collections::BTreeSet::new();
    for _ in 0..10 {
        assert_eq!(status(&edge, "").await, 404);
        first.insert(edge.sent_targets().remove(0));
    }
    assert!(first.len() > 1, "{first:?}");
}

#[tokio::test]
async fn status_ends_with_the_first_that_has_it() {
    let edge = fleet_with(&(0..OPERATORS).collect::<Vec<_>>());
    assert_eq!(status(&edge, "").await, 200);
    assert!(edge.sent_targets().len() < OPERATORS);
    assert_eq!(remembered(&edge), None, "while not all have confirmed it, nothing is remembered");
    let edge = fleet_with(&[3]);
    edge.stub_result(&format!("POST {}/edge/v1/transaction", origin(9)), Err(Unreachable::Broken));
    assert_eq!(refund(&edge, "").await, 503, "the silent one may have it");
    assert!(edge.sent_targets().iter().all(|to| !to.ends_with(REFUND)));
}
