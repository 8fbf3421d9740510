//! What ends a visit while it is open, whether the accounts are in the origin's table or behind the
//! operator's CSP API. The API of these tests goes on calling the line active: it lags behind.

use crate::account_events::{event_body, report_event};
use crate::coupons::{issue_and_read_code, redeem_code};
use axum::routing::post;
use axum::{Json, Router};
use http::{Method, StatusCode};
use onbill_domain::limits::PIN_TTL_SECONDS;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::config::{AccountSource, NumberProof};
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550107";
const SOURCES: [AccountSource; 2] = [AccountSource::Table, AccountSource::Csp];
const LEAVING: [&str; 4] = ["ceased", "ported-out", "ownership-changed", "number-changed"];

async fn system(accounts: AccountSource) -> TestSystem {
    let mut system = TestSystem::start();
    system.reconfigure_acme(|config| config.accounts = accounts);
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// Something happens to the line now.
async fn happens(system: &TestSystem, what: &str) {
    let mut event = event_body(system, what, what, GOOD);
    if what == "number-changed" {
        event["newMSISDN"] = json!(OTHER);
    }
    assert_eq!(report_event(system, &event).await.0, StatusCode::OK, "{what}");
}

/// The number has another subscriber, and no event says so.
async fn reassign(system: &TestSystem, accounts: AccountSource) {
    if accounts == AccountSource::Table {
        system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-18")).await;
        return;
    }
    let next = Json(json!({"status": "SUSPENDED", "type": "postpaid", "subscriberID": "the-next-one"}));
    let csp = Router::new().route("/csp/account/validate", post(|| async move { next }));
    let csp = csp.fallback_service(system.acme.sandbox.router());
    system.network.attach_service(system.acme.dashboard_address, csp);
}

async fn signed_up(system: &TestSystem, flow: &Value) -> (u16, Value) {
    let (status, answer) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    (status.as_u16(), answer["code"].clone())
}

/// The customer enters the number without a session. Returns the flow.
async fn entered(system: &TestSystem, purpose: Value) -> Value {
    let mut body = purpose;
    (body["operator"], body["msisdn"], body["locale"]) = (json!("acme"), json!(GOOD), json!("en"));
    let (status, step) = system.call_widget("/account/validate", body).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("pin")));
    step["flow"].clone()
}

async fn tried(system: &TestSystem, flow: &Value, pin: &str) -> (u16, Value) {
    let (status, answer) =
        system.call_widget("/pin", json!({"operator": "acme", "flow": flow, "pin": pin})).await;
    (status.as_u16(), answer["code"].clone())
}

fn refused(code: &str) -> (u16, Value) {
    (400, json!(code))
}

#[tokio::test]
async fn event_ends_proven_visits() {
    for accounts in SOURCES {
        for what in ["activated", "suspended", "ceased", "ported-out", "ownership-changed", "number-changed"]
        {
            let system = system(accounts).await;
            let by_pin = json!(system.prove_number(&system.acme, GOOD).await);
            let (_, step) = system.enter_session_number(&system.acme, GOOD).await;
            happens(&system, what).await;
            for flow in [&by_pin, &step["flow"]] {
                assert_eq!(signed_up(&system, flow).await, refused("token-expired"), "{accounts:?} {what}");
            }
            assert!(system.edge.kv_entries().is_empty(), "nobody got a PAI: {accounts:?} {what}");
        }
    }
}

#[tokio::test]
async fn event_that_changes_nothing_ends_no_visit() {
    for accounts in SOURCES {
        let system = system(accounts).await;
        let (_, step) = system.enter_session_number(&system.acme, GOOD).await;
        let by_pin = json!(system.prove_number(&system.acme, GOOD).await);
        happens(&system, "resumed").await;
        assert_eq!(signed_up(&system, &by_pin).await.0, 201, "{accounts:?}");
        happens(&system, "sim-swapped").await;
        assert_eq!(signed_up(&system, &step["flow"]).await.0, 201, "{accounts:?}");
        assert_eq!(signed_up(&system, &by_pin).await, refused("account-not-eligible"), "{accounts:?}");
    }
}

#[tokio::test]
async fn event_ends_pins_under_way() {
    for accounts in SOURCES {
        for what in LEAVING {
            let mut system = system(accounts).await;
            system.reconfigure_acme(|config| config.partners[0].number_proof = NumberProof::Pin);
            let flow = entered(&system, json!({"offer": "netflix-standard"})).await;
            let pin = system.read_pin(&system.acme, GOOD).await;
            system.advance_seconds(1);
            let (_, sent) = system
                .call_ott(Method::POST, "/ott/v1/pin", json!({"msisdn": GOOD, "operator": "acme"}))
                .await;
            let device_pin = system.read_pin(&system.acme, GOOD).await;
            happens(&system, what).await;
            assert_eq!(tried(&system, &flow, &pin).await, refused("pin-expired"), "{accounts:?} {what}");
            let body = json!({"msisdn": GOOD, "operator": "acme", "pin": device_pin, "pinID": sent["pinID"]});
            let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
            assert_eq!(answer["code"], "pin-expired", "{accounts:?} {what}");
        }
    }
}

#[tokio::test]
async fn pin_that_an_event_has_overtaken_is_not_sent() {
    for accounts in SOURCES {
        let system = system(accounts).await;
        entered(&system, json!({"offer": "netflix-standard"})).await;
        happens(&system, "ownership-changed").await;
        assert!(system.sms_received(&system.acme, GOOD).await.is_empty(), "{accounts:?}");
        entered(&system, json!({"offer": "netflix-standard"})).await;
        assert_eq!(system.sms_received(&system.acme, GOOD).await.len(), 1, "{accounts:?}: a new one is");
    }
}

/// It has waited for as long.
#[tokio::test]
async fn pin_that_has_expired_is_not_sent() {
    for (seconds, messages) in [(PIN_TTL_SECONDS - 1, 1), (PIN_TTL_SECONDS, 0)] {
        let system = system(AccountSource::Table).await;
        entered(&system, json!({"offer": "netflix-standard"})).await;
        system.advance_seconds(seconds);
        assert_eq!(system.sms_received(&system.acme, GOOD).await.len(), messages, "{seconds}");
    }
}

#[tokio::test]
async fn event_ends_visits_to_the_account_page() {
    for accounts in SOURCES {
        for what in LEAVING {
            let system = system(accounts).await;
            let msisdn = Msisdn::parse(GOOD).expect("is E.164");
            let session = system.acme.sandbox.assertion(vec![msisdn]).expect("signs");
            let body = json!({"operator": "acme", "view": "account", "msisdn": GOOD, "locale": "en", "session": session});
            let (_, step) = system.call_widget("/account/validate", body).await;
            let flow = step["flow"].clone();
            happens(&system, what).await;
            for path in ["/account", "/account/unlink", "/signup"] {
                let body = json!({"operator": "acme", "flow": flow, "subscription": "x"});
                let (_, answer) = system.call_widget(path, body).await;
                assert_eq!(answer["code"], "token-expired", "{accounts:?} {what} {path}");
            }
        }
    }
}

#[tokio::test]
async fn event_voids_a_token_that_is_not_spent() {
    for accounts in SOURCES {
        for what in ["ceased", "ported-out", "ownership-changed"] {
            let system = system(accounts).await;
            let flow = json!(system.prove_number(&system.acme, GOOD).await);
            // The partner gets the token later than the event comes.
            system.network.inject_fault_for(&format!("{NETFLIX}/signup-sessions"), NetworkFault::Late, 1);
            assert_eq!(signed_up(&system, &flow).await.0, 503);
            happens(&system, what).await;
            system.network.deliver_late().await;
            let spent = system.network.calls_to(EDGE, "/ott/v1/token/validate");
            assert_eq!(spent.last().map(|call| call.1), Some(StatusCode::BAD_REQUEST), "{accounts:?} {what}");
        }
    }
}

#[tokio::test]
async fn coupon_of_a_buyer_who_left_is_not_redeemed() {
    for accounts in SOURCES {
        for what in ["ceased", "ported-out", "ownership-changed"] {
            let system = system(accounts).await;
            let code = issue_and_read_code(&system, "c-1", GOOD).await;
            happens(&system, what).await;
            let (status, answer) = redeem_code(&system, &code, "r-1").await;
            assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("account-not-eligible")), "{what}");
            assert!(system.bill_lines(&system.acme, GOOD).await.is_empty(), "{accounts:?} {what}");
        }
    }
}

#[tokio::test]
async fn pin_proves_the_number_to_its_recipient_only() {
    for accounts in SOURCES {
        let mut system = system(accounts).await;
        system.reconfigure_acme(|config| config.partners[0].number_proof = NumberProof::Pin);
        let mut flows = Vec::new();
        for purpose in [json!({"offer": "netflix-standard"}), json!({"view": "account"})] {
            let flow = entered(&system, purpose).await;
            flows.push((flow, system.read_pin(&system.acme, GOOD).await));
            system.advance_seconds(1);
        }
        let (_, sent) =
            system.call_ott(Method::POST, "/ott/v1/pin", json!({"msisdn": GOOD, "operator": "acme"})).await;
        let device_pin = system.read_pin(&system.acme, GOOD).await;
        reassign(&system, accounts).await;
        // Not even that the account of the next subscriber is on hold.
        for (flow, pin) in &flows {
            assert_eq!(tried(&system, flow, pin).await, refused("pin-expired"), "{accounts:?}");
            assert_eq!(signed_up(&system, flow).await, refused("token-expired"), "{accounts:?}");
        }
        let body = json!({"msisdn": GOOD, "operator": "acme", "pin": device_pin, "pinID": sent["pinID"]});
        let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
        assert_eq!(answer["code"], "pin-expired", "{accounts:?}");
        assert!(system.edge.kv_entries().is_empty(), "nobody got a PAI");
    }
}

#[tokio::test]
async fn repeated_pin_message_does_not_reach_next_subscriber() {
    let system = system(AccountSource::Table).await;
    // The first attempt arrives, and its outcome is lost.
    system.network.inject_fault_for("127.0.0.1:8790/csp/notification", NetworkFault::AnswerLost, 1);
    entered(&system, json!({"offer": "netflix-standard"})).await;
    system.acme.deliver_due().await;
    reassign(&system, AccountSource::Table).await;
    system.advance_seconds(60);
    assert_eq!(system.sms_received(&system.acme, GOOD).await.len(), 1);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
}
