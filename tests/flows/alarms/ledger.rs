//! Alarms about charges, coupons, messages and accounts.

use super::shown::Shown;
use crate::account_events::{event_body, report_event};
use crate::coupons::undelivered::{UNDELIVERED, report_sms, system_with_kannel};
use crate::coupons::{coupon_body, issue_and_read_code, issue_coupon, redeem_code};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use onbill_origin::config::RepeatedPeriod;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const NOVA_NUMBER: &str = "+34612345601";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const GATEWAY: &str = "127.0.0.1:8790/csp/notification";
const TRANSACTION: &str = "/ott/v1/transaction";
const DAY: i64 = 86_400;

async fn with_subscriber(alarm: Alarm) -> (Shown, String) {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    (Shown::begin(alarm, system), pai)
}

async fn with_accounts(alarm: Alarm) -> Shown {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    Shown::begin(alarm, system)
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, TRANSACTION, charge_body(pai, id, 1599)).await.1["status"].clone()
}

async fn suspend(system: &TestSystem) {
    let suspended = ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended");
    system.acme.import_accounts(&suspended).await;
}

pub(super) async fn contradictory_event() -> Shown {
    let (mut shown, _) = with_subscriber(Alarm::AccountEventContradicts).await;
    shown.system.sign_up(&shown.system.acme, OTHER, AccountChoice::New("bob@example.com")).await;
    shown.expect_quiet().await;
    shown.system.advance_seconds(60);
    let mut event = event_body(&shown.system, "e-1", "number-changed", GOOD);
    event["newMSISDN"] = json!(OTHER);
    let (status, answer) = report_event(&shown.system, &event).await;
    assert_eq!((status, &answer["outcome"]), (StatusCode::OK, &json!("CONTRADICTORY")), "{answer}");
    shown.expect_raised("").await;
    shown.close().await;
    shown
}

pub(super) async fn unknown_word_of_account() -> Shown {
    let mut shown = Shown::begin(Alarm::AccountWordUnknown, TestSystem::start());
    shown.app = Some(Arc::clone(shown.system.nova.app()));
    shown.expect_quiet().await;
    let odd = Router::new()
        .fallback(async || (StatusCode::OK, r#"{"status":"DORMANT","type":"postpaid","subscriberID":"s"}"#));
    shown.system.network.attach_service(shown.system.nova.dashboard_address, odd);
    shown.system.enter_session_number(&shown.system.nova, NOVA_NUMBER).await;
    shown.expect_raised("status").await;
    shown.close().await;
    shown
}

/// Billing, which holds the answer to the first charge until it may go on, and has never seen a
/// charge that it is asked about.
fn slow_billing(came: &Arc<Notify>, may_go_on: &Arc<Notify>) -> Router {
    let (came, may_go_on) = (Arc::clone(came), Arc::clone(may_go_on));
    Router::new().fallback(async move |request: Request| -> Response {
        if *request.method() == Method::GET {
            let unknown = r#"{"code":"transaction-not-found","message":"There is no such charge."}"#;
            return (StatusCode::NOT_FOUND, unknown).into_response();
        }
        came.notify_one();
        may_go_on.notified().await;
        (StatusCode::CREATED, r#"{"status":"APPROVED"}"#).into_response()
    })
}

/// The first call is still on its way when the job looks the charge up, and declines it because the
/// account was suspended meanwhile. Then billing approves it after all.
pub(super) async fn second_decision_of_billing() -> Shown {
    let (mut shown, pai) = with_subscriber(Alarm::BillingDecisionsDiffer).await;
    let system = &shown.system;
    let (came, may_go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    system.network.attach_service(system.acme.dashboard_address, slow_billing(&came, &may_go_on));
    let (status, ()) = tokio::join!(post_charge(system, &pai, "c-1"), async {
        came.notified().await;
        suspend(system).await;
        system.advance_seconds(400);
        assert!(system.acme.deliver_due().await > 0);
        may_go_on.notify_one();
    });
    assert_eq!(status, "DECLINED", "the first decision stays");
    shown.expect_raised("*").await;
    shown.close().await;
    shown
}

pub(super) async fn coupon_that_does_not_arrive() -> Shown {
    let (system, kannel) = system_with_kannel().await;
    let mut shown = Shown::begin(Alarm::CouponUndelivered, system);
    issue_coupon(&shown.system, &coupon_body("c-1", GOOD)).await;
    shown.system.acme.deliver_due().await;
    shown.expect_quiet().await;
    report_sms(&shown.system, &kannel, 0, UNDELIVERED).await;
    shown.expect_raised("*").await;
    shown.close().await;
    shown
}

pub(super) async fn coupon_that_billing_refuses() -> Shown {
    let mut shown = with_accounts(Alarm::CouponUnpaid).await;
    let code = issue_and_read_code(&shown.system, "c-1", GOOD).await;
    shown.system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(redeem_code(&shown.system, &code, "r-1").await.0, StatusCode::OK);
    shown.system.network.clear_faults();
    shown.expect_quiet().await;
    suspend(&shown.system).await;
    shown.system.advance_seconds(361);
    shown.system.acme.deliver_due().await;
    shown.expect_raised("*").await;
    shown.close().await;
    shown
}

pub(super) async fn sms_that_is_never_accepted() -> Shown {
    let (mut shown, pai) = with_subscriber(Alarm::MessageDropped).await;
    shown.system.network.inject_fault(GATEWAY, NetworkFault::Lost);
    let message = json!({"pai": pai, "message": "One"});
    let (status, _) = shown.system.call_ott(Method::POST, "/ott/v1/notification", message).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    for _ in 0..30 {
        shown.system.acme.deliver_due().await;
        shown.system.advance_seconds(3_600);
    }
    shown.expect_raised("*").await;
    shown.close().await;
    shown
}

pub(super) async fn partner_without_charges() -> Shown {
    let (mut shown, pai) = with_subscriber(Alarm::NoCharges).await;
    shown.system.reconfigure_acme(|config| config.alarms.no_charges_hours = Some(1));
    shown.system.advance_seconds(7_200);
    shown.expect_quiet().await;
    assert_eq!(post_charge(&shown.system, &pai, "c-1").await, "APPROVED");
    shown.system.advance_seconds(3_600);
    shown.expect_quiet().await;
    shown.system.advance_seconds(60);
    shown.expect_raised("netflix").await;
    assert_eq!(post_charge(&shown.system, &pai, "c-2").await, "APPROVED");
    shown.system.advance_seconds(60);
    shown.expect_over().await;
    shown
}

pub(super) async fn job_without_attempts_left() -> Shown {
    let (mut shown, pai) = with_subscriber(Alarm::OutboxParked).await;
    shown.system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(post_charge(&shown.system, &pai, "c-1").await, "PENDING");
    for _ in 0..8 {
        shown.expect_quiet().await;
        shown.system.advance_seconds(2 * DAY);
        shown.system.acme.deliver_due().await;
        if !shown.app().store.dead_letters(None, 1).await.expect("works").is_empty() {
            break;
        }
    }
    shown.expect_raised("charge").await;
    // It lasts as long as the dead letter does, also after a restart.
    shown.system.advance_seconds(2 * DAY);
    shown.system.restart_acme(|_| true).await;
    shown.expect_raised("charge").await;
    shown.system.network.clear_faults();
    let store = Arc::clone(&shown.app().store);
    let job = store.dead_letters(None, 1).await.expect("works")[0].job_id;
    assert!(store.redrive_dead_letter(shown.system.now(), job).await.expect("works"));
    shown.system.advance_seconds(60);
    shown.expect_over().await;
    shown
}

pub(super) async fn days_charged_twice() -> Shown {
    let (mut shown, pai) = with_subscriber(Alarm::PeriodChargedAgain).await;
    shown.system.reconfigure_acme(|config| config.partners[0].repeated_period = RepeatedPeriod::Alarm);
    assert_eq!(post_charge(&shown.system, &pai, "c-1").await, "APPROVED");
    shown.expect_quiet().await;
    assert_eq!(post_charge(&shown.system, &pai, "again").await, "APPROVED");
    shown.expect_raised("*").await;
    shown.close().await;
    shown
}
