//! Alarms about an SMS gateway with Kannel's interface.

use super::shown::Shown;
use axum::Router;
use http::StatusCode;
use onbill_origin::config::SmsSettings;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem, write_password_file};
use serde_json::json;
use std::path::Path;

const GATEWAY: &str = "127.0.0.1:13013";

/// The gateway gives this answer to every message.
fn answer_always(shown: &Shown, status: StatusCode, says: &'static str) {
    shown.system.network.attach_service(GATEWAY, Router::new().fallback(async move || (status, says)));
}

/// A customer asks for a PIN, which goes to the gateway.
async fn send_pin(shown: &Shown, number: &str) {
    assert_eq!(shown.system.enter_number(&shown.system.acme, number).await.0, StatusCode::OK);
    shown.system.acme.deliver_due().await;
}

async fn begin(alarm: Alarm) -> Shown {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let mut shown = Shown::begin(alarm, system);
    let password = write_password_file(Path::new(env!("CARGO_TARGET_TMPDIR")), "right");
    let settings = json!({"by": "kannel", "url": format!("http://{GATEWAY}/cgi-bin/sendsms"),
        "username": "onbill", "password_file": password, "sender": "Acme"});
    let settings: SmsSettings = serde_json::from_value(settings).expect("are settings");
    shown.system.reconfigure_acme(|config| config.sms = settings);
    answer_always(&shown, StatusCode::ACCEPTED, "0: Accepted for delivery");
    send_pin(&shown, "+12025550101").await;
    shown.expect_quiet().await;
    shown
}

async fn is_over_when_accepted(mut shown: Shown) -> Shown {
    answer_always(&shown, StatusCode::ACCEPTED, "0: Accepted for delivery");
    send_pin(&shown, "+12025550107").await;
    shown.expect_over().await;
    shown
}

pub(super) async fn refused_login() -> Shown {
    let mut shown = begin(Alarm::SmsNotLetIn).await;
    answer_always(&shown, StatusCode::FORBIDDEN, "Authorization failed for sendsms");
    send_pin(&shown, "+12025550102").await;
    shown.expect_raised("kannel").await;
    is_over_when_accepted(shown).await
}

/// Its host answers nothing, or a proxy before it answers for it.
pub(super) async fn gateway_out_of_reach() -> Shown {
    let mut shown = begin(Alarm::SmsUnreachable).await;
    answer_always(&shown, StatusCode::BAD_GATEWAY, "");
    send_pin(&shown, "+12025550102").await;
    for _ in 0..2 {
        shown.expect_quiet().await;
        shown.system.advance_seconds(120);
        shown.system.acme.deliver_due().await;
    }
    shown.expect_quiet().await;
    shown.system.advance_seconds(60);
    shown.system.acme.deliver_due().await;
    shown.expect_raised("kannel").await;
    is_over_when_accepted(shown).await
}

pub(super) async fn wrong_sender() -> Shown {
    let mut shown = begin(Alarm::SmsSettings).await;
    answer_always(&shown, StatusCode::BAD_REQUEST, "Sender missing and no global set, rejected");
    send_pin(&shown, "+12025550102").await;
    shown.expect_raised("kannel").await;
    is_over_when_accepted(shown).await
}
