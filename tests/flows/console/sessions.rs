//! How long a session goes on, and what another site can do with it.

use super::desks::look_up;
use super::{Desk, GOOD};
use onbill_test_harness::TestSystem;
use onbill_test_harness::log_capture::LogCapture;
use tracing::Level;

const MINUTE: i64 = 60;

#[tokio::test]
async fn session_ends_when_nobody_looks() {
    let desk = Desk::open(TestSystem::start());
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    for _ in 0..5 {
        desk.advance_seconds(14 * MINUTE);
        assert_eq!(browser.get("/care").await.status, 200, "it is used");
    }
    desk.advance_seconds(15 * MINUTE);
    assert_eq!(browser.get("/care").await.location(), "/sign-in");
    let page = browser.post("/care/search", &[("msisdn", GOOD)]).await;
    assert_eq!(page.status, 401, "what was typed is not led away");
}

#[tokio::test]
async fn session_ends_with_the_shift() {
    let desk = Desk::open(TestSystem::start());
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    for _ in 0..47 {
        desk.advance_seconds(10 * MINUTE);
        assert_eq!(browser.get("/care").await.status, 200);
    }
    desk.advance_seconds(10 * MINUTE);
    assert_eq!(browser.get("/care").await.location(), "/sign-in", "after eight hours");
    assert!(desk.list_entries().await.is_empty());
}

#[tokio::test]
async fn cookie_that_is_guessed_or_changed_is_no_session() {
    let desk = Desk::open(TestSystem::start());
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    let id = browser.cookies.lock().expect("is whole")["onbill-console"].clone();
    for wrong in ["", "x", &id[1..], &id.to_lowercase(), &format!("{id}; onbill-console={id}")] {
        browser.cookies.lock().expect("is whole").insert("onbill-console".to_owned(), wrong.to_owned());
        assert_eq!(browser.get("/care").await.status, 303, "{wrong}");
    }
}

#[tokio::test]
async fn form_of_another_site_or_session_does_nothing() {
    let (desk, pai) = Desk::with_subscriber().await;
    let (robin, mallory) =
        (desk.sign_in("robin-17", &["g-care"]).await, desk.sign_in("mallory", &["g-care"]).await);
    let others = mallory.get("/care").await.csrf();
    let own = robin.get("/care").await.csrf();
    let form = |csrf: &str| {
        [
            ("csrf", csrf),
            ("link", &pai),
            ("reason", "pai-revoked-by-user"),
            ("reference", "T-1"),
            ("confirmed", "yes"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |csrf: &str, origin: &str| {
        let fields = form(csrf);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        robin.post_as("/care/links/close", &fields, origin).await.status
    };
    let here = "http://127.0.0.1:9465";
    for (csrf, origin) in
        [("", here), ("x", here), (&others, here), (&own, "https://evil.example"), (&own, "null")]
    {
        assert_eq!(post(csrf, origin).await, 403, "{csrf} {origin}");
    }
    assert_eq!(robin.post("/sign-out", &[]).await.status, 403);
    assert!(desk.list_entries().await.is_empty(), "nothing was done");
    assert_eq!(post(&own, here).await, 200);
    assert_eq!(desk.list_entries().await.len(), 1);
}

#[tokio::test]
async fn correlator_of_the_proxy_goes_no_further() {
    let (desk, _) = Desk::with_subscriber().await;
    let mut browser = desk.sign_in("robin-17", &["g-care"]).await;
    let (log, _guard) = LogCapture::capture_thread(Level::INFO);
    browser.correlator = Some("crm-12025550101");
    let page = look_up(&browser, GOOD).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.headers["x-correlator"], "crm-12025550101");
    let entries = desk.list_entries().await;
    let ours = entries[0].correlator.as_deref().expect("has one");
    assert_ne!(ours, "crm-12025550101");
    assert_eq!(log.count("crm-12025550101"), 0, "nor is it in the log");
    assert!(log.to_text().contains(ours));
}
