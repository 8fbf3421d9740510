//! Finding the operator of a PAI or of a charge, with a KV that is empty, stale, wrong or down.

use super::ott::{charge, charged};
use super::test_edge::{ACME, NOVA, TestEdge, mapping, operators, pai, partners};
use crate::fake::KvFault;
use crate::platform::Unreachable;
use serde_json::{Value, json};
use std::collections::HashSet;

const CHARGE: &str = "/ott/v1/transaction";

fn key() -> String {
    format!("pai/{}", pai())
}

fn asks(origin: &str) -> String {
    format!("POST {origin}/edge/v1/pai")
}

fn charges(origin: &str) -> String {
    format!("POST {origin}{CHARGE}")
}

/// Acme has the PAI, Nova does not.
fn acme_has_it(edge: &TestEdge) {
    edge.stub_response(&asks(ACME), 200, &mapping("acme", "ACTIVE", 3));
    edge.stub_refusal(&asks(NOVA), 404, "pai-not-found");
    edge.stub_response(&charges(ACME), 201, &charged());
    edge.stub_refusal(&charges(NOVA), 404, "pai-not-found");
}

async fn post(edge: &TestEdge) -> (u16, Value) {
    let response = edge.call_as_netflix("POST", CHARGE, &charge()).await;
    (response.status(), response.json())
}

async fn code(edge: &TestEdge) -> (u16, String) {
    edge.call_as_netflix("POST", CHARGE, &charge()).await.refusal()
}

#[tokio::test]
async fn known_pai_goes_to_its_operator_even_closed() {
    for state in ["ACTIVE", "SUSPENDED", "CLOSED"] {
        let edge = TestEdge::new();
        acme_has_it(&edge);
        edge.platform.kv_set(&key(), Some(&mapping("acme", state, 3).to_string()));
        assert_eq!(post(&edge).await, (201, charged()), "{state}");
        assert_eq!(edge.sent_targets(), [charges(ACME)], "{state}");
        edge.stub_result(&charges(ACME), Err(Unreachable::Broken));
        assert_eq!(code(&edge).await, (503, "service-unavailable".to_owned()), "{state}");
        assert_eq!(
            edge.sent_targets(),
            [charges(ACME)],
            "an operator that is down is not a reason to ask others"
        );
    }
}

#[tokio::test]
async fn unknown_pai_is_looked_up_once_and_cached() {
    let edge = TestEdge::new();
    acme_has_it(&edge);
    assert_eq!(post(&edge).await, (201, charged()));
    let sent = edge.platform.take_sent();
    let to: Vec<_> = sent.iter().map(|request| format!("{} {}", request.method(), request.uri())).collect();
    assert_eq!(to, [asks(ACME), asks(NOVA), charges(ACME)]);
    let asked: Value = serde_json::from_slice(sent[0].body()).expect("is JSON");
    assert_eq!(asked, json!({"partner": "netflix", "pai": pai()}));
    assert_eq!(sent[2].headers()["onbill-subscriber"], "handle-1");
    let nonces: HashSet<_> =
        sent.iter().map(|request| request.headers()["signature-input"].as_bytes()).collect();
    assert_eq!(nonces.len(), sent.len(), "each call has a nonce of its own");
    assert_eq!(post(&edge).await.0, 201);
    assert_eq!(edge.sent_targets(), [charges(ACME)]);
}

/// The system that issued it may have made it of the number, and a key of a store must not tell that.
#[tokio::test]
async fn pai_of_another_system_is_cached_under_a_hash() {
    let edge = TestEdge::new();
    acme_has_it(&edge);
    let mut charge = charge();
    charge["pai"] = json!("ENT1664367665579");
    for expected in [vec![asks(ACME), asks(NOVA), charges(ACME)], vec![charges(ACME)]] {
        assert_eq!(edge.call_as_netflix("POST", CHARGE, &charge).await.status(), 201);
        assert_eq!(edge.sent_targets(), expected);
    }
    let entries = edge.platform.kv_entries();
    assert!(entries.iter().any(|(key, value)| key.starts_with("pai-mac/") && *value == acme_mapping()));
    assert!(!format!("{entries:?}").contains("1664367665579"), "{entries:?}");
}

#[tokio::test]
async fn charge_succeeds_when_kv_fails_or_is_garbage() {
    for fault in [KvFault::ReadsFail, KvFault::WritesFail, KvFault::Down, KvFault::StaleReads] {
        let edge = TestEdge::new();
        acme_has_it(&edge);
        edge.platform.kv_fail(Some(fault));
        for _ in 0..2 {
            assert_eq!(post(&edge).await, (201, charged()), "{fault:?}");
            assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA), charges(ACME)], "{fault:?}");
        }
    }
    for nonsense in ["", "garbage", "{}", &mapping("other", "ACTIVE", 3).to_string()] {
        let edge = TestEdge::new();
        acme_has_it(&edge);
        edge.platform.kv_set(&key(), Some(nonsense));
        assert_eq!(post(&edge).await, (201, charged()), "{nonsense}");
        assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA), charges(ACME)]);
        assert_eq!(edge.platform.kv_value(&key()), Some(acme_mapping()), "it is mended");
    }
}

fn acme_mapping() -> String {
    let mapping: onbill_domain::wire::kv::PaiMapping =
        serde_json::from_value(mapping("acme", "ACTIVE", 3)).expect("is a mapping");
    serde_json::to_string(&mapping).expect("is JSON")
}

#[tokio::test]
async fn subscriber_handle_that_is_no_header_is_omitted() {
    let edge = TestEdge::new();
    acme_has_it(&edge);
    let mut odd = mapping("acme", "ACTIVE", 3);
    odd["subscriber"] = json!("handle\r\nx-evil: 1");
    edge.platform.kv_set(&key(), Some(&odd.to_string()));
    assert_eq!(post(&edge).await, (201, charged()));
    let sent = edge.platform.take_sent();
    assert_eq!(sent.len(), 1);
    assert!(!sent[0].headers().contains_key("onbill-subscriber"));
    assert!(!sent[0].headers().contains_key("x-evil"));
}

#[tokio::test]
async fn mapping_to_the_wrong_operator_is_corrected() {
    let edge = TestEdge::new();
    acme_has_it(&edge);
    edge.platform.kv_set(&key(), Some(&mapping("nova", "ACTIVE", 9).to_string()));
    assert_eq!(post(&edge).await, (201, charged()));
    assert_eq!(edge.sent_targets(), [charges(NOVA), asks(ACME), charges(ACME)]);
    assert_eq!(edge.platform.kv_value(&key()), Some(acme_mapping()));
    assert_eq!(post(&edge).await.0, 201);
    assert_eq!(edge.sent_targets(), [charges(ACME)]);
}

#[tokio::test]
async fn pai_is_unknown_when_every_operator_says_so() {
    let edge = TestEdge::new();
    for origin in [ACME, NOVA] {
        edge.stub_refusal(&asks(origin), 404, "pai-not-found");
        edge.stub_refusal(&charges(origin), 404, "pai-not-found");
    }
    assert_eq!(code(&edge).await, (404, "pai-not-found".to_owned()));
    assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA)]);
    edge.platform.kv_set(&key(), Some(&mapping("nova", "ACTIVE", 1).to_string()));
    assert_eq!(code(&edge).await, (404, "pai-not-found".to_owned()));
    assert_eq!(edge.sent_targets(), [charges(NOVA), asks(ACME)]);
    edge.platform.kv_set(&key(), None);

    edge.stub_result(&asks(NOVA), Err(Unreachable::TimedOut));
    assert_eq!(code(&edge).await, (503, "service-unavailable".to_owned()), "the silent one may have it");
    for confused in [(404, "not-found"), (401, "authorization-failure"), (500, "internal-error")] {
        edge.stub_refusal(&asks(NOVA), confused.0, confused.1);
        assert_eq!(code(&edge).await.0, 503, "{confused:?}");
    }
    edge.stub_response(&asks(NOVA), 200, &json!({}));
    assert_eq!(code(&edge).await.0, 503);
    edge.stub_response(&asks(NOVA), 200, &mapping("acme", "ACTIVE", 1));
    assert_eq!(code(&edge).await.0, 503, "an operator cannot response for another");

    acme_has_it(&edge);
    edge.stub_result(&asks(NOVA), Err(Unreachable::TimedOut));
    assert_eq!(post(&edge).await.0, 201, "one that has it is enough");
    assert_eq!(edge.platform.kv_value(&key()), None, "but is cached only when no other can have it too");
    acme_has_it(&edge);
    assert_eq!(post(&edge).await.0, 201);
    assert_eq!(edge.platform.kv_value(&key()), Some(acme_mapping()));
}

#[tokio::test]
async fn pai_with_two_owners_is_charged_at_neither() {
    let edge = TestEdge::new();
    acme_has_it(&edge);
    edge.stub_response(&asks(NOVA), 200, &mapping("nova", "ACTIVE", 3));
    assert_eq!(code(&edge).await, (503, "service-unavailable".to_owned()));
    assert_eq!(edge.sent_targets(), [asks(ACME), asks(NOVA)]);
    assert_eq!(edge.platform.kv_value(&key()), None);
    assert!(edge.platform.log_lines().iter().any(|line| line.contains("another operator claims too")));
}

#[tokio::test]
async fn partner_never_reaches_operators_not_selling_it() {
    let mut operators = operators();
    operators[1]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    acme_has_it(&edge);
    edge.platform.kv_set(&key(), Some(&mapping("nova", "ACTIVE", 9).to_string()));
    assert_eq!(post(&edge).await.0, 201);
    assert_eq!(edge.sent_targets(), [asks(ACME), charges(ACME)]);
    edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null).await;
    assert_eq!(edge.sent_targets(), [format!("GET {ACME}/ott/v1/transaction/n-1")]);
}

#[tokio::test]
async fn charge_status_is_queried_at_every_operator() {
    let edge = TestEdge::new();
    let at = |origin: &str| format!("GET {origin}/ott/v1/transaction/n-1");
    let status = || edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null);
    let missing = |origin| edge.stub_refusal(&at(origin), 404, "transaction-not-found");
    missing(ACME);
    edge.stub_response(&at(NOVA), 200, &charged());
    let response = status().await;
    assert_eq!((response.status(), response.json()), (200, charged()));
    assert_eq!(edge.sent_targets(), [at(ACME), at(NOVA)]);
    edge.stub_result(&at(ACME), Err(Unreachable::Broken));
    assert_eq!(status().await.status(), 200, "one that has it is enough");

    missing(NOVA);
    assert_eq!(
        status().await.refusal(),
        (503, "service-unavailable".to_owned()),
        "the silent one may have it"
    );
    missing(ACME);
    assert_eq!(status().await.refusal(), (404, "transaction-not-found".to_owned()));
    edge.stub_refusal(&at(ACME), 401, "authorization-failure");
    assert_eq!(status().await.refusal(), (401, "authorization-failure".to_owned()));
    edge.stub_response(&at(NOVA), 200, &json!({}));
    assert_eq!(status().await.refusal().0, 503);
}

#[tokio::test]
async fn charge_status_from_two_operators_is_503() {
    let edge = TestEdge::new();
    let at = |origin: &str| format!("GET {origin}/ott/v1/transaction/n-1");
    let status = || edge.call_as_netflix("GET", "/ott/v1/transaction/n-1", &Value::Null);
    let status_of = |id: &str| json!({"transactionID": "t", "extTransactionID": id, "status": "APPROVED"});
    edge.stub_response(&at(ACME), 200, &status_of("n-1"));
    edge.stub_response(&at(NOVA), 200, &status_of("n-1"));
    assert_eq!(status().await.refusal(), (503, "service-unavailable".to_owned()));
    edge.stub_refusal(&at(NOVA), 404, "transaction-not-found");
    assert_eq!(status().await.status(), 200);
    edge.stub_response(&at(ACME), 200, &status_of("n-2"));
    assert_eq!(status().await.refusal(), (503, "service-unavailable".to_owned()), "about another charge");
}
