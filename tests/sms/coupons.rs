//! A coupon's way through an SMSC with faults: to the phone, to the partner, and onto the bill.
//!
//! An SMS is sent at least once. The origin sends it again when it cannot know that the SMSC has
//! it, and only then: each test here states how often the SMS arrives for its fault.

mod concurrent_redemptions;
mod queue;
mod receipts;
mod secrecy;

use crate::coupon_system::{CouponSystem, code_in};
use crate::smsc_link::UNANSWERED_SECONDS;
use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use onbill_domain::locale::Locale;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::database::TestDb;
use onbill_test_harness::db_folder;
use onbill_test_harness::wait::wait_until;
use serde_json::{Value, json};
use std::sync::Arc;

/// A short timeout for an SMSC that does not respond, which keeps the tests fast.
fn short_timeouts() -> Value {
    json!({"answer_seconds": UNANSWERED_SECONDS, "enquire_seconds": 1})
}

fn parse_answer(answer: &(StatusCode, Bytes)) -> (u16, Value) {
    (answer.0.as_u16(), serde_json::from_slice(&answer.1).unwrap_or_default())
}

/// One SMS arrived, this many times, and its code can be redeemed: one redemption, one charge, one
/// line.
async fn assert_came_and_redeems(system: &CouponSystem, times: usize) {
    let texts = system.read_inbox().await;
    assert_eq!(texts.len(), times, "{texts:?}");
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let first = system.redeem_code(code_in(&texts[0]), "r-1").await;
    assert_eq!(parse_answer(&first).1["status"], "REDEEMED", "{first:?}");
    assert_eq!(system.redeem_code(code_in(&texts[0]), "r-1").await, first, "byte for byte");
    assert_eq!((system.count_redemptions().await, system.read_bill().await.len()), ((1, 1), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn code_received_in_parts_redeems() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        for (already, locale) in Locale::ALL.into_iter().map(Locale::as_str).enumerate() {
            system.issue_coupon(locale, locale).await;
            let before = system.operator.smsc_wishes().len();
            system.deliver_due().await;
            let parts = &system.operator.smsc_wishes()[before..];
            assert!(parts.len() >= 2, "{locale} takes {} messages", parts.len());
            assert!(parts.iter().all(|part| part.coding == parts[0].coding), "{locale}: {parts:?}");
            match locale {
                "en" => assert_eq!(parts[0].coding, 0, "the GSM alphabet"),
                "ar" => assert_eq!(parts[0].coding, 8, "UCS-2"),
                _ => {}
            }
            system.until_state(locale, "DELIVERED").await;
            let texts = system.read_inbox().await;
            assert_eq!(texts.len(), already + 1);
            let (status, answer) = parse_answer(&system.redeem_code(code_in(&texts[already]), locale).await);
            assert_eq!((status, &answer["status"]), (200, &json!("REDEEMED")), "{answer}");
            assert_eq!(system.find_coupon(locale).await["state"], "REDEEMED");
            assert_eq!(system.read_bill().await.len(), already + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_smsc_gets_the_sms_later_and_once() {
    for system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        system.issue_coupon("c-1", "en").await;
        for fault in ["throttle", "queue-full"] {
            system.inject_faults(json!({"smsc": fault})).await;
            let asked = system.operator.smsc_asked();
            for _ in 0..4 {
                system.deliver_due().await;
                system.clock.advance_seconds(700);
            }
            assert!(system.operator.smsc_asked() > asked, "{fault}");
        }
        assert!(system.read_inbox().await.is_empty());
        assert_eq!(system.find_coupon("c-1").await["state"], "ISSUED");
        system.inject_faults(json!({})).await;
        system.deliver_until("it comes", async || !system.read_inbox().await.is_empty()).await;
        system.until_state("c-1", "DELIVERED").await;
        assert_came_and_redeems(&system, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sms_without_response_is_sent_again() {
    // Concurrently: each waits long for a response.
    let mut cases = Vec::new();
    for (fault, times) in [("drop", 1), ("drop-after", 2), ("hang", 1), ("hang-after", 2)] {
        for system in CouponSystem::on_each_kind_of_database(&short_timeouts()).await {
            cases.push(comes_as_often_as_it_was_taken(system, fault, times));
        }
    }
    join_all(cases).await;
}

async fn comes_as_often_as_it_was_taken(system: CouponSystem, fault: &str, times: usize) {
    system.inject_faults(json!({"smsc": fault})).await;
    system.issue_coupon("c-1", "en").await;
    system.deliver_due().await;
    assert_eq!(system.find_coupon("c-1").await["state"], "ISSUED", "{fault}");
    system.inject_faults(json!({})).await;
    system.until_bound().await;
    system.deliver_due().await;
    assert_eq!(system.read_inbox().await.len(), times - 1, "{fault}: not yet again");
    system.deliver_until("it comes", async || system.find_coupon("c-1").await["state"] != "ISSUED").await;
    system.until_state("c-1", "DELIVERED").await;
    assert_came_and_redeems(&system, times).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restarted_smsc_gets_the_sms_once() {
    for mut system in CouponSystem::on_each_kind_of_database(&json!({})).await {
        system.kill_smsc().await;
        system.issue_coupon("c-1", "en").await;
        for _ in 0..4 {
            system.deliver_due().await;
            system.clock.advance_seconds(700);
        }
        assert_eq!(system.find_coupon("c-1").await["state"], "ISSUED");
        // It is back, and takes the previous session for a live one.
        system.inject_faults(json!({"smsc": "still-bound"})).await;
        let binds = system.operator.smsc_binds();
        system.restart_smsc().await;
        wait_until("it has said no", async || system.operator.smsc_binds() > binds).await;
        system.deliver_due().await;
        assert!(system.read_inbox().await.is_empty());
        system.inject_faults(json!({})).await;
        system.until_bound().await;
        system.deliver_until("it comes", async || !system.read_inbox().await.is_empty()).await;
        system.until_state("c-1", "DELIVERED").await;
        assert_came_and_redeems(&system, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn smsc_out_of_reach_is_an_alarm_until_it_is_back() {
    let place = TestDb::new_sqlite_file(&db_folder());
    let mut system = CouponSystem::open_with(place, &json!({})).await;
    let app = Arc::clone(&system.app);
    let is_active = || app.instruments.alarms.is_active(Alarm::SmsUnreachable, "smpp");
    assert!(!is_active());
    system.kill_smsc().await;
    wait_until("three attempts have failed", async || is_active()).await;
    system.restart_smsc().await;
    system.until_bound().await;
    wait_until("it is over", async || !is_active()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_smsc_is_disconnected_and_found_again() {
    let systems = CouponSystem::on_each_kind_of_database(&short_timeouts()).await;
    join_all(systems.map(is_left_and_found_again)).await;
}

async fn is_left_and_found_again(system: CouponSystem) {
    let binds = system.operator.smsc_binds();
    system.inject_faults(json!({"smsc": "silent"})).await;
    system.issue_coupon("c-1", "en").await;
    // Before or after the origin has found out: there is no response, or no connection.
    system.deliver_due().await;
    assert!(system.read_inbox().await.is_empty());
    assert_eq!(system.find_coupon("c-1").await["state"], "ISSUED");
    system.inject_faults(json!({})).await;
    wait_until("the origin has connected anew", async || system.operator.smsc_binds() > binds).await;
    system.until_bound().await;
    system.deliver_until("it comes", async || !system.read_inbox().await.is_empty()).await;
    system.until_state("c-1", "DELIVERED").await;
    assert_came_and_redeems(&system, 1).await;
}
