//! A coupon's journeys: bought, sent by each SMS gateway that a network of function calls can
//! carry, sent again, voided, mistyped and guessed at, redeemed, reported, and ended with a
//! reminder. SMPP has connections of its own, and a search of its own there.

use super::{BEN, CLEO, FRESH, GUS, NUMBERS, Search};
use http::{Method, StatusCode};
use onbill_domain::coupon_code::CouponCode;
use onbill_origin::coupon::{HEADER, issue_file};
use onbill_test_harness::{NetworkFault, TestSystem, db_folder, write_password_file};
use serde_json::{Value, json};

const NOTIFICATION: &str = "127.0.0.1:8790/csp/notification";
const DAY_SECONDS: i64 = 86_400;
/// A well-formed code that was never issued.
const GUESS: &str = "AC00-0G40-R4ZB-XZSZ-FYRJ";

/// Goes through all journeys, and returns every code that appeared on them.
pub(super) async fn run_coupon_journeys(system: &mut TestSystem) -> Vec<String> {
    let mut codes = vec![GUESS.to_owned()];
    let first = issue_and_read_code(system, "k-1", GUS, "en").await;
    let (status, coupon) = system.call_acme_origin("/coupons/k-1", &Value::Null).await;
    assert_eq!((status, &coupon["state"]), (StatusCode::OK, &json!("SENT")));
    let (status, answer) = system.call_acme_origin("/coupons/k-1/resend", &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let second = newest_code(system, GUS).await;
    assert_ne!(first, second);
    let void = issue_and_read_code(system, "k-2", BEN, "es").await;
    assert_eq!(system.call_acme_origin("/coupons/k-2/void", &json!({})).await.0, StatusCode::OK);

    // Neither a void code, nor a mistyped one, nor a guess, nor another subscriber's PAI.
    let slip = second.replace(&second[5..6], if &second[5..6] == "0" { "1" } else { "0" });
    for (n, typed) in [&first, &void, &slip, GUESS].into_iter().enumerate() {
        let (status, answer) = redeem_code(system, typed, &format!("k-no-{n}")).await;
        assert!(status.is_client_error(), "{answer}");
    }
    let (status, answer) = redeem_code(system, &second.to_lowercase().replace('-', " "), "k-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(redeem_code(system, &second, "k-again").await.0, StatusCode::CONFLICT);
    codes.extend([first, second, void, slip]);

    by_kannel(system, &mut codes).await;
    by_file(system).await;
    run_coupon_ends(system, &mut codes).await;
    codes
}

/// By a gateway that sends delivery reports, and is out of order at first.
async fn by_kannel(system: &mut TestSystem, codes: &mut Vec<String>) {
    let password = write_password_file(&db_folder(), "hunter2!");
    let settings = json!({"by": "kannel", "url": "http://127.0.0.1:8790/cgi-bin/sendsms", "username": "onbill",
                          "password_file": password, "sender": "Acme", "receipts_url": "http://127.0.0.1:8788"});
    let before = system.acme.config.sms.clone();
    system.reconfigure_acme(|config| config.sms = serde_json::from_value(settings).expect("are settings"));
    system.network.inject_fault_for("127.0.0.1:8790/cgi-bin/sendsms", NetworkFault::Garbled, 1);
    issue_coupon(system, "k-3", CLEO, "ar").await;
    system.acme.deliver_due().await;
    system.advance_seconds(100);
    let code = newest_code(system, CLEO).await;
    while system.call_acme_origin("/coupons/k-3", &Value::Null).await.1["state"] != "DELIVERED" {
        tokio::task::yield_now().await;
    }
    assert_eq!(redeem_code(system, &code, "k-3").await.0, StatusCode::OK);
    system.enter_number(&system.acme, CLEO).await;
    system.acme.deliver_due().await;
    system.reconfigure_acme(|config| config.sms = before);
    std::fs::remove_file(password).expect("is there");
    codes.push(code);
}

/// Imported from a file, some lines of which are invalid.
async fn by_file(system: &TestSystem) {
    let mut complaints = Vec::new();
    let file = format!(
        "{}\nk-4,{FRESH},6M,8999,USD,,\nk-5,{BEN}x,6M,8999,USD,,\nk-6,{CLEO},99M,8999,USD,,\nk-6,{CLEO},6M,8999,USD,,\n{CLEO}\n",
        HEADER.join(",")
    );
    let report = issue_file(
        &system.acme.app().coupons,
        file.as_bytes(),
        |problem| complaints.push(problem.text),
        |_| {},
    )
    .await;
    let report = report.expect("reads");
    assert_eq!((report.issued, report.refused), (1, 4), "{complaints:?}");
    Search::for_numbers(&NUMBERS).assert_absent("a complaint", complaints.join("\n").as_bytes());
}

/// What was imported is sent when the gateway is back; months end, and one more SMS stays in the
/// queue permanently.
async fn run_coupon_ends(system: &TestSystem, codes: &mut Vec<String>) {
    system.network.inject_fault(NOTIFICATION, NetworkFault::Lost);
    system.acme.deliver_due().await;
    system.network.clear_faults();
    system.advance_seconds(4_000);
    codes.push(newest_code(system, FRESH).await);
    system.advance_seconds(170 * DAY_SECONDS);
    assert!(system.acme.app().coupons.remind_all().await.expect("works") > 0);
    system.acme.deliver_due().await;
    system.network.inject_fault(NOTIFICATION, NetworkFault::Lost);
    issue_coupon(system, "k-7", CLEO, "en").await;
    system.acme.deliver_due().await;
    system.network.clear_faults();
}

async fn issue_coupon(system: &TestSystem, id: &str, number: &str, locale: &str) {
    let coupon = json!({"extCouponID": id, "msisdn": number, "plan": "6M", "locale": locale,
                        "amount": {"value": 8999, "currency": "USD"}});
    let (status, answer) = system.call_acme_origin("/coupons", &coupon).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

async fn issue_and_read_code(system: &TestSystem, id: &str, number: &str, locale: &str) -> String {
    issue_coupon(system, id, number, locale).await;
    newest_code(system, number).await
}

async fn newest_code(system: &TestSystem, number: &str) -> String {
    // Messages are distinguished by their time.
    system.advance_seconds(1);
    let texts = system.sms_received(&system.acme, number).await;
    let words = texts.last().expect("a message came").split_whitespace();
    let mut words = words.map(|word| word.trim_matches(['.', ',', ':', ';']));
    let code = words.find(|word| word.len() == 24 && CouponCode::parse(word).is_some());
    code.expect("has a code").to_owned()
}

async fn redeem_code(system: &TestSystem, code: &str, reference: &str) -> (StatusCode, Value) {
    let body = json!({"code": code, "extReference": reference});
    system.call_ott(Method::POST, "/ott/v1/coupon/redeem", body).await
}
