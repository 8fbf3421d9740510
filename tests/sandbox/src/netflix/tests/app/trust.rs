//! What the partner refuses to accept: a number in a wrong place, more than a response may contain,
//! a closed subscriber as an active one. And what it accepts: the state of an account.

use super::{NUMBER, active, refusal, screen};
use crate::netflix::tests::{PAI, ask, form, get, partner};
use crate::testing::NOW;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn response_that_says_too_much_is_a_leak() {
    let with = |member: &str, value: Value| {
        let mut answer = active();
        answer[member] = value;
        (200, answer)
    };
    let mut chatty = refusal(404, "account-not-found");
    chatty.1["subscriberID"] = json!("line-7");
    for (answer, found, shown) in [
        (with("balance", json!(1)), "the member balance", "account"),
        (with("msisdn", json!(NUMBER)), NUMBER, "account"),
        (with("status", json!("SUSPENDED")), "the status SUSPENDED at acme", "service-unavailable"),
        (with("operator", json!("nova")), "the status ACTIVE at nova", "service-unavailable"),
        (refusal(409, "already-on-bill"), "the answer 409 already-on-bill", "service-unavailable"),
        (refusal(404, "pai-not-found"), "the answer 404 pai-not-found", "service-unavailable"),
        (refusal(400, "account-not-found"), "the answer 400 account-not-found", "service-unavailable"),
        (chatty, "the member subscriberID", "account-not-found"),
    ] {
        let partner = partner();
        partner.will_answer([answer]);
        let device = partner.put_in("sim=acme-1").await;
        assert_eq!(screen(&device.tap("validate", "").await), shown, "{found}");
        let leaks = partner.accounts().await["leaks"].to_string();
        assert!(leaks.contains(found) && leaks.contains("answer to /ott/v1/account/validate"), "{leaks}");
        assert!(ask(&partner.router, get("/accounts")).await.text.contains(r#"id="leaks""#));
    }
}

#[tokio::test]
async fn number_is_expected_in_one_field_only() {
    let partner = partner();
    for (body, field) in [
        ("msisdn=2025550101&network=001-01", "msisdn"),
        ("msisdn=%2B12025550101&network=1-1", "network"),
        ("msisdn=%2B12025550101&network=", "network"),
        ("sim=acme-2", "network"),
        ("sim=acme-0", "network"),
    ] {
        let answer = ask(&partner.router, form("/app", body)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text.contains(&format!("id=\"{field}-problem\"")), "{body}: {}", answer.text);
    }
    assert_eq!(partner.accounts().await["leaks"], json!([]));
    ask(&partner.router, form("/app", "msisdn=&network=%2B12025550101")).await;
    let device = partner.put_in("sim=acme-1").await;
    device.tap("validate", "email=12025550101").await;
    let leaks = partner.accounts().await["leaks"].clone();
    assert_eq!(leaks.as_array().map(Vec::len), Some(4), "both shapes, at both places: {leaks}");
    assert_eq!(leaks[0]["where"], "POST /app, body");
}

#[tokio::test]
async fn app_shows_account_state_and_closed_is_final() {
    let partner = partner();
    let device = partner.put_in("sim=acme-1").await;
    device.tap("validate", "").await;
    device.tap("existing", "email=dana%40example.com&password=demo&terms=yes").await;
    let reported = json!({"pai": PAI, "state": "SUSPENDED", "sequence": 2});
    assert_eq!(partner.tell("/account-state", &reported).await.status, StatusCode::OK);
    assert_eq!(screen(&device.look().await), "on-hold");
    let reported = json!({"pai": PAI, "state": "CLOSED", "reason": "pai-revoked-by-user", "sequence": 3});
    assert_eq!(partner.tell("/account-state", &reported).await.status, StatusCode::OK);
    let page = device.look().await;
    assert!(screen(&page) == "closed" && page.contains("you have ended it"), "{page}");

    // The same subscriber once more, under a new PAI: the account may move there.
    let renewed = PAI.replace("07070707-", "09090909-");
    let mut answer = active();
    answer["pai"] = json!(renewed);
    partner.will_answer([(200, answer)]);
    assert_eq!(screen(&device.tap("validate", "").await), "account");
    let again = device.tap("existing", "email=dana%40example.com&password=demo&terms=yes").await;
    assert!(again.contains("You’re all set"), "{again}");
    assert_eq!(partner.accounts().await["accounts"][0]["pays"]["pai"], json!(renewed));

    // The closed PAI, reported in the very second of the query, may have been on its way; later it
    // cannot.
    let other = partner.put_in("sim=acme-1").await;
    other.tap("validate", "").await;
    assert_eq!(partner.contradictions().await, 0);
    partner.world.clock.0.store(NOW + 1, Ordering::SeqCst);
    let other = partner.put_in("sim=acme-1").await;
    other.tap("validate", "").await;
    assert_eq!(partner.contradictions().await, 1);
}
