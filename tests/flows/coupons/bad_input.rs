//! Invalid coupons, and ones that are no longer valid: the contract's responses, nothing applied,
//! and the attempts on record.

use super::{
    GOOD, REDEEM, call_as_operator, coupon_body, find_coupon, issue_and_read_code, issue_coupon, read_code,
    redeem_code, redemption_body, start_system, status_and_code,
};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_origin::store::{NewRedemption, RedeemResult};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, TestSystem, verified_nonce};
use serde_json::{Value, json};
use std::ops::Range;
use tracing::Level;

fn wrong_code(n: u64) -> String {
    let mut random = [0x5a; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), random).grouped()
}

#[tokio::test]
async fn request_that_is_no_coupon_makes_none() {
    let system = start_system().await;
    let with = |member: &str, value: Value| {
        let mut coupon = coupon_body("c-1", GOOD);
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
        assert_eq!(status_and_code(&issue_coupon(&system, &bad).await), refusal, "{bad}");
    }
    for (status, refusal) in
        [("suspended", (400, "suspended-non-payment")), ("ceased", (404, "account-not-found"))]
    {
        let accounts = ACME_ACCOUNTS.replace("+12025550101,active", &format!("+12025550101,{status}"));
        system.acme.import_accounts(&accounts).await;
        assert_eq!(status_and_code(&issue_coupon(&system, &coupon_body("c-1", GOOD)).await), refusal);
    }
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    assert!(system.sms_received(&system.acme, GOOD).await.is_empty());
    for (method, path) in [
        (Method::GET, "/c-1"),
        (Method::POST, "/c-1/resend"),
        (Method::POST, "/c-1/void"),
        (Method::GET, "/a%20b"),
    ] {
        let body = if method == Method::GET { Value::Null } else { json!({}) };
        assert_eq!(
            status_and_code(&call_as_operator(&system, method, path, &body).await),
            (404, "not-found")
        );
    }
    // Without the operator's signature, every request is refused.
    let unsigned = Request::post(format!("http://{}/operator/v1/coupons", system.acme.origin_address))
        .header("content-type", "application/json")
        .body(coupon_body("c-1", GOOD).to_string().into());
    assert_eq!(
        status_and_code(&system.send_request(unsigned.expect("is a request")).await),
        (401, "authorization-failure")
    );
    // An id makes one coupon.
    assert_eq!(issue_coupon(&system, &coupon_body("c-1", GOOD)).await.0, StatusCode::CREATED);
    assert_eq!(issue_coupon(&system, &coupon_body("c-1", GOOD)).await.0, StatusCode::OK);
    for other in
        [with("plan", json!("12M")), with("msisdn", json!("+12025550102")), with("locale", json!("es"))]
    {
        assert_eq!(
            status_and_code(&issue_coupon(&system, &other).await),
            (422, "idempotency-violation"),
            "{other}"
        );
    }
    // Even if the buyer's account has changed since.
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,ceased")).await;
    assert_eq!(issue_coupon(&system, &coupon_body("c-1", GOOD)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn unknown_codes_are_refused_alike() {
    let system = start_system().await;
    let right = issue_and_read_code(&system, "c-1", GOOD).await;
    let slip = right.replacen(right.chars().last().expect("is there"), "", 1);
    assert_eq!(status_and_code(&redeem_code(&system, &slip, "r-1").await), (400, "invalid-request"));

    let void = issue_and_read_code(&system, "c-2", GOOD).await;
    let answer = call_as_operator(&system, Method::POST, "/c-2/void", &json!({})).await;
    assert_eq!((answer.0, &answer.1["state"]), (StatusCode::OK, &json!("VOIDED")));
    let renewed = issue_and_read_code(&system, "c-3", GOOD).await;
    let answer = call_as_operator(&system, Method::POST, "/c-3/resend", &json!({})).await;
    assert_eq!((answer.0, &answer.1["state"]), (StatusCode::OK, &json!("ISSUED")));
    let newer = read_code(&system, &system.acme, GOOD).await;
    assert_ne!(newer, renewed);
    let foreign = CouponCode::from_random(CouponTag::parse("NV").expect("are symbols"), [1; 10]).grouped();
    let nobodys = CouponCode::from_random(CouponTag::parse("ZZ").expect("are symbols"), [1; 10]).grouped();
    let mut answers = Vec::new();
    for wrong in [wrong_code(1), void, renewed, foreign, nobodys] {
        answers.push(redeem_code(&system, &wrong, "r-1").await);
    }
    assert_eq!(status_and_code(&answers[0]), (400, "token-invalid"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // Another partner's customers cannot use it.
    assert_eq!(redeem_code(&system, &newer, "r-1").await.0, StatusCode::OK);
    assert_eq!(status_and_code(&redeem_code(&system, &right, "r-1").await), (422, "idempotency-violation"));
    let void = call_as_operator(&system, Method::POST, "/c-3/void", &json!({})).await;
    assert_eq!(status_and_code(&void), (409, "token-already-used"));

    // A gift for an unknown PAI.
    let mut gift = redemption_body(&right, "r-2");
    gift["pai"] = json!("01010101-0101-4101-8101-010101010101");
    assert_eq!(status_and_code(&system.call_ott(Method::POST, REDEEM, gift).await), (404, "pai-not-found"));
    // The coupon has expired.
    system.advance_seconds(365 * 86_400);
    assert_eq!(status_and_code(&redeem_code(&system, &right, "r-3").await), (400, "token-expired"));
    assert_eq!(find_coupon(&system, "c-1").await["state"], "EXPIRED");
    let resent = call_as_operator(&system, Method::POST, "/c-1/resend", &json!({})).await;
    assert_eq!(status_and_code(&resent), (400, "token-expired"));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    let unsigned = TestSystem::unsigned_request(&Method::POST, REDEEM, &redemption_body(&right, "r-4"));
    assert!(unsigned.uri().to_string().contains(EDGE));
    assert_eq!(status_and_code(&system.send_request(unsigned).await), (401, "authorization-failure"));
}

/// Guesses that come through the edge, and the response to each.
async fn guess_at_the_edge(system: &TestSystem, guesses: Range<u64>) -> Vec<Response<Bytes>> {
    let calls = guesses.map(|n| {
        let request = system.sign_as_partner(
            &Method::POST,
            REDEEM,
            &redemption_body(&wrong_code(n), &format!("r-{n}")),
        );
        system.network.send_call(request)
    });
    join_all(calls).await.into_iter().map(|answer| answer.expect("answers")).collect()
}

/// The guesses, put straight to the store without three signatures each. Returns the count of wrong
/// codes in each reply.
async fn guess_in_the_store(system: &TestSystem, guesses: Range<u64>) -> Vec<u32> {
    let (app, now) = (system.acme.app(), system.now());
    let tries = guesses.map(|n| {
        let nonce = verified_nonce(&system.next_nonce(), now);
        let code = CouponCode::parse(&wrong_code(n)).expect("is one");
        let new = NewRedemption {
            charge_id: std::sync::Arc::new(|_, _| unreachable!("no code is right")),
            codes: std::sync::Arc::default(),
            partner: PartnerId::parse("netflix").expect("is a slug"),
            ext_reference: ExtId::parse(&format!("r-{n}")).expect("is an identifier"),
            code: app.vault.coupon_hash(&code),
            pai: None,
            responding_until: now,
        };
        app.store.redeem_coupon(nonce, now, new)
    });
    let wrong_counts = join_all(tries).await.into_iter().map(|redeeming| match redeeming {
        Ok(RedeemResult::Unknown { wrong }) => wrong,
        other => panic!("{other:?}"),
    });
    wrong_counts.collect()
}

/// The first guesses, those around the limit and the last ones go through the whole system. The
/// many between them are alike to the store.
#[tokio::test]
async fn guesses_find_nothing_and_lock_no_customer_out() {
    const GUESSES: u32 = 10_000;
    let (log, _capturing) = LogCapture::capture_thread(Level::ERROR);
    let system = start_system().await;
    let right = issue_and_read_code(&system, "c-1", GOOD).await;
    let statuses = |answers: &[Response<Bytes>]| {
        let of = |status: u16| answers.iter().filter(|answer| answer.status().as_u16() == status).count();
        (of(400), of(429))
    };
    let first = guess_at_the_edge(&system, 0..100).await;
    assert_eq!(statuses(&first), (100, 0));
    assert!(first.iter().all(|answer| answer.body() == first[0].body()), "all get the same response");
    guess_in_the_store(&system, 100..950).await;
    assert_eq!(log.count("coupon-guesses"), 0);
    let about = guess_at_the_edge(&system, 950..1_050).await;
    assert_eq!((statuses(&about), log.count("coupon-guesses")), ((50, 50), 1), "a thousand, and one alarm");
    for begin in (1_050..9_950).step_by(100) {
        guess_in_the_store(&system, begin..begin + 100).await;
    }
    let last = guess_at_the_edge(&system, 9_950..10_000).await;
    assert_eq!((statuses(&last), log.count("coupon-guesses")), ((0, 50), 1));
    assert!(last.iter().all(|answer| answer.headers()["retry-after"] == "3199"), "until the hour is over");
    assert!(last.iter().all(|answer| answer.body() == last[0].body()));
    // Each of them is on record.
    assert_eq!(guess_in_the_store(&system, 10_000..10_001).await, [GUESSES + 1]);
    // The customer beside them is served, and nothing else has happened.
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    assert_eq!(redeem_code(&system, &right, "r-1").await.0, StatusCode::OK);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    system.advance_seconds(3_600);
    assert_eq!(status_and_code(&redeem_code(&system, &wrong_code(1), "r-2").await), (400, "token-invalid"));
}
