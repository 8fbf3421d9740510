//! `GET /operator/v1/summary`: from charges, refunds and visits to the counts of the day, which outlive
//! the flows.

use http::{Method, StatusCode};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::charge_body;
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const SUSPENDED: &str = "+12025550105";
const TODAY: &str = "/summary?from=2026-11-18&to=2026-11-18";

async fn read(system: &TestSystem, path: &str) -> (StatusCode, Value) {
    system.call_acme_origin(path, &Value::Null).await
}

/// The counts as the sweep writes them.
async fn sweep(system: &TestSystem) {
    let app = system.acme.app();
    app.sweep().await.expect("works");
    app.daily_counts().count_due_days().await.expect("works");
}

/// The number of customers, by channel and step.
fn steps(summary: &Value) -> Vec<(String, String, i64)> {
    let word = |line: &Value, member: &str| line[member].as_str().unwrap_or_default().to_owned();
    let lines = summary["visits"].as_array().expect("is a list").iter();
    let mut steps: Vec<_> = lines
        .map(|line| (word(line, "channel"), word(line, "step"), line["count"].as_i64().expect("is a number")))
        .collect();
    steps.sort();
    steps
}

#[tokio::test]
async fn charges_and_refunds_are_in_the_summary_of_their_day() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for id in ["c-1", "c-2"] {
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, id, 1599)).await;
    }
    let refund =
        json!({"extRefundID": "r-1", "reason": "Cancelled", "amount": {"value": 600, "currency": "USD"}});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    let (status, before) = read(&system, TODAY).await;
    assert_eq!((status, &before["days"], &before["charges"]), (StatusCode::OK, &json!([]), &json!([])));

    sweep(&system).await;
    let (_, summary) = read(&system, TODAY).await;
    assert_eq!(summary["days"][0]["countedAt"], system.now().to_string());
    let line = |outcome: &str, count: i64, sum: i64| {
        json!({"day": "2026-11-18", "partner": "netflix", "outcome": outcome, "count": count,
               "amount": {"value": sum, "currency": "USD"}})
    };
    let mut charges = summary["charges"].clone();
    for charge in charges.as_array_mut().expect("is a list") {
        charge.as_object_mut().expect("is an object").remove("chargeCode");
    }
    assert_eq!(charges, json!([line("approved", 2, 3198), line("refunded", 1, 600)]));

    // Another charge of the day is there after the next sweep.
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-3", 1599)).await;
    system.advance_seconds(300);
    sweep(&system).await;
    assert_eq!(read(&system, TODAY).await.1["charges"][0]["count"], 3);
}

#[tokio::test]
async fn visits_are_counted_before_and_after_their_flows_are_deleted() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let (_, refused) = system.enter_session_number(&system.acme, SUSPENDED).await;
    assert!(refused["code"].is_string(), "{refused}");
    sweep(&system).await;
    let widget = |step: &str, count| ("widget".to_owned(), step.to_owned(), count);
    let (_, summary) = read(&system, TODAY).await;
    let today = steps(&summary);
    for expected in
        [widget("validated", 1), widget("pin-right", 1), widget("sign-up-begun", 1), widget("refused", 1)]
    {
        assert!(today.contains(&expected), "{expected:?}: {summary}");
    }
    assert!(summary["visits"].to_string().contains(refused["code"].as_str().expect("is text")), "{summary}");
    system.advance_seconds(2 * 86_400);
    sweep(&system).await;
    assert_eq!(system.acme.db.count_rows("flows").await, 0);
    assert_eq!(steps(&read(&system, TODAY).await.1), today);
    let text = summary.to_string();
    assert!(!text.contains("2025550101") && !text.contains("2025550105"), "no number: {text}");
}

#[tokio::test]
async fn days_that_cannot_be_shown_are_refused() {
    let system = TestSystem::start();
    for query in [
        "",
        "?from=2026-11-18",
        "?from=2026-11-18&to=2026-11-17",
        "?from=2025-10-14&to=2026-11-18",
        "?from=2026-11-31&to=2026-12-01",
        "?from=2026-11-18&to=%27",
    ] {
        let (status, refusal) = read(&system, &format!("/summary{query}")).await;
        assert_eq!(
            (status, &refusal["code"]),
            (StatusCode::BAD_REQUEST, &json!("invalid-request")),
            "{query}"
        );
    }
    assert_eq!(read(&system, "/summary?from=2025-10-15&to=2026-11-18").await.0, StatusCode::OK, "400 days");
}
