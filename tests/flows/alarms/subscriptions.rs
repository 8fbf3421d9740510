//! Alarms about charges and subscriptions that do not fit together.

use super::shown::Shown;
use http::{Method, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::config::{ChargeNeeds, RepeatedPeriod};
use onbill_origin::instruments::Alarm;
use onbill_origin::store::ClosePaiResult;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const TRANSACTION: &str = "/ott/v1/transaction";
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, TRANSACTION, charge_body(pai, id, 1599)).await.1["status"].clone()
}

/// A round after the hour in which a subscription may still be reported.
fn pass_an_hour(shown: &Shown) {
    shown.system.advance_seconds(HOUR + 60);
}

pub(super) async fn charge_after_the_end() -> Shown {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.reconfigure_acme(|config| {
        config.partners[0].charge_needs = ChargeNeeds::Pai;
        config.partners[0].repeated_period = RepeatedPeriod::Alarm;
    });
    let mut shown = Shown::begin(Alarm::ChargeUnsubscribed, system);
    let asked = json!({"msisdn": GOOD, "operator": "acme"});
    let (status, answer) = shown.system.call_ott(Method::POST, "/ott/v1/account/validate", asked).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let pai = answer["pai"].as_str().expect("is text").to_owned();
    shown.expect_quiet().await;
    assert_eq!(post_charge(&shown.system, &pai, "c-1").await, "APPROVED");
    shown.expect_quiet().await;
    let body = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "standard",
                      "price": {"value": 1599, "currency": "USD"}, "consentAt": shown.system.now().to_string()});
    let (status, answer) = shown.system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    pass_an_hour(&shown);
    shown.expect_quiet().await;
    let path =
        format!("/ott/v1/partnerSubscription/{}", answer["partnerSubscriptionID"].as_str().expect("is text"));
    let (status, answer) = shown.system.call_ott(Method::PUT, &path, json!({"status": "CANCELLED"})).await;
    assert!(status.is_success(), "{answer}");
    shown.system.advance_seconds(2 * DAY);
    shown.expect_quiet().await;
    assert_eq!(post_charge(&shown.system, &pai, "c-2").await, "APPROVED");
    pass_an_hour(&shown);
    shown.expect_raised("netflix").await;
    shown.close().await;
    shown
}

pub(super) async fn charges_of_a_closed_pai() -> Shown {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let mut shown = Shown::begin(Alarm::ClosedPaiCharged, system);
    let netflix = PartnerId::parse("netflix").expect("is a slug");
    let app = shown.app();
    let closed = app
        .store
        .close_pai(app.now(), netflix, Pai::parse(&pai).expect("is a PAI"), DeclineReason::PaiRevokedByUser)
        .await;
    assert_eq!(closed, Ok(ClosePaiResult::Closed));
    assert_eq!(post_charge(&shown.system, &pai, "c-1").await, "DECLINED");
    shown.system.advance_seconds(2 * DAY);
    assert_eq!(post_charge(&shown.system, &pai, "c-2").await, "DECLINED");
    pass_an_hour(&shown);
    // It is the first round: what was charged before a start is looked at too.
    shown.expect_raised("netflix").await;
    shown.close().await;
    shown
}

pub(super) async fn forgotten_subscription() -> Shown {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let mut shown = Shown::begin(Alarm::SubscriptionUncharged, system);
    shown.system.reconfigure_acme(|config| config.partners[0].repeated_period = RepeatedPeriod::Alarm);
    assert_eq!(post_charge(&shown.system, &pai, "c-0").await, "APPROVED");
    shown.expect_quiet().await;
    shown.system.advance_seconds(44 * DAY);
    shown.expect_quiet().await;
    shown.system.advance_seconds(2 * DAY);
    // The second round ends the look at all of them.
    for _ in 0..2 {
        shown.expect_raised("netflix").await;
        shown.system.advance_seconds(60);
    }
    assert_eq!(post_charge(&shown.system, &pai, "c-2").await, "APPROVED");
    for _ in 0..4 {
        shown.make_round().await;
        shown.system.advance_seconds(60);
    }
    shown.expect_over().await;
    shown
}
