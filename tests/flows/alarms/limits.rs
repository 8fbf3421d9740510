//! Alarms about ceilings: each is over when the next hour begins.

use super::shown::Shown;
use crate::console::ceilings::Agent;
use crate::coupons::redeem_code;
use http::{Method, StatusCode};
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use onbill_origin::instruments::Alarm;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::json;

const HOUR: i64 = 3_600;

async fn begin(alarm: Alarm) -> Shown {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    Shown::begin(alarm, system)
}

async fn is_over_in_the_next_hour(mut shown: Shown) -> Shown {
    shown.system.advance_seconds(HOUR);
    shown.expect_over().await;
    shown
}

pub(super) async fn guessed_coupons() -> Shown {
    let mut shown = begin(Alarm::CouponGuesses).await;
    shown.system.reconfigure_acme(|config| {
        config.coupons.as_mut().expect("are sold").wrong_codes_per_hour = 2;
    });
    for n in 0..3_u8 {
        shown.expect_quiet().await;
        let tag = CouponTag::parse("AC").expect("are symbols");
        let code = CouponCode::from_random(tag, [n + 1; 10]).grouped();
        assert!(redeem_code(&shown.system, &code, &format!("r-{n}")).await.0.is_client_error());
    }
    shown.expect_raised("netflix").await;
    is_over_in_the_next_hour(shown).await
}

pub(super) async fn look_ups_of_one_person() -> Shown {
    let mut shown = begin(Alarm::LookUpCeilingReached).await;
    let agent = Agent::sit_down(&mut shown.system, 2).await;
    for number in ["+12025550101", "+12025550102"] {
        assert_eq!(agent.look_up(number).await, 404, "the number has no subscriber");
    }
    shown.expect_quiet().await;
    assert_eq!(agent.look_up("+12025550107").await, 429);
    shown.expect_raised("care").await;
    is_over_in_the_next_hour(shown).await
}

async fn check_number(shown: &Shown, number: &str) -> StatusCode {
    let call = json!({"msisdn": number, "operator": "acme"});
    shown.system.call_ott(Method::POST, "/ott/v1/account/validate", call).await.0
}

pub(super) async fn checks_of_numbers() -> Shown {
    let mut shown = begin(Alarm::NumberChecks).await;
    shown.system.reconfigure_acme(|config| config.partners[0].number_checks_per_hour = 2);
    for number in ["+12025550101", "+12025550102"] {
        assert_eq!(check_number(&shown, number).await, StatusCode::OK);
    }
    shown.expect_quiet().await;
    assert_eq!(check_number(&shown, "+12025550107").await, StatusCode::TOO_MANY_REQUESTS);
    shown.expect_raised("netflix").await;
    is_over_in_the_next_hour(shown).await
}

pub(super) async fn checks_of_unknown_numbers() -> Shown {
    let mut shown = begin(Alarm::UnknownNumbers).await;
    shown.system.reconfigure_acme(|config| config.partners[0].unknown_numbers_per_hour = 1);
    assert_eq!(check_number(&shown, "+12025560001").await, StatusCode::NOT_FOUND);
    shown.expect_quiet().await;
    assert_eq!(check_number(&shown, "+12025560002").await, StatusCode::TOO_MANY_REQUESTS);
    shown.expect_raised("netflix").await;
    is_over_in_the_next_hour(shown).await
}

pub(super) async fn flood_of_pins() -> Shown {
    let mut shown = begin(Alarm::PinCeilingReached).await;
    shown.system.reconfigure_acme(|config| config.pins_per_hour = 4.try_into().expect("is some"));
    for number in ["+12025550101", "+12025550102"] {
        assert_eq!(shown.system.enter_number(&shown.system.acme, number).await.0, StatusCode::OK);
    }
    shown.expect_quiet().await;
    let (status, _) = shown.system.enter_number(&shown.system.acme, "+12025550107").await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    shown.expect_raised("widget").await;
    is_over_in_the_next_hour(shown).await
}
