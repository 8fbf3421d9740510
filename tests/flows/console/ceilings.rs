//! How many numbers a person looks up in an hour: a ceiling for each of them, whatever they find.

use super::browser::Browser;
use super::desks::look_up;
use super::{Desk, GOOD, attach_console};
use http::StatusCode;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_test_harness::TestSystem;
use serde_json::json;
use std::sync::Arc;

/// Is no subscriber's.
const NEVER: &str = "+12025550102";

/// A person of customer care at the console of a system, for tests of what the console causes elsewhere.
pub(crate) struct Agent {
    browser: Browser,
}

impl Agent {
    /// Gives the system a console with this ceiling, and signs the person in.
    pub(crate) async fn sit_down(system: &mut TestSystem, look_ups_per_hour: u32) -> Self {
        let issuer = attach_console(system, |settings| {
            settings.look_ups_per_hour = look_ups_per_hour.try_into().expect("is some");
        });
        let browser = Browser::new(Arc::clone(&system.network));
        assert_eq!(browser.sign_in(&issuer, "robin-17", &["g-care"]).await.status, 303);
        Self { browser }
    }

    /// The status of the page.
    pub(crate) async fn look_up(&self, number: &str) -> u16 {
        look_up(&self.browser, number).await.status
    }
}

/// A desk with a subscriber, at which a person looks up two numbers in an hour.
async fn desk_with_two_look_ups() -> Desk {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    Desk::open_with(system, |settings| settings.look_ups_per_hour = 2.try_into().expect("is some"))
}

#[tokio::test]
async fn look_ups_of_a_person_have_a_ceiling_and_those_of_another_go_on() {
    let desk = desk_with_two_look_ups().await;
    let (robin, kim) =
        (desk.sign_in("robin-17", &["g-care"]).await, desk.sign_in("kim-2", &["g-lead"]).await);
    assert_eq!(look_up(&robin, "12").await.status, 400, "nothing is looked up for it");
    assert_eq!(look_up(&robin, GOOD).await.status, 200);
    assert_eq!(look_up(&robin, NEVER).await.status, 404, "a number without a subscriber counts too");
    for number in [GOOD, NEVER] {
        let over = look_up(&robin, number).await;
        assert_eq!(over.status, 429, "{}", over.body);
        for text in ["Wait until 2026-11-18 12:00 UTC", "ask an administrator", number, "value=\"T-1\""] {
            assert!(over.has(text), "{text}: {}", over.body);
        }
        assert!(!over.has("<h3>Netflix</h3>") && !over.has("No present subscriber"), "{}", over.body);
    }
    assert_eq!(look_up(&kim, GOOD).await.status, 200, "another person");
    let again = desk.sign_in("robin-17", &["g-care", "g-fraud"]).await;
    assert_eq!(look_up(&again, GOOD).await.status, 429, "it is theirs in every session and role");
    let look = |actor: &str, outcome| (actor.to_owned(), AuditAct::SubscriberLookedUp, outcome);
    assert_eq!(
        desk.list_acts().await,
        [
            look("robin-17", AuditOutcome::Done),
            look("robin-17", AuditOutcome::NotFound),
            look("robin-17", AuditOutcome::Refused),
            look("robin-17", AuditOutcome::Refused),
            look("kim-2", AuditOutcome::Done),
            look("robin-17", AuditOutcome::Refused),
        ]
    );
    let auditor = desk.sign_in("dana", &["g-audit"]).await;
    let page = auditor.get("/auditor?by=actor&value=robin-17").await;
    assert!(page.has(">Look-up of a number<") && page.has(">Refused<"), "{}", page.body);
}

#[tokio::test]
async fn ceiling_is_over_with_the_hour() {
    let desk = desk_with_two_look_ups().await;
    let robin = desk.sign_in("robin-17", &["g-care"]).await;
    for status in [200, 200, 429] {
        assert_eq!(look_up(&robin, GOOD).await.status, status);
    }
    desk.advance_seconds(3_600);
    let robin = desk.sign_in("robin-17", &["g-care"]).await;
    assert_eq!(look_up(&robin, GOOD).await.status, 200);
}

/// The operator's system vouches for the person, and counts by itself if it has to.
#[tokio::test]
async fn signed_call_has_no_ceiling_of_a_person() {
    let desk = desk_with_two_look_ups().await;
    let body = json!({"msisdn": GOOD, "actor": "robin-17", "role": "care", "ref": "T-1"});
    for _ in 0..3 {
        let (status, page) = desk.system.call_acme_origin("/subscribers/search", &body).await;
        assert_eq!(status, StatusCode::OK, "{page}");
    }
    let robin = desk.sign_in("robin-17", &["g-care"]).await;
    assert_eq!(look_up(&robin, GOOD).await.status, 200, "nor does it use up theirs at the console");
}
