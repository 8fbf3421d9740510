//! What is no coupon, and what is none any more: the contract's answers, nothing applied, and the tries on record.

use super::{GOOD, REDEEM, bought, code, coupon, issue, operator, redeem, refused, sold, typed, world};
use crate::world::{ACCOUNTS, EDGE};
use futures_util::future::join_all;
use http::{Method, Request, StatusCode};
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use serde_json::{Value, json};

fn guess(n: u64) -> String {
    let mut random = [0x5a; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    CouponCode::of(CouponTag::parse("AC").expect("are symbols"), random).spelled()
}

#[tokio::test]
async fn a_request_that_is_no_coupon_makes_none() {
    let world = world().await;
    let with = |member: &str, value: Value| {
        let mut coupon = bought("c-1", GOOD);
        coupon[member] = value;
        coupon
    };
    let money = |value: Value, currency: &str| json!({"value": value, "currency": currency});
    for (bad, refusal) in [
        (with("plan", json!("24M")), (400, "parameter-not-supported")),
        (with("plan", json!("6m")), (400, "parameter-not-supported")),
        (with("offer", json!("netflix-premium")), (400, "parameter-not-supported")),
        (with("amount", money(json!(8999), "EUR")), (400, "parameter-not-supported")),
        (with("amount", money(json!(8999), "XXX")), (400, "invalid-request")),
        (with("amount", money(json!(0), "USD")), (400, "invalid-request")),
        (with("amount", money(json!(-1), "USD")), (400, "invalid-request")),
        (with("amount", money(json!(100_000_001), "USD")), (400, "invalid-request")),
        (with("amount", money(json!(89.99), "USD")), (400, "invalid-request")),
        (with("msisdn", json!("2025550101")), (400, "invalid-request")),
        (with("msisdn", json!("+34612345601")), (404, "account-not-found")),
        (with("msisdn", json!("+12025550199")), (404, "account-not-found")),
        (with("extCouponID", json!("a b")), (400, "invalid-request")),
        (with("extCouponID", Value::Null), (400, "invalid-request")),
        (with("locale", json!("xx")), (400, "invalid-request")),
    ] {
        assert_eq!(refused(&issue(&world, &bad).await), refusal, "{bad}");
    }
    for (status, refusal) in
        [("suspended", (400, "suspended-non-payment")), ("ceased", (404, "account-not-found"))]
    {
        let accounts = ACCOUNTS.0.replace("+12025550101,active", &format!("+12025550101,{status}"));
        world.acme.import(&accounts).await;
        assert_eq!(refused(&issue(&world, &bought("c-1", GOOD)).await), refusal);
    }
    world.acme.import(ACCOUNTS.0).await;
    assert!(world.messages(&world.acme, GOOD).await.is_empty());
    for (method, path) in [
        (Method::GET, "/c-1"),
        (Method::POST, "/c-1/resend"),
        (Method::POST, "/c-1/void"),
        (Method::GET, "/a%20b"),
    ] {
        let body = if method == Method::GET { Value::Null } else { json!({}) };
        assert_eq!(refused(&operator(&world, method, path, &body).await), (404, "not-found"));
    }
    // Without the operator's signature there is nothing at all.
    let unsigned = Request::post(format!("http://{}/operator/v1/coupons", world.acme.origin))
        .header("content-type", "application/json")
        .body(bought("c-1", GOOD).to_string().into());
    assert_eq!(refused(&world.send(unsigned.expect("is a request")).await), (401, "authorization-failure"));
    // A coupon is made once by its name.
    assert_eq!(issue(&world, &bought("c-1", GOOD)).await.0, StatusCode::CREATED);
    assert_eq!(issue(&world, &bought("c-1", GOOD)).await.0, StatusCode::OK);
    for other in
        [with("plan", json!("12M")), with("msisdn", json!("+12025550102")), with("locale", json!("es"))]
    {
        assert_eq!(refused(&issue(&world, &other).await), (422, "idempotency-violation"), "{other}");
    }
    // Whatever has become of the buyer since.
    world.acme.import(&ACCOUNTS.0.replace("+12025550101,active", "+12025550101,ceased")).await;
    assert_eq!(issue(&world, &bought("c-1", GOOD)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn codes_that_are_nobodys_are_refused_alike_and_those_of_slips_are_not_asked_about() {
    let world = world().await;
    let right = sold(&world, "c-1", GOOD).await;
    let slip = right.replacen(right.chars().last().expect("is there"), "", 1);
    assert_eq!(refused(&redeem(&world, &slip, "r-1").await), (400, "invalid-request"));

    let void = sold(&world, "c-2", GOOD).await;
    let answer = operator(&world, Method::POST, "/c-2/void", &json!({})).await;
    assert_eq!((answer.0, &answer.1["state"]), (StatusCode::OK, &json!("VOIDED")));
    let renewed = sold(&world, "c-3", GOOD).await;
    let answer = operator(&world, Method::POST, "/c-3/resend", &json!({})).await;
    assert_eq!((answer.0, &answer.1["state"]), (StatusCode::OK, &json!("ISSUED")));
    let newer = code(&world, &world.acme, GOOD).await;
    assert_ne!(newer, renewed);
    let foreign = CouponCode::of(CouponTag::parse("NV").expect("are symbols"), [1; 10]).spelled();
    let nobodys = CouponCode::of(CouponTag::parse("ZZ").expect("are symbols"), [1; 10]).spelled();
    let mut answers = Vec::new();
    for wrong in [guess(1), void, renewed, foreign, nobodys] {
        answers.push(redeem(&world, &wrong, "r-1").await);
    }
    assert_eq!(refused(&answers[0]), (400, "token-invalid"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Another partner's customers have no use for it.
    assert_eq!(redeem(&world, &newer, "r-1").await.0, StatusCode::OK);
    assert_eq!(refused(&redeem(&world, &right, "r-1").await), (422, "idempotency-violation"));
    let void = operator(&world, Method::POST, "/c-3/void", &json!({})).await;
    assert_eq!(refused(&void), (409, "token-already-used"));

    // A gift for somebody who is nobody.
    let mut gift = typed(&right, "r-2");
    gift["pai"] = json!("01010101-0101-4101-8101-010101010101");
    assert_eq!(refused(&world.ott(Method::POST, REDEEM, gift).await), (404, "pai-not-found"));
    // Too late.
    world.pass_seconds(365 * 86_400);
    assert_eq!(refused(&redeem(&world, &right, "r-3").await), (400, "token-expired"));
    assert_eq!(coupon(&world, "c-1").await["state"], "EXPIRED");
    let resent = operator(&world, Method::POST, "/c-1/resend", &json!({})).await;
    assert_eq!(refused(&resent), (400, "token-expired"));
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1);
    let unsigned = crate::world::World::unsigned(&Method::POST, REDEEM, &typed(&right, "r-4"));
    assert!(unsigned.uri().to_string().contains(EDGE));
    assert_eq!(refused(&world.send(unsigned).await), (401, "authorization-failure"));
}

#[tokio::test]
async fn ten_thousand_guesses_find_nothing_and_shut_nobody_out() {
    const GUESSES: u64 = 10_000;
    let world = world().await;
    let right = sold(&world, "c-1", GOOD).await;
    let (mut wrong, mut put_off) = (0, 0);
    for begin in (0..GUESSES).step_by(100) {
        let calls = (begin..begin + 100).map(|n| {
            let request = world.signed(&Method::POST, REDEEM, &typed(&guess(n), &format!("r-{n}")));
            world.network.deliver(request)
        });
        for answer in join_all(calls).await {
            let answer = answer.expect("answers");
            match answer.status().as_u16() {
                400 => wrong += 1,
                429 => {
                    put_off += 1;
                    assert_eq!(answer.headers()["retry-after"], "3199", "until the hour is over");
                }
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!((wrong, put_off), (1_000, 9_000));
    // The customer beside them is served.
    assert_eq!(redeem(&world, &right, "r-1").await.0, StatusCode::OK);
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1);
    world.pass_seconds(3_600);
    assert_eq!(refused(&redeem(&world, &guess(1), "r-2").await), (400, "token-invalid"));
}
