//! A partner's message to a subscriber, through edge and origin to the phone of the subscriber to
//! whom its PAI belongs.

mod bad_input;
mod faults;

use crate::account_events::{event, happens, report};
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

fn saying(pai: &str, message: &str) -> Value {
    json!({"pai": pai, "message": message})
}

fn named(pai: &str, message: &str, name: &str) -> Value {
    json!({"pai": pai, "message": message, "extNotificationID": name})
}

/// The partner sends it. Returns the HTTP status, and the status or the code in the response.
async fn say(system: &TestSystem, body: Value) -> (u16, String) {
    told(system.call_ott(Method::POST, PATH, body).await)
}

fn told((status, answer): (StatusCode, Value)) -> (u16, String) {
    let said = answer["status"].as_str().or(answer["code"].as_str()).unwrap_or_default().to_owned();
    (status.as_u16(), said)
}

fn accepted() -> (u16, String) {
    (202, "ACCEPTED".to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The partner's messages that a number of Acme's has received, without the PINs.
async fn heard(system: &TestSystem, number: &str) -> Vec<String> {
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
    assert_eq!(heard(&system, GOOD).await, ["Netflix: Your plan changes on 1 December."]);
    assert!(nothing_waits(&system).await);

    // At the other operator, where no display name is configured for the partner.
    system.sign_up(&system.nova, "+34612345601", AccountChoice::New("ana@example.com")).await;
    let ana = system.pai_of("ana@example.com").await;
    assert_eq!(say(&system, saying(&ana, "Mañana ☀️ vence su plan")).await, accepted());
    let messages = system.sms_received(&system.nova, "+34612345601").await;
    assert_eq!(messages.last().map(String::as_str), Some("netflix: Mañana ☀️ vence su plan"));
    assert_eq!(heard(&system, GOOD).await.len(), 1);
    assert_eq!(system.partner_accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn message_with_id_is_sent_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for _ in 0..2 {
        assert_eq!(say(&system, named(&pai, "First", "m-1")).await, accepted());
    }
    assert_eq!(heard(&system, GOOD).await, ["Netflix: First"]);
    // Also when it was sent long ago.
    system.advance_seconds(400 * 86_400);
    system.acme.app().store.sweep(system.now()).await.expect("works");
    let (status, again) = system.call_ott(Method::POST, PATH, named(&pai, "First", "m-1")).await;
    assert_eq!((status, again.to_string()), (StatusCode::ACCEPTED, r#"{"status":"ACCEPTED"}"#.to_owned()));
    assert_eq!(say(&system, named(&pai, "Second", "m-1")).await, refused(422, "idempotency-violation"));
    assert_eq!(heard(&system, GOOD).await.len(), 1);
    for _ in 0..2 {
        assert_eq!(say(&system, saying(&pai, "Third")).await, accepted());
    }
    assert_eq!(heard(&system, GOOD).await.len(), 3);
}

#[tokio::test]
async fn subscriber_is_sent_so_many_a_day() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for n in 0..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(say(&system, named(&pai, "Hello", &format!("m-{n}"))).await, accepted());
    }
    let request = system.sign_as_partner(&Method::POST, PATH, &named(&pai, "Hello", "m-9"));
    let answer = system.network.exchange(request).await.expect("answers");
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], REST_OF_DAY.to_string());
    assert_eq!(say(&system, named(&pai, "Hello", "m-0")).await, accepted(), "what was taken was taken");
    // At the time that it says, and not a second earlier.
    system.advance_seconds(REST_OF_DAY - 1);
    assert_eq!(say(&system, named(&pai, "Hello", "m-9")).await, refused(429, "too-many-requests"));
    system.advance_seconds(1);
    assert_eq!(say(&system, named(&pai, "Hello", "m-9")).await, accepted());
    system.acme.deliver_due().await;
    assert_eq!(heard(&system, GOOD).await.len(), 6);
}

#[tokio::test]
async fn suspended_subscriber_is_told_why() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    happens(&system, "e-1", "suspended", GOOD).await;
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    assert_eq!(say(&system, saying(&pai, "Your payment is late")).await, accepted());
    assert_eq!(heard(&system, GOOD).await, ["Netflix: Your payment is late"]);
}

#[tokio::test]
async fn message_follows_its_subscriber_to_another_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(say(&system, saying(&pai, "One")).await, accepted());
    let mut moved = event(&system, "e-1", "number-changed", GOOD);
    moved["newMSISDN"] = json!("+12025550112");
    assert_eq!(report(&system, &moved).await.1["outcome"], "APPLIED");
    assert_eq!(heard(&system, "+12025550112").await, ["Netflix: One"]);
    assert_eq!(heard(&system, GOOD).await, [""; 0]);
}

#[tokio::test]
async fn message_is_not_sent_to_new_subscriber() {
    // A change known first from an event, one known first from the account table, and two ends
    // without a next subscriber.
    for way in ["event", "table", "ceased", "gone"] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        assert_eq!(say(&system, named(&pai, "One", "m-1")).await, accepted());
        match way {
            "event" => happens(&system, "e-1", "ownership-changed", GOOD).await,
            "table" => {
                system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-01")).await;
            }
            "ceased" => {
                let ceased = ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,ceased");
                system.acme.import_accounts(&ceased).await;
            }
            _ => happens(&system, "e-1", "ported-out", GOOD).await,
        }
        assert_eq!(heard(&system, GOOD).await, [""; 0], "{way}");
        assert!(nothing_waits(&system).await, "{way}");
        // This is not reported to the partner here: an id that was accepted stays accepted.
        assert_eq!(say(&system, named(&pai, "One", "m-1")).await, accepted(), "{way}");
        let closed = ["event", "gone"].contains(&way);
        let expected = if closed { refused(404, "pai-not-found") } else { accepted() };
        assert_eq!(say(&system, saying(&pai, "Two")).await, expected, "{way}");
        assert_eq!(heard(&system, GOOD).await, [""; 0], "{way}");
    }
}

#[tokio::test]
async fn whoever_is_erased_is_sent_nothing_that_waits() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(say(&system, saying(&pai, "One")).await, accepted());
    assert_eq!(system.request_erasure("er-1", GOOD).await, (StatusCode::OK, json!("ERASED")));
    assert!(nothing_waits(&system).await);
    assert_eq!(heard(&system, GOOD).await, [""; 0]);
    assert_eq!(say(&system, saying(&pai, "Two")).await, refused(404, "pai-not-found"));
}

#[tokio::test]
async fn concurrent_messages_respect_limit_and_ids() {
    let several = TestSystem::with_two_origins().await;
    several.acme.import_accounts(ACME_ACCOUNTS).await;
    several.sign_up(&several.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    for system in [TestSystem::with_subscriber(GOOD).await.0, several] {
        let pai = system.pai_of("ann@example.com").await;
        let calls = (0..32).map(|n| say(&system, named(&pai, "Hello", &format!("m-{}", n / 4))));
        let answers = join_all(calls).await;
        let taken: Vec<usize> = (0..32).filter(|n| answers[*n] == accepted()).map(|n| n / 4).collect();
        let names: std::collections::BTreeSet<_> = taken.iter().collect();
        let limit = usize::try_from(NOTIFICATIONS_PER_DAY_MAX).expect("is small");
        assert_eq!(names.len(), limit, "{answers:?}");
        assert_eq!(taken.len(), 4 * limit, "whoever repeats what was taken is not refused: {answers:?}");
        let others = answers.iter().filter(|answer| **answer == refused(429, "too-many-requests"));
        assert_eq!(others.count(), 32 - taken.len(), "{answers:?}");
        assert_eq!(heard(&system, GOOD).await.len(), limit);
    }
}
