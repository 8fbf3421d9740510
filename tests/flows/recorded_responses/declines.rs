//! Each reason for which a charge is declined.

use super::recorder::ResponseRecorder;
use http::Method;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_test_harness::ACME_ACCOUNTS;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

/// Every reason for which a charge is declined.
pub(super) async fn record(recorder: &mut ResponseRecorder) {
    by_limits(recorder).await;
    by_mandates(recorder).await;
    by_accounts(recorder).await;
    by_ends(recorder).await;
    by_billing(recorder).await;
}

async fn sign_up_subscriber(recorder: &mut ResponseRecorder, number: &str, email: &str) -> String {
    recorder.system.advance_seconds(1);
    recorder.system.sign_up(&recorder.system.acme, number, AccountChoice::New(email)).await;
    recorder.skip();
    recorder.system.pai_of(email).await
}

async fn by_limits(recorder: &mut ResponseRecorder) {
    recorder.system.set_acme_price_ceiling(10_000);
    let pai = recorder.system.subscribe_in_app(GOOD, "s-1", 10_000).await;
    recorder.skip();
    recorder.system.set_acme_limits(
        json!([{"currency": "USD", "smallest": 50, "transaction": 5000, "day": 6000, "month": 10_000}]),
    );
    recorder.begin_section("declined by the operator's limits");
    for (id, value) in [("l-1", 49), ("l-2", 5001), ("l-3", 5000), ("l-4", 1001), ("l-5", 1000)] {
        recorder
            .known_partner(&format!("{value} cents"), "/transaction", &charge_body(&pai, id, value))
            .await;
    }
    recorder.system.advance_seconds(86_400);
    for (id, value) in [("l-6", 4000), ("l-7", 100)] {
        recorder.known_partner("a day later", "/transaction", &charge_body(&pai, id, value)).await;
    }
    recorder.known_partner("a replay of a decline", "/transaction", &charge_body(&pai, "l-2", 5001)).await;
    recorder.partner("the state of a decline", Method::GET, "/transaction/l-2", &Value::Null).await;
    recorder.system.set_acme_limits(json!([]));
}

async fn by_mandates(recorder: &mut ResponseRecorder) {
    let validated = json!({"msisdn": "+12025550102", "operator": "acme"});
    let (_, answer) = recorder.system.call_ott(Method::POST, "/ott/v1/account/validate", validated).await;
    let pai = answer["pai"].as_str().expect("is text").to_owned();
    recorder.skip();
    recorder.begin_section("declined as nobody has agreed to it");
    recorder.known_partner("no subscription", "/transaction", &charge_body(&pai, "m-1", 1599)).await;
    recorder.system.subscribe_in_app("+12025550102", "s-2", 1599).await;
    recorder.skip();
    recorder.known_partner("above the price", "/transaction", &charge_body(&pai, "m-2", 1600)).await;
    recorder.known_partner("at the price", "/transaction", &charge_body(&pai, "m-3", 1599)).await;
    recorder.known_partner("the same month again", "/transaction", &charge_body(&pai, "mm-3", 1599)).await;
}

async fn by_accounts(recorder: &mut ResponseRecorder) {
    for (number, from, to) in [
        ("+12025550107", ",active", ",suspended"),
        ("+12025550109", ",active", ",ceased"),
        ("+12025550110", "2020-07-08", "2026-11-20"),
    ] {
        let email = format!("{}@example.com", &number[1..]);
        let pai = sign_up_subscriber(recorder, number, &email).await;
        recorder.begin_section(&format!("declined as the account of {number} is{to}"));
        let line = ACME_ACCOUNTS.lines().find(|line| line.starts_with(number)).expect("is there");
        recorder.system.acme.import_accounts(&ACME_ACCOUNTS.replace(line, &line.replace(from, to))).await;
        recorder
            .known_partner("a charge", "/transaction", &charge_body(&pai, &format!("a-{number}"), 1599))
            .await;
        recorder.deliver("what follows").await;
        recorder
            .known_partner("the next", "/transaction", &charge_body(&pai, &format!("b-{number}"), 1599))
            .await;
        recorder.system.acme.import_accounts(ACME_ACCOUNTS).await;
    }
}

async fn by_ends(recorder: &mut ResponseRecorder) {
    for (reason, number) in [
        (DeclineReason::AccountClosedFraud, "+12025550112"),
        (DeclineReason::PaiRevokedByUser, "+12025550113"),
    ] {
        let email = format!("{}@example.com", &number[1..]);
        let pai = sign_up_subscriber(recorder, number, &email).await;
        recorder.begin_section(&format!("declined as {}", reason.as_str()));
        let (partner, closed) =
            (PartnerId::parse("netflix").expect("is one"), Pai::parse(&pai).expect("is one"));
        let app = recorder.system.acme.app();
        app.store.close_pai(recorder.system.now(), partner, closed, reason).await.expect("works");
        recorder.deliver("what follows").await;
        recorder
            .known_partner("a charge", "/transaction", &charge_body(&pai, &format!("e-{number}"), 1599))
            .await;
    }
}

async fn by_billing(recorder: &mut ResponseRecorder) {
    let number = "+12025550104";
    let line = "+12025550104,active,prepaid,120";
    recorder
        .system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace(line, "+12025550104,active,prepaid,99999"))
        .await;
    let pai = sign_up_subscriber(recorder, number, "poor@example.com").await;
    recorder.begin_section("declined by billing");
    recorder.known_partner("too low a balance", "/transaction", &charge_body(&pai, "i-1", 1599)).await;
    recorder.partner("its state", Method::GET, "/transaction/i-1", &Value::Null).await;
    let raw_codes = [json!("51"), json!("account-closed"), json!("no credit: +12025550104"), Value::Null];
    for (n, raw_code) in raw_codes.iter().enumerate() {
        recorder.system.network.attach_service("127.0.0.1:8793", declining_billing(raw_code));
        recorder.system.reconfigure_acme(|config| config.bss_url = "http://127.0.0.1:8793/csp".to_owned());
        let id = format!("b-{n}");
        recorder
            .partner("billing's own code", Method::POST, "/transaction", &charge_body(&pai, &id, 100))
            .await;
    }
}

/// Billing that declines everything with this code.
fn declining_billing(raw_code: &Value) -> axum::Router {
    let answer = json!({"status": "DECLINED", "rawCode": raw_code});
    axum::Router::new().route(
        "/csp/transaction",
        axum::routing::post(move || {
            let answer = answer.clone();
            async move { (http::StatusCode::CREATED, axum::Json(answer)) }
        }),
    )
}
