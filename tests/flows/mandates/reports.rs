//! Reports of subscriptions: when they hold from, and at which price.

use super::{GOOD, SUBSCRIPTION, advance_to, charge_days, read_number, start_system};
use http::{Method, StatusCode};
use serde_json::json;

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
