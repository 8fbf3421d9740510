//! The console at the simulated operator's own identity provider, as in the local system.

use super::CONSOLE;
use super::browser::Browser;
use bytes::Bytes;
use http::header::LOCATION;
use http::{Request, StatusCode};
use onbill_origin::config::ConsoleSettings;
use onbill_test_harness::{STAFF_SECRET, TestSystem, db_folder, write_password_file};
use serde_json::json;
use std::sync::Arc;

fn system_with_console() -> TestSystem {
    let mut system = TestSystem::start();
    let settings: ConsoleSettings = serde_json::from_value(json!({
        "url": format!("http://{CONSOLE}"),
        "issuer": format!("http://{}/staff", system.acme.dashboard_address),
        "client_id": "onbill",
        "client_secret_file": write_password_file(&db_folder(), STAFF_SECRET),
        "groups": { "onbill-auditor": "auditor", "onbill-supervisor": "supervisor" },
    }))
    .expect("are settings");
    system.reconfigure_acme(|config| config.console = Some(settings));
    let identity = Arc::clone(&system.network) as _;
    let router = system.acme.app().console_router(identity).expect("is sound").expect("is configured");
    system.network.attach_service(CONSOLE, router);
    system
}

/// The person clicks on their name. Returns the path of the callback.
async fn click(system: &TestSystem, url: &str, person: &str) -> String {
    let request = Request::get(format!("{url}&person={person}")).body(Bytes::new()).expect("is a request");
    let back = system.network.send_call(request).await.expect("is there");
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    let url = back.headers()[LOCATION].to_str().expect("is text").to_owned();
    url.strip_prefix(&format!("http://{CONSOLE}")).expect("leads back to the console").to_owned()
}

#[tokio::test]
async fn person_signs_in_with_one_click_and_has_the_roles_of_their_groups() {
    let system = system_with_console();
    let browser = Browser::new(Arc::clone(&system.network));
    let begun = browser.get("/sign-in").await;
    assert_eq!(begun.status, 303);
    let callback = click(&system, begun.location(), "auditor-1").await;
    let signed_in = browser.get(&callback).await;
    assert_eq!((signed_in.status, signed_in.location()), (303, "/"), "{}", signed_in.body);
    assert_eq!(browser.get("/auditor").await.status, 200);
    assert_eq!(browser.get("/care").await.status, 403);
    // The same address once more, from the history of the browser or a log of a proxy.
    assert_ne!(browser.get(&callback).await.status, 303);
}

#[tokio::test]
async fn person_without_a_group_and_a_code_that_is_a_minute_old_are_turned_away() {
    let system = system_with_console();
    let browser = Browser::new(Arc::clone(&system.network));
    let begun = browser.get("/sign-in").await;
    let callback = click(&system, begun.location(), "shop-1").await;
    assert_eq!(browser.get(&callback).await.status, 403);
    let begun = browser.get("/sign-in").await;
    let callback = click(&system, begun.location(), "auditor-1").await;
    system.advance_seconds(60);
    assert_eq!(browser.get(&callback).await.status, 400);
}
