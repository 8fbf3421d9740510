//! A CSP API and a partner whose responses are not those of the contract: no charge is lost or billed twice, and
//! a webhook is repeated until it was taken.

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::post;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Method, StatusCode, Uri};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{NETFLIX, NetworkFault, TestSystem};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
/// Longer than the first pause of a job.
const RETRY_SECONDS: i64 = 361;

async fn post_charge(system: &TestSystem, pai: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, "c-1", 1599)).await.1
}

/// The operator's CSP API, with another response to a charge.
fn answer_charges(system: &TestSystem, status: u16, content_type: &'static str, body: String) {
    let status = StatusCode::from_u16(status).expect("is a status");
    let answer = post(async move || (status, [(CONTENT_TYPE, content_type)], body));
    let odd = Router::new().route("/csp/transaction", answer).fallback_service(system.acme.sandbox.router());
    system.network.attach_service(system.acme.dashboard_address, odd);
}

/// After the CSP API is as it should be, the charge is settled, and on the bill once.
async fn assert_billed_once(system: &TestSystem, number: &str) {
    system.network.attach_service(system.acme.dashboard_address, system.acme.sandbox.router());
    system.network.clear_faults();
    system.advance_seconds(RETRY_SECONDS);
    system.acme.deliver_due().await;
    let (_, asked) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked["status"], "APPROVED");
    assert_eq!(system.bill_lines(&system.acme, number).await.len(), 1);
}

#[tokio::test]
async fn unclear_response_to_a_charge_decides_nothing() {
    for (status, content_type, body) in [
        (200, "text/html", "<html><title>Sign in</title></html>"),
        (204, "application/json", ""),
        (200, "application/json", r#"{"status":1}"#),
        (201, "application/json", r#"{"status":"APPROVED""#),
        (302, "text/html", ""),
    ] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        answer_charges(&system, status, content_type, body.to_owned());
        assert_eq!(post_charge(&system, &pai).await["status"], "PENDING", "{status} {body}");
        assert_billed_once(&system, GOOD).await;
    }
}

#[tokio::test]
async fn charge_that_is_answered_too_late_is_billed_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault_for(BILLING, NetworkFault::Late, 1);
    assert_eq!(post_charge(&system, &pai).await["status"], "PENDING");
    assert_billed_once(&system, GOOD).await;
}

/// A partner that gives this response to each webhook, and counts those about its charge, which was PENDING.
async fn deliver_to(status: StatusCode, location: &'static str, body: &'static str) -> (TestSystem, usize) {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault_for(BILLING, NetworkFault::AnswerLost, 1);
    assert_eq!(post_charge(&system, &pai).await["status"], "PENDING");
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let partner = Router::new().fallback(async move |uri: Uri| {
        if uri.path() == "/transaction-state" {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        (status, [(LOCATION, location)], body).into_response()
    });
    system.network.attach_service(NETFLIX, partner);
    for _ in 0..3 {
        system.advance_seconds(RETRY_SECONDS);
        system.acme.deliver_due().await;
    }
    let count = calls.load(Ordering::SeqCst);
    (system, count)
}

#[tokio::test]
async fn error_in_the_body_of_a_success_is_a_receipt() {
    // docs/conformance.md tells the partner so: the status counts, and no body is read.
    let (_, calls) = deliver_to(StatusCode::OK, "/", r#"{"error":"internal"}"#).await;
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn redirect_of_a_webhook_is_no_receipt() {
    let (system, calls) = deliver_to(StatusCode::FOUND, "http://127.0.0.1:8791/transaction-state", "").await;
    assert!(calls > 1, "{calls}");
    // Nothing was sent to the other address, and the webhook arrives when the partner takes it.
    system.network.attach_service(NETFLIX, system.netflix.router());
    system.advance_seconds(86_400);
    system.acme.deliver_due().await;
    let known = system.partner_charges().await;
    assert_eq!(known["charges"][0]["reported"]["status"], "APPROVED");
}
