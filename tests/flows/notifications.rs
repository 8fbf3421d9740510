//! A partner's message to a subscriber, through edge and origin to the phone of the subscriber to
//! whom its PAI belongs.

mod bad_input;
mod faults;

use crate::account_events::{event_body, report_applied_event, report_event};
use futures_util::future::join_all;
use http::{Method, StatusCode};
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
/// A number of Acme's that has no sign-up.
const OTHER: &str = "+12025550107";
const PATH: &str = "/ott/v1/notification";
/// Seconds until the end of the day (UTC) on which test systems begin.
const REST_OF_DAY: i64 = 86_400 - 40_000;

fn message_body(pai: &str, message: &str) -> Value {
    json!({"pai": pai, "message": message})
}

fn named_message_body(pai: &str, message: &str, name: &str) -> Value {
    json!({"pai": pai, "message": message, "extNotificationID": name})
}

/// The partner sends it. Returns the HTTP status, and the status or the code in the response.
async fn send_message(system: &TestSystem, body: Value) -> (u16, String) {
    status_and_code(system.call_ott(Method::POST, PATH, body).await)
}

fn status_and_code((status, answer): (StatusCode, Value)) -> (u16, String) {
    let said = answer["status"].as_str().or(answer["code"].as_str()).unwrap_or_default().to_owned();
    (status.as_u16(), said)
}

fn expected_acceptance() -> (u16, String) {
    (202, "ACCEPTED".to_owned())
}

fn expected_refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The partner's messages that a number of Acme's has received, without the PINs.
async fn received_messages(system: &TestSystem, number: &str) -> Vec<String> {
    let messages = system.sms_received(&system.acme, number).await;
    messages.into_iter().filter(|text| !text.contains("code to pay")).collect()
}

async fn nothing_waits(system: &TestSystem) -> bool {
    system.acme.app().store.next_due(Queue::Notifications).await.expect("works").is_none()
}

#[tokio::test]
async fn message_arrives_after_its_sender_name() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let body = json!({"pai": pai, "message": "Your plan changes on 1 December.", "unknown": 1});
    let answer = system.call_ott(Method::POST, PATH, body).await;
    assert_eq!(answer, (StatusCode::ACCEPTED, json!({"status": "ACCEPTED"})));
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: Your plan changes on 1 December."]);
    assert!(nothing_waits(&system).await);

    // At the other operator, where no display name is configured for the partner.
    system.sign_up(&system.nova, "+34612345601", AccountChoice::New("ana@example.com")).await;
    let ana = system.pai_of("ana@example.com").await;
    assert_eq!(
        send_message(&system, message_body(&ana, "Mañana ☀️ vence su plan")).await,
        expected_acceptance()
    );
    let messages = system.sms_received(&system.nova, "+34612345601").await;
    assert_eq!(messages.last().map(String::as_str), Some("netflix: Mañana ☀️ vence su plan"));
    assert_eq!(received_messages(&system, GOOD).await.len(), 1);
    assert_eq!(system.partner_accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn message_with_id_is_sent_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for _ in 0..2 {
        assert_eq!(
            send_message(&system, named_message_body(&pai, "First", "m-1")).await,
            expected_acceptance()
        );
    }
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: First"]);
    // Also when it was sent long ago.
    system.advance_seconds(400 * 86_400);
    system.acme.app().sweep().await.expect("works");
    let (status, again) = system.call_ott(Method::POST, PATH, named_message_body(&pai, "First", "m-1")).await;
    assert_eq!((status, again.to_string()), (StatusCode::ACCEPTED, r#"{"status":"ACCEPTED"}"#.to_owned()));
    assert_eq!(
        send_message(&system, named_message_body(&pai, "Second", "m-1")).await,
        expected_refusal(422, "idempotency-violation")
    );
    assert_eq!(received_messages(&system, GOOD).await.len(), 1);
    for _ in 0..2 {
        assert_eq!(send_message(&system, message_body(&pai, "Third")).await, expected_acceptance());
    }
    assert_eq!(received_messages(&system, GOOD).await.len(), 3);
}

#[tokio::test]
async fn subscriber_is_sent_so_many_a_day() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for n in 0..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(
            send_message(&system, named_message_body(&pai, "Hello", &format!("m-{n}"))).await,
            expected_acceptance()
        );
    }
    let request = system.sign_as_partner(&Method::POST, PATH, &named_message_body(&pai, "Hello", "m-9"));
    let answer = system.network.send_call(request).await.expect("answers");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], REST_OF_DAY.to_string());
    assert_eq!(
        send_message(&system, named_message_body(&pai, "Hello", "m-0")).await,
        expected_acceptance(),
        "what was taken was taken"
    );
    // At the time that it says, and not a second earlier.
    system.advance_seconds(REST_OF_DAY - 1);
    assert_eq!(
        send_message(&system, named_message_body(&pai, "Hello", "m-9")).await,
        expected_refusal(429, "too-many-requests")
    );
    system.advance_seconds(1);
    assert_eq!(send_message(&system, named_message_body(&pai, "Hello", "m-9")).await, expected_acceptance());
    system.acme.deliver_due().await;
    assert_eq!(received_messages(&system, GOOD).await.len(), 6);
}

#[tokio::test]
async fn suspended_subscriber_reads_why() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    assert_eq!(
        send_message(&system, message_body(&pai, "Your payment is late")).await,
        expected_acceptance()
    );
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: Your payment is late"]);
}

#[tokio::test]
async fn message_follows_its_subscriber_to_another_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(send_message(&system, message_body(&pai, "One")).await, expected_acceptance());
    let mut moved = event_body(&system, "e-1", "number-changed", GOOD);
    moved["newMSISDN"] = json!("+12025550112");
    assert_eq!(report_event(&system, &moved).await.1["outcome"], "APPLIED");
    assert_eq!(received_messages(&system, "+12025550112").await, ["Netflix: One"]);
    assert_eq!(received_messages(&system, GOOD).await, [""; 0]);
}

#[tokio::test]
async fn message_is_not_sent_to_new_subscriber() {
    // A change known first from an event, one known first from the account table, and two ends
    // without a next subscriber.
    for way in ["event", "table", "ceased", "gone"] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        assert_eq!(
            send_message(&system, named_message_body(&pai, "One", "m-1")).await,
            expected_acceptance()
        );
        match way {
            "event" => report_applied_event(&system, "e-1", "ownership-changed", GOOD).await,
            "table" => {
                system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-01")).await;
            }
            "ceased" => {
                let ceased = ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,ceased");
                system.acme.import_accounts(&ceased).await;
            }
            _ => report_applied_event(&system, "e-1", "ported-out", GOOD).await,
        }
        assert_eq!(received_messages(&system, GOOD).await, [""; 0], "{way}");
        assert!(nothing_waits(&system).await, "{way}");
        // This is not reported to the partner here: an id that was accepted stays accepted.
        assert_eq!(
            send_message(&system, named_message_body(&pai, "One", "m-1")).await,
            expected_acceptance(),
            "{way}"
        );
        let closed = ["event", "gone"].contains(&way);
        let expected = if closed { expected_refusal(404, "pai-not-found") } else { expected_acceptance() };
        assert_eq!(send_message(&system, message_body(&pai, "Two")).await, expected, "{way}");
        assert_eq!(received_messages(&system, GOOD).await, [""; 0], "{way}");
    }
}

#[tokio::test]
async fn erased_subscriber_gets_no_queued_sms() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(send_message(&system, message_body(&pai, "One")).await, expected_acceptance());
    assert_eq!(system.request_erasure("er-1", GOOD).await, (StatusCode::OK, json!("ERASED")));
    assert!(nothing_waits(&system).await);
    assert_eq!(received_messages(&system, GOOD).await, [""; 0]);
    assert_eq!(
        send_message(&system, message_body(&pai, "Two")).await,
        expected_refusal(404, "pai-not-found")
    );
}

#[tokio::test]
async fn concurrent_messages_respect_limit_and_ids() {
    let several = TestSystem::with_two_origins().await;
    several.acme.import_accounts(ACME_ACCOUNTS).await;
    several.sign_up(&several.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    for system in [TestSystem::with_subscriber(GOOD).await.0, several] {
        let pai = system.pai_of("ann@example.com").await;
        let calls = (0..32)
            .map(|n| send_message(&system, named_message_body(&pai, "Hello", &format!("m-{}", n / 4))));
        let answers = join_all(calls).await;
        let taken: Vec<usize> =
            (0..32).filter(|n| answers[*n] == expected_acceptance()).map(|n| n / 4).collect();
        let names: std::collections::BTreeSet<_> = taken.iter().collect();
        let limit = usize::try_from(NOTIFICATIONS_PER_DAY_MAX).expect("is small");
        assert_eq!(names.len(), limit, "{answers:?}");
        assert_eq!(taken.len(), 4 * limit, "whoever repeats what was taken is not refused: {answers:?}");
        let others = answers.iter().filter(|answer| **answer == expected_refusal(429, "too-many-requests"));
        assert_eq!(others.count(), 32 - taken.len(), "{answers:?}");
        assert_eq!(received_messages(&system, GOOD).await.len(), limit);
    }
}
