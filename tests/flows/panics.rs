//! Mistakes in the program: a panic costs the call or the attempt that met it, and nothing else.

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use futures_util::future::BoxFuture;
use http::{Method, Request, StatusCode};
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::instruments::Alarm;
use onbill_origin::store::{FaultHook, Queue, StoreError};
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt as _;

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

/// The next call of Acme's origin to its store panics.
fn panic_once(system: &TestSystem) {
    system.acme.origins[0].crash_point.crash_at(1, CrashMoment::Panic);
}

/// The operator's systems make the origin panic at each of their first calls, and refuse the others.
fn panic_in_calls_to_the_operator(system: &TestSystem, times: usize) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let service = Router::new().fallback(move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(call >= times, "this was not thought of");
            StatusCode::SERVICE_UNAVAILABLE
        }
    });
    system.network.attach_service(system.acme.dashboard_address, service);
    calls
}

#[tokio::test]
async fn call_that_panics_is_500_with_its_correlator() {
    let system = TestSystem::start();
    panic_once(&system);
    let call = async || {
        let request = Request::get("/healthz").header("x-correlator", "c-1").body(Body::empty());
        let router = system.acme.app().router();
        router.oneshot(request.expect("is a request")).await.expect("is infallible")
    };
    let response = call().await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.headers()["x-correlator"], "c-1");
    let body = to_bytes(response.into_body(), 1_000).await.expect("is small");
    let body: Value = serde_json::from_slice(&body).expect("is the error body");
    assert_eq!(body["code"], "internal-error", "{body}");
    assert_eq!(call().await.status(), StatusCode::OK, "the next one is answered");
}

#[tokio::test]
async fn charge_that_panics_can_be_posted_again() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    panic_once(&system);
    let post =
        async || system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let (status, body) = post().await;
    assert!(status.is_server_error(), "{status} {body}");
    assert_eq!(post().await.0, StatusCode::CREATED);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn attempt_that_panics_is_made_again() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let (status, _) = system.enter_number(&system.acme, GOOD).await;
    assert_eq!(status, StatusCode::OK);
    let calls = panic_in_calls_to_the_operator(&system, 1);
    assert_eq!(system.acme.deliver_due().await, 1);
    let due = system.acme.app().store.next_due(Queue::Pins).await.expect("works");
    assert!(due.is_some_and(|at| at > system.now()), "it is put off: {due:?}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    system.advance_seconds(5);
    assert_eq!(system.acme.deliver_due().await, 1);
    assert_eq!(calls.load(Ordering::Relaxed), 2, "as any other that has failed");
}

#[tokio::test]
async fn charge_whose_attempts_panic_is_a_dead_letter_in_the_end() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault_for(BILLING, NetworkFault::AnswerLost, 1);
    let (_, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    assert_eq!(answer["status"], "PENDING");
    panic_in_calls_to_the_operator(&system, usize::MAX);
    let mut attempts = 0;
    while system.acme.app().store.next_due(Queue::Billing).await.expect("works").is_some() {
        system.advance_seconds(2 * 86_400);
        attempts += system.acme.deliver_due().await;
        assert!(attempts < 20, "it has no end");
    }
    let parked = system.acme.app().store.dead_letters(None, 10).await.expect("works");
    assert_eq!(parked.len(), 1, "after {attempts} attempts");
    let (_, answer) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(answer["status"], "PENDING", "nothing was decided");
}

/// A mistake in each attempt to write an outcome.
enum BrokenSettle {
    /// Around the store, where it unwinds.
    Unwinds,
    /// Inside of it, on the thread that writes.
    IsAnswered,
}

#[async_trait]
impl FaultHook for BrokenSettle {
    async fn around(&self, name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError> {
        match self {
            _ if name != "settle" => {
                use_case.await;
                Ok(())
            }
            Self::Unwinds => unreachable!("this was not thought of"),
            Self::IsAnswered => Err(StoreError::Panicked),
        }
    }
}

/// Acme's origin, which makes this mistake.
fn origin_that_makes(system: &TestSystem, mistake: BrokenSettle) -> App {
    let app = system.acme.app();
    let store = Arc::new(app.store.with_faults(Arc::new(mistake)));
    let (peer, clock, random) = (Arc::clone(&app.peer), Arc::clone(&app.clock), Arc::clone(&app.random));
    let keys = keys::keyring(&KeyHolder::Origin("acme"));
    App::new(Config::clone(&app.config), keys, store, peer, clock, random).expect("is sound")
}

#[tokio::test]
async fn outcome_that_cannot_be_written_costs_an_attempt_and_is_an_alarm() {
    for (mistake, subject) in [(BrokenSettle::Unwinds, "charge"), (BrokenSettle::IsAnswered, "settle")] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.acme.deliver_due().await;
        system.network.inject_fault_for(BILLING, NetworkFault::AnswerLost, 1);
        let (_, answer) =
            system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
        assert_eq!(answer["status"], "PENDING");
        let app = origin_that_makes(&system, mistake);
        let mut attempts = 0;
        while app.store.next_due(Queue::Billing).await.expect("works").is_some() {
            system.advance_seconds(2 * 86_400);
            attempts += app.worker.deliver_due().await.expect("the queue goes on");
            assert!(attempts < 20, "it has no end");
        }
        app.alarm_watch.make_round().await;
        assert_eq!(app.store.dead_letters(None, 10).await.expect("works").len(), 1, "after {attempts}");
        let alarms = &app.instruments.alarms;
        assert!(alarms.is_active(Alarm::Panicked, subject), "{:?}", alarms.snapshot());
        assert!(alarms.is_active(Alarm::OutboxParked, "charge"));
        assert!(!alarms.is_active(Alarm::DatabaseFailing, ""), "the database is sound");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    }
}
