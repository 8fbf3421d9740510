//! A coupon's journeys: bought, texted by each gateway that a network of function calls can carry, sent again, void, slipped
//! and guessed at, redeemed, reported, and told of its end. SMPP has connections of its own, and a search of its own there.

use super::{BEN, CLEO, FRESH, GUS, NUMBERS, Search};
use http::{Method, StatusCode};
use onbill_domain::coupon_code::CouponCode;
use onbill_origin::coupon::{HEADER, issue_file};
use onbill_test_harness::{Mishap, World, folder, write_password_file};
use serde_json::{Value, json};

const NOTIFICATION: &str = "127.0.0.1:8790/csp/notification";
const DAY_SECONDS: i64 = 86_400;
/// A code that is right in its form, and nobody's.
const GUESS: &str = "AC00-0G40-R4ZB-XZSZ-FYRJ";

/// Goes all of the ways, and gives every code that there was on them.
pub(super) async fn coupons(world: &mut World) -> Vec<String> {
    let mut codes = vec![GUESS.to_owned()];
    let first = sold(world, "k-1", GUS, "en").await;
    let (status, coupon) = world.acme_calls("/coupons/k-1", &Value::Null).await;
    assert_eq!((status, &coupon["state"]), (StatusCode::OK, &json!("SENT")));
    let (status, answer) = world.acme_calls("/coupons/k-1/resend", &json!({})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let second = newest_code(world, GUS).await;
    assert_ne!(first, second);
    let void = sold(world, "k-2", BEN, "es").await;
    assert_eq!(world.acme_calls("/coupons/k-2/void", &json!({})).await.0, StatusCode::OK);

    // Neither what is no code any more, nor a slip, nor a guess, nor somebody else's PAI.
    let slip = second.replace(&second[5..6], if &second[5..6] == "0" { "1" } else { "0" });
    for (n, typed) in [&first, &void, &slip, GUESS].into_iter().enumerate() {
        let (status, answer) = redeem(world, typed, &format!("k-no-{n}")).await;
        assert!(status.is_client_error(), "{answer}");
    }
    let (status, answer) = redeem(world, &second.to_lowercase().replace('-', " "), "k-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(redeem(world, &second, "k-again").await.0, StatusCode::CONFLICT);
    codes.extend([first, second, void, slip]);

    by_kannel(world, &mut codes).await;
    by_file(world).await;
    ends(world, &mut codes).await;
    codes
}

/// The same by a gateway that reports, and is out of order at first.
async fn by_kannel(world: &mut World, codes: &mut Vec<String>) {
    let password = write_password_file(&folder(), "hunter2!");
    let settings = json!({"by": "kannel", "url": "http://127.0.0.1:8790/cgi-bin/sendsms", "username": "onbill",
                          "password_file": password, "sender": "Acme", "receipts_url": "http://127.0.0.1:8788"});
    let before = world.acme.config.sms.clone();
    world.reconfigure_acme(|config| config.sms = serde_json::from_value(settings).expect("are settings"));
    world.network.disturb_next("127.0.0.1:8790/cgi-bin/sendsms", Mishap::Garbled, 1);
    issue(world, "k-3", CLEO, "ar").await;
    world.acme.deliver().await;
    world.pass_seconds(100);
    let code = newest_code(world, CLEO).await;
    while world.acme_calls("/coupons/k-3", &Value::Null).await.1["state"] != "DELIVERED" {
        tokio::task::yield_now().await;
    }
    assert_eq!(redeem(world, &code, "k-3").await.0, StatusCode::OK);
    world.enter(&world.acme, CLEO).await;
    world.acme.deliver().await;
    world.reconfigure_acme(|config| config.sms = before);
    std::fs::remove_file(password).expect("is there");
    codes.push(code);
}

/// Read in from a file, of which some lines are good for nothing.
async fn by_file(world: &World) {
    let mut complaints = Vec::new();
    let file = format!(
        "{}\nk-4,{FRESH},6M,8999,USD,,\nk-5,{BEN}x,6M,8999,USD,,\nk-6,{CLEO},99M,8999,USD,,\nk-4,{CLEO},6M,8999,USD,,\n{CLEO}\n",
        HEADER.join(",")
    );
    let report = issue_file(
        &world.acme.app().coupons,
        file.as_bytes(),
        |complaint| complaints.push(complaint),
        |_| {},
    )
    .await;
    let report = report.expect("reads");
    assert_eq!((report.issued, report.refused), (1, 4), "{complaints:?}");
    Search::new(&NUMBERS).assert_absent("a complaint", complaints.join("\n").as_bytes());
}

/// What was read in is sent when the gateway is back; months end, and one more message is on its way for ever.
async fn ends(world: &World, codes: &mut Vec<String>) {
    world.network.disturb(NOTIFICATION, Mishap::Lost);
    world.acme.deliver().await;
    world.network.mend();
    world.pass_seconds(4_000);
    codes.push(newest_code(world, FRESH).await);
    world.pass_seconds(170 * DAY_SECONDS);
    assert!(world.acme.app().coupons.remind_all().await.expect("works") > 0);
    world.acme.deliver().await;
    world.network.disturb(NOTIFICATION, Mishap::Lost);
    issue(world, "k-7", CLEO, "en").await;
    world.acme.deliver().await;
    world.network.mend();
}

async fn issue(world: &World, id: &str, number: &str, locale: &str) {
    let coupon = json!({"extCouponID": id, "msisdn": number, "plan": "6M", "locale": locale,
                        "amount": {"value": 8999, "currency": "USD"}});
    let (status, answer) = world.acme_calls("/coupons", &coupon).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

async fn sold(world: &World, id: &str, number: &str, locale: &str) -> String {
    issue(world, id, number, locale).await;
    newest_code(world, number).await
}

async fn newest_code(world: &World, number: &str) -> String {
    // Messages are told apart by their time.
    world.pass_seconds(1);
    let texts = world.messages(&world.acme, number).await;
    let words = texts.last().expect("a message came").split_whitespace();
    let mut words = words.map(|word| word.trim_matches(['.', ',', ':', ';']));
    let code = words.find(|word| word.len() == 24 && CouponCode::parse(word).is_some());
    code.expect("has a code").to_owned()
}

async fn redeem(world: &World, code: &str, reference: &str) -> (StatusCode, Value) {
    let body = json!({"code": code, "extReference": reference});
    world.ott(Method::POST, "/ott/v1/coupon/redeem", body).await
}
