//! Lost responses, gateways that do not respond, crashes: an accepted message is sent, once or a
//! few times, within a day or never.

use super::{
    GOOD, PATH, expected_acceptance, expected_refusal, message_body, named_message_body, nothing_waits,
    received_messages, send_message,
};
use onbill_origin::store::Queue;
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use std::sync::Arc;
use tracing::Level;

const GATEWAY: &str = "127.0.0.1:8790/csp/notification";
const DAY: i64 = 86_400;
/// More calls to the store than a message takes, from its post to the end of its job.
const CALLS: u32 = 10;

#[tokio::test]
async fn without_its_origin_a_message_is_not_taken() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let origin = format!("{}{PATH}", system.acme.origin_address);
    system.network.inject_fault(&origin, NetworkFault::Lost);
    assert_eq!(
        send_message(&system, named_message_body(&pai, "One", "m-1")).await,
        expected_refusal(503, "service-unavailable")
    );
    system.network.clear_faults();
    assert!(nothing_waits(&system).await);
    // It is accepted, and its response lost: the retry gets the same one.
    for mishap in [NetworkFault::AnswerLost, NetworkFault::FailsAfter, NetworkFault::Garbled] {
        system.network.inject_fault_for(&origin, mishap, 1);
        assert!(send_message(&system, named_message_body(&pai, "One", "m-1")).await.0 >= 500, "{mishap:?}");
    }
    assert_eq!(send_message(&system, named_message_body(&pai, "One", "m-1")).await, expected_acceptance());
    // Twice on the wire is once in the database, with an id or without.
    system.network.inject_fault_for(&origin, NetworkFault::Twice, 1);
    send_message(&system, message_body(&pai, "Two")).await;
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: One", "Netflix: Two"]);
}

#[tokio::test]
async fn message_reaches_recovered_gateway_the_same_day() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(GATEWAY, NetworkFault::Lost);
    assert_eq!(send_message(&system, message_body(&pai, "One")).await, expected_acceptance());
    for _ in 0..3 {
        system.acme.deliver_due().await;
        system.advance_seconds(3_600);
    }
    system.network.clear_faults();
    for _ in 0..6 {
        system.advance_seconds(3_600);
        system.acme.deliver_due().await;
    }
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: One"]);
    assert!(nothing_waits(&system).await);
}

#[tokio::test]
async fn message_unsent_for_a_day_is_dropped() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (log, _guard) = LogCapture::capture_thread(Level::ERROR);
    // The gateway sends it each time, and its response is always lost.
    system.network.inject_fault(GATEWAY, NetworkFault::AnswerLost);
    assert_eq!(send_message(&system, named_message_body(&pai, "One", "m-1")).await, expected_acceptance());
    for _ in 0..2 * DAY / 60 {
        system.acme.deliver_due().await;
        system.advance_seconds(60);
    }
    system.network.clear_faults();
    let copies = received_messages(&system, GOOD).await;
    assert!((5..=7).contains(&copies.len()), "{copies:?}");
    assert!(nothing_waits(&system).await, "it was given up");
    assert_eq!(log.count("alarm=\"message-dropped\""), 1);
    assert_eq!(
        send_message(&system, named_message_body(&pai, "One", "m-1")).await,
        expected_acceptance(),
        "and the partner is not informed"
    );
    assert_eq!(received_messages(&system, GOOD).await.len(), copies.len());

    // Nor is it sent when the whole origin was down for a day.
    assert_eq!(send_message(&system, named_message_body(&pai, "Two", "m-2")).await, expected_acceptance());
    system.advance_seconds(DAY);
    assert_eq!(received_messages(&system, GOOD).await.len(), copies.len());
    assert!(nothing_waits(&system).await);
    assert_eq!(log.count("alarm=\"message-dropped\""), 2);
}

#[tokio::test]
async fn message_waits_while_its_subscriber_is_unknown() {
    let system = TestSystem::start();
    system.sign_up(&system.nova, "+34612345601", AccountChoice::New("ana@example.com")).await;
    let ana = system.pai_of("ana@example.com").await;
    let accounts = format!("{}/csp/account/validate", system.nova.dashboard_address);
    system.network.inject_fault(&accounts, NetworkFault::Lost);
    assert_eq!(send_message(&system, message_body(&ana, "Hola")).await, expected_acceptance());
    let before = system.sms_received(&system.nova, "+34612345601").await.len();
    assert!(system.nova.app().store.next_due(Queue::Notifications).await.expect("works").is_some());
    system.network.clear_faults();
    system.advance_seconds(60);
    let after = system.sms_received(&system.nova, "+34612345601").await;
    assert_eq!(after.len(), before + 1);
    assert_eq!(after.last().map(String::as_str), Some("netflix: Hola"));
}

#[tokio::test]
async fn message_that_died_anywhere_is_sent() {
    let mut died = 0;
    for calls in 1..=CALLS {
        for moment in [CrashMoment::Before, CrashMoment::After] {
            let mut system = TestSystem::start();
            system.acme.import_accounts(ACME_ACCOUNTS).await;
            system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
            let pai = system.pai_of("ann@example.com").await;
            system.acme.deliver_due().await;
            let life = Arc::clone(&system.acme.origins[0].crash_point);
            life.crash_at(calls, moment);
            send_message(&system, named_message_body(&pai, "One", "m-1")).await;
            let _ = system.acme.try_deliver_due().await;
            if life.disarm() {
                continue;
            }
            died += 1;
            system.restart_acme(|_| true).await;
            assert_eq!(
                send_message(&system, named_message_body(&pai, "One", "m-1")).await,
                expected_acceptance(),
                "{calls} {moment:?}"
            );
            system.acme.deliver_due().await;
            system.advance_seconds(700);
            // Sent, and not recorded: then it comes again.
            let messages = received_messages(&system, GOOD).await;
            assert!((1..=2).contains(&messages.len()), "{calls} {moment:?} {messages:?}");
            assert!(messages.iter().all(|message| message == "Netflix: One"));
            assert!(nothing_waits(&system).await);
        }
    }
    assert!(died >= 6, "{died}");
}

/// The subscriber is another system's for some hours, or for longer than a message is worth sending.
#[tokio::test]
async fn message_waits_while_its_pai_is_dark() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (log, _guard) = LogCapture::capture_thread(Level::ERROR);
    let switch = async |dark_since: &str| {
        system
            .acme
            .db
            .run_sql(&format!("UPDATE pais SET dark_since = {dark_since}, dark_version = version"))
            .await;
    };
    assert_eq!(send_message(&system, message_body(&pai, "One")).await, expected_acceptance());
    switch("1795000000").await;
    for _ in 0..4 {
        system.acme.deliver_due().await;
        system.advance_seconds(3_600);
    }
    assert!(received_messages(&system, GOOD).await.is_empty());
    switch("NULL").await;
    system.advance_seconds(3_600 + 3_600 / 5);
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: One"]);

    assert_eq!(send_message(&system, message_body(&pai, "Two")).await, expected_acceptance());
    switch("1795000000").await;
    for _ in 0..25 {
        system.acme.deliver_due().await;
        system.advance_seconds(3_600);
    }
    switch("NULL").await;
    assert_eq!(received_messages(&system, GOOD).await.len(), 1);
    assert!(nothing_waits(&system).await);
    assert_eq!(log.count("alarm=\"message-dropped\""), 1, "the operator hears of it");
}
