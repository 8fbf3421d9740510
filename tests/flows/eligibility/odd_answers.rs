//! Answers about an account that are not the contract's: what is not clear is no permission, and
//! declines nothing.

use super::{NUMBER, declined, post_charge, replace_csp_api, restore_csp_api, start_with_subscriber};
use axum::Router;
use http::StatusCode;
use onbill_test_harness::TestSystem;
use onbill_test_harness::log_capture::LogCapture;
use serde_json::{Value, json};
use tracing::Level;

/// The CSP API gives this answer to every call.
fn answer_always(system: &TestSystem, status: StatusCode, body: &str) {
    let body = body.to_owned();
    replace_csp_api(system, Router::new().fallback(async move || (status, body)));
}

/// The answer about the account, with the subscriber id that the sandbox gives the number.
fn account(system: &TestSystem, members: &str) -> String {
    let asked = system.network.calls_after(0);
    let lookup = asked.iter().rev().find(|call| call.path == "/csp/account/validate").expect("was asked");
    let account: Value = serde_json::from_slice(&lookup.response.1).expect("is JSON");
    format!(r#"{{{members},"subscriberID":{},"type":"postpaid"}}"#, account["subscriberID"])
}

/// What became of a sign-up and a charge, and how often the alarm with this word was raised, again
/// and again included.
async fn try_both(system: &TestSystem, pai: &str, id: &str, word: &str) -> (Value, Value, usize) {
    let (log, _guard) = LogCapture::capture_thread(Level::INFO);
    // A customer who does not pay yet: another number, of whom the same is said.
    let (_, entered) = system.enter_session_number(&system.nova, "+34612345602").await;
    let (_, charged) = post_charge(system, pai, id).await;
    let named = log.to_text();
    let alarms = named.lines().filter(|line| {
        line.contains("alarm=\"account-word-unknown\"") && line.contains(&format!("word={word}"))
    });
    (entered["code"].clone(), charged["status"].clone(), alarms.count())
}

#[tokio::test]
async fn unknown_word_is_no_permission_and_no_decline() {
    let (system, pai) = start_with_subscriber().await;
    for (n, (members, word)) in [
        (r#""status":"DORMANT""#, "DORMANT"),
        (r#""status":"ACTIVE","eligible":false,"reason":"too-tall""#, "too-tall"),
        (r#""status":"ACTIVE","eligible":"perhaps""#, "perhaps"),
        (r#""status":"ACTIVE","eligible":true,"eligible":false"#, "true, false"),
        (r#""status":"SUSPENDED","suspension":"sabbatical""#, "sabbatical"),
    ]
    .into_iter()
    .enumerate()
    {
        restore_csp_api(&system);
        system.enter_session_number(&system.nova, NUMBER).await;
        answer_always(&system, StatusCode::OK, &account(&system, members));
        let (entered, charged, alarms) = try_both(&system, &pai, &format!("c-{n}"), word).await;
        assert_eq!((entered, charged), (json!("account-not-eligible"), json!("PENDING")), "{members}");
        assert_eq!(alarms, 2, "{members}");
    }
    // Once the operator's word is one of the contract's, the charges go on.
    restore_csp_api(&system);
    system.advance_seconds(361);
    system.nova.deliver_due().await;
    assert_eq!(system.bill_lines(&system.nova, NUMBER).await.len(), 5);
}

#[tokio::test]
async fn unclear_answer_is_none() {
    let (system, pai) = start_with_subscriber().await;
    system.enter_session_number(&system.nova, NUMBER).await;
    let large = format!(r#""status":"ACTIVE","text":"{}""#, "x".repeat(17 * 1024));
    for (n, (status, body)) in [
        (StatusCode::OK, account(&system, r#""status":"ACTIVE","status":"SUSPENDED""#)),
        (StatusCode::OK, account(&system, &large)),
        (StatusCode::OK, "<html>200 OK".to_owned()),
        (StatusCode::BAD_GATEWAY, account(&system, r#""status":"ACTIVE""#)),
    ]
    .into_iter()
    .enumerate()
    {
        answer_always(&system, status, &body);
        let (entered, charged, alarms) = try_both(&system, &pai, &format!("c-{n}"), "ACTIVE").await;
        assert_eq!((entered, charged, alarms), (json!("service-unavailable"), json!("PENDING"), 0), "{n}");
    }
}

#[tokio::test]
async fn odd_optional_member_costs_no_clear_status() {
    let (system, pai) = start_with_subscriber().await;
    for (n, members) in [
        r#""status":"ACTIVE","eligible":null,"reason":"minor","suspension":7,"spendable":null"#,
        r#""status":" active ","eligible":"TRUE","spendable":{"value":15.99,"currency":"EUR"}"#,
        r#""status":"ACTIVE","reason":{"code":[1]},"spendable":"a lot","more":[{}]"#,
    ]
    .into_iter()
    .enumerate()
    {
        restore_csp_api(&system);
        system.enter_session_number(&system.nova, NUMBER).await;
        let body = account(&system, members);
        let billing = system.nova.sandbox.router();
        let answer = axum::routing::post(async move || body);
        let odd = Router::new().route("/csp/account/validate", answer).fallback_service(billing);
        system.network.attach_service(system.nova.dashboard_address, odd);
        let (_, charged) = post_charge(&system, &pai, &format!("c-{n}")).await;
        assert_eq!(charged["status"], "APPROVED", "{members}");
    }
    // And a suspension is one, whatever else is said.
    restore_csp_api(&system);
    system.enter_session_number(&system.nova, NUMBER).await;
    let body = account(&system, r#""status":"SUSPENDED","eligible":null,"suspension":null,"spendable":[]"#);
    answer_always(&system, StatusCode::OK, &body);
    assert_eq!(declined(&post_charge(&system, &pai, "c-9").await).0, json!("account-on-hold"));
}
