//! Alarms about those who call, and whom the origin calls.

use super::shown::Shown;
use crate::account_events::report_applied_event;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, KeyHolder, NETFLIX, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
/// As many calls as a party's clock is judged by.
const CALLS: usize = 21;

/// A call of the edge, whose clock is so many seconds ahead.
fn edge_call(system: &TestSystem, seconds_ahead: i64) -> Request<Bytes> {
    let body = json!({"pai": "01010101-0101-4101-8101-010101010101"}).to_string();
    let mut request = Request::post(format!("http://{}/edge/v1/pai", system.acme.origin_address))
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .expect("is a request");
    let ring = keys::keyring(&KeyHolder::Edge);
    let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    let now = system.now().plus_seconds(seconds_ahead);
    sign_request(&mut request, key, now, &system.next_nonce()).expect("signs");
    request
}

pub(super) async fn call_for_another() -> Shown {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let mut shown = Shown::begin(Alarm::CallForAnotherOperator, system);
    shown.expect_quiet().await;
    let call = json!({"msisdn": GOOD, "operator": "nova"});
    let call = shown.system.forward_as_edge("/ott/v1/account/validate", &call);
    assert_eq!(shown.system.send_request(call).await.0, StatusCode::BAD_REQUEST);
    shown.expect_raised("netflix").await;
    shown.close().await;
    shown
}

pub(super) async fn clock_an_hour_off() -> Shown {
    let mut shown = Shown::begin(Alarm::ClockSkew, TestSystem::start());
    let system = &shown.system;
    for _ in 0..CALLS {
        assert_ne!(system.send_request(edge_call(system, 60)).await.0, StatusCode::UNAUTHORIZED);
    }
    shown.expect_quiet().await;
    // What is off by more than signatures allow is refused, and tells of the clock all the same.
    let system = &shown.system;
    for _ in 0..CALLS {
        assert_eq!(system.send_request(edge_call(system, 3_600)).await.0, StatusCode::UNAUTHORIZED);
    }
    // A forged signature of another time does not.
    for _ in 0..CALLS {
        let mut forged = edge_call(system, 0);
        *forged.body_mut() = Bytes::from_static(b"{}");
        assert_eq!(system.send_request(forged).await.0, StatusCode::UNAUTHORIZED);
    }
    shown.expect_raised("edge").await;
    for _ in 0..CALLS {
        shown.system.send_request(edge_call(&shown.system, -1)).await;
    }
    shown.expect_over().await;
    shown
}

/// A subscriber whose PAI is suspended, which edge and partner are to learn, while this address takes
/// no calls.
async fn with_report_that_fails(alarm: Alarm, receiver: &str) -> Shown {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    system.acme.deliver_due().await;
    let shown = Shown::begin(alarm, system);
    shown.system.network.inject_fault(receiver, NetworkFault::Refused);
    shown.system.advance_seconds(60);
    report_applied_event(&shown.system, "e-1", "suspended", GOOD).await;
    // The pauses between the attempts of such a job, each with the fifth that may come on top.
    for pause in [0, 3, 12, 72] {
        shown.system.advance_seconds(pause);
        shown.system.acme.deliver_due().await;
        shown.expect_quiet().await;
    }
    // That nothing was sent for long says nothing.
    shown.system.advance_seconds(599);
    shown.expect_quiet().await;
    shown.system.advance_seconds(121);
    shown.system.acme.deliver_due().await;
    shown
}

/// Neither time nor a restart ends it, but a call that is taken.
async fn is_over_when_taken(mut shown: Shown, subject: &str) -> Shown {
    shown.system.advance_seconds(7_200);
    shown.system.restart_acme(|_| true).await;
    shown.expect_raised(subject).await;
    shown.system.network.clear_faults();
    shown.system.advance_seconds(86_400);
    shown.system.acme.deliver_due().await;
    shown.expect_over().await;
    shown
}

pub(super) async fn edge_out_of_reach() -> Shown {
    let mut shown = with_report_that_fails(Alarm::EdgeUnreachable, &format!("{EDGE}/origin")).await;
    shown.expect_raised("").await;
    is_over_when_taken(shown, "").await
}

pub(super) async fn deaf_partner() -> Shown {
    let mut shown =
        with_report_that_fails(Alarm::PartnerUnreachable, &format!("{NETFLIX}/account-state")).await;
    shown.expect_raised("netflix").await;
    is_over_when_taken(shown, "netflix").await
}

pub(super) async fn mapping_to_somebody_else() -> Shown {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let mut shown = Shown::begin(Alarm::PaiMappingDiffers, system);
    let entries = shown.system.edge.kv_entries();
    let (key, value) = entries.into_iter().find(|(key, _)| key.starts_with("pai/")).expect("is mapped");
    let mut mapping: Value = serde_json::from_str(&value).expect("is JSON");
    mapping["subscriber"] = json!("someone-else");
    shown.system.edge.kv_set(&key, Some(&mapping.to_string()));
    shown.system.run_billing("2026-12").await;
    shown.expect_raised("netflix").await;
    shown.close().await;
    shown
}

pub(super) async fn storm_of_bad_signatures() -> Shown {
    let mut shown = Shown::begin(Alarm::SignaturesRefused, TestSystem::start());
    let forge = async |shown: &Shown| {
        let mut forged = shown.system.forward_as_edge("/ott/v1/transaction", &json!({"pai": "x"}));
        *forged.body_mut() = Bytes::from_static(b"{}");
        assert_eq!(shown.system.send_request(forged).await.0, StatusCode::UNAUTHORIZED);
    };
    for _ in 0..50 {
        forge(&shown).await;
    }
    shown.expect_quiet().await;
    forge(&shown).await;
    shown.expect_raised("edge").await;
    shown.system.advance_seconds(600);
    shown.expect_over().await;
    shown
}

/// Whoever reaches the listener can send these: they are no partner's, and nobody is woken for them.
pub(super) async fn storm_of_unsigned_calls() -> Shown {
    let mut shown = Shown::begin(Alarm::UnknownCallers, TestSystem::start());
    let send_unsigned = async |shown: &Shown| {
        let unsigned = Request::builder().method(Method::POST);
        let unsigned = unsigned.uri(format!("http://{}/edge/v1/pai", shown.system.acme.origin_address));
        let unsigned = unsigned.body(Bytes::new()).expect("is a request");
        assert_eq!(shown.system.send_request(unsigned).await.0, StatusCode::UNAUTHORIZED);
    };
    for _ in 0..500 {
        send_unsigned(&shown).await;
    }
    shown.expect_quiet().await;
    send_unsigned(&shown).await;
    shown.expect_raised("").await;
    assert!(!shown.app().instruments.alarms.is_active(Alarm::SignaturesRefused, "edge"));
    shown.system.advance_seconds(600);
    shown.expect_over().await;
    shown
}

pub(super) async fn billing_out_of_reach() -> Shown {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let mut shown = Shown::begin(Alarm::BillingUnreachable, system);
    shown.system.network.inject_fault(BILLING, NetworkFault::Lost);
    for id in ["c-1", "c-2", "c-3"] {
        shown.expect_quiet().await;
        let charge = charge_body(&pai, id, 1599);
        let (_, answer) = shown.system.call_ott(Method::POST, "/ott/v1/transaction", charge).await;
        assert_eq!(answer["status"], "PENDING");
        shown.system.advance_seconds(120);
    }
    shown.expect_quiet().await;
    shown.system.advance_seconds(60);
    shown.system.acme.deliver_due().await;
    shown.expect_raised("charges").await;
    shown.system.network.clear_faults();
    shown.system.advance_seconds(86_400);
    shown.system.acme.deliver_due().await;
    shown.expect_over().await;
    shown
}
