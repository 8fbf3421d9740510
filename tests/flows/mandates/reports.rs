//! Reports of subscriptions: when they hold from, and at which price.

use super::changes::{change, system_with_subscription};
use super::{GOOD, SUBSCRIPTION, advance_to, charge_days, read_number, start_system};
use http::{Method, StatusCode};
use serde_json::json;

/// Of Acme's one offer, for 15.99.
const CEILING: i64 = 1999;

/// The customer has agreed on the last day of the year, and the report arrives on the first of the
/// next.
#[tokio::test]
async fn late_report_covers_the_month_of_the_agreement() {
    let system = start_system().await;
    let pai = read_number(&system, GOOD).await;
    advance_to(&system, "2026-12-31T20:00:00Z");
    let agreed_at = system.now().to_string();
    advance_to(&system, "2027-01-01T01:00:00Z");
    let report = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "standard",
        "price": {"value": 1599, "currency": "USD"}, "consentAt": agreed_at});
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, report).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let before = charge_days(&system, &pai, "early", "2026-12-01", "2026-12-30").await;
    assert_eq!(before, "mandate none");
    assert_eq!(charge_days(&system, &pai, "dec", "2026-12-01", "2026-12-31").await, "APPROVED");
    assert_eq!(charge_days(&system, &pai, "jan", "2027-01-01", "2027-01-31").await, "APPROVED");
}

/// A plan that Acme does not sell is no way around the ceiling.
#[tokio::test]
async fn unknown_plan_is_reported_below_the_ceiling() {
    let mut system = start_system().await;
    system.set_acme_price_ceiling(CEILING);
    let pai = read_number(&system, GOOD).await;
    let report = |value: i64| {
        json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "ultra",
            "price": {"value": value, "currency": "USD"}, "consentAt": system.now().to_string()})
    };
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, report(2000)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")));
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(message.contains("ceiling of 19.99 USD"), "{message}");
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, report(1999)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

/// Without a ceiling, the partner's word is believed up to twice what Acme sells at: a slip of the decimal point is no
/// price. That holds for a plan that Acme does not sell, too.
#[tokio::test]
async fn price_of_the_app_has_a_limit() {
    let system = start_system().await;
    let pai = read_number(&system, GOOD).await;
    for plan in ["standard", "ultra"] {
        for consent_at in [None, Some(system.now().to_string())] {
            let mut report = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": plan,
                "price": {"value": 3199, "currency": "USD"}});
            if let Some(at) = consent_at {
                report["consentAt"] = json!(at);
            }
            let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, report).await;
            assert_eq!(
                (status, &answer["code"]),
                (StatusCode::BAD_REQUEST, &json!("invalid-request")),
                "{plan}"
            );
            let message = answer["message"].as_str().unwrap_or_default();
            assert!(message.contains("the operator must set a ceiling"), "{message}");
        }
    }
    let dearest = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT", "plan": "ultra",
        "price": {"value": 3198, "currency": "USD"}});
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, dearest).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

#[tokio::test]
async fn unknown_plan_is_changed_to_below_the_ceiling() {
    let (mut system, _, path) = system_with_subscription().await;
    system.set_acme_price_ceiling(CEILING);
    let rise = |value: i64| {
        json!({"changeID": "ch-1", "plan": "ultra", "price": {"value": value, "currency": "USD"},
            "effectiveFrom": "2027-01-01"})
    };
    let (status, said) = change(&system, &path, rise(2000)).await;
    assert!(status == 400 && said.contains("ceiling of 19.99 USD"), "{status} {said}");
    assert_eq!(change(&system, &path, rise(1999)).await, (200, "ACTIVE".to_owned()));
}
