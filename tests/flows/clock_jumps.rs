//! A clock that was ahead for a while: soon after it is right again, nothing is put off, counted or
//! limited because of it. And whatever it does, billing is asked before anything is posted again.

use http::{Method, StatusCode};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 86_400;

async fn post(system: &TestSystem, pai: &str, id: &str, value: i64) -> Value {
    let (status, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, value)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer["status"].clone()
}

/// What a serving origin does every five minutes.
async fn sweep_and_deliver(system: &TestSystem) {
    system.acme.app().sweep().await.expect("works");
    system.acme.deliver_due().await;
}

#[tokio::test]
async fn limits_are_those_of_the_true_day() {
    for ahead in [86_400, YEAR] {
        let (mut system, pai) = TestSystem::with_app_subscriber(GOOD, 1600).await;
        system.set_acme_limits(json!([{"currency": "USD", "day": 2000, "month": 10_000}]));
        assert_eq!(post(&system, &pai, "c-1", 400).await, "APPROVED");
        system.advance_seconds(ahead);
        assert_eq!(post(&system, &pai, "c-2", 1599).await, "APPROVED");
        system.advance_seconds(-ahead);
        assert_eq!(post(&system, &pai, "c-3", 1600).await, "APPROVED", "{ahead}");
        assert_eq!(post(&system, &pai, "c-4", 1).await, "DECLINED", "{ahead}: today has its own limit");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 3);
    }
}

#[tokio::test]
async fn charge_put_off_by_a_clock_ahead_is_decided_soon() {
    for ahead in [HOUR, YEAR] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.advance_seconds(ahead);
        system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
        assert_eq!(post(&system, &pai, "c-1", 1599).await, "PENDING");
        system.network.clear_faults();
        system.advance_seconds(-ahead);
        sweep_and_deliver(&system).await;
        let answer = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await.1;
        assert_eq!(answer["status"], "APPROVED", "{ahead}");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    }
}

#[tokio::test]
async fn later_attempt_asks_first_whatever_the_clock_does() {
    for jumps in [&[YEAR][..], &[-YEAR], &[HOUR, -HOUR], &[-HOUR, HOUR], &[YEAR, -2 * YEAR]] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.network.inject_fault(BILLING, NetworkFault::Lost);
        assert_eq!(post(&system, &pai, "c-1", 1599).await, "PENDING");
        for jump in jumps {
            system.advance_seconds(*jump);
            sweep_and_deliver(&system).await;
        }
        system.network.clear_faults();
        let before = system.network.recorded_calls().len();
        system.advance_seconds(2 * 86_400);
        sweep_and_deliver(&system).await;
        let calls = system.network.recorded_calls();
        let calls = calls[before..].iter().filter(|call| call.path.starts_with("/csp/transaction"));
        let is_post = calls.map(|call| call.path == "/csp/transaction").collect::<Vec<_>>();
        assert_eq!(is_post, [false, true], "{jumps:?}: it was looked up, then posted");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    }
}
