//! What customers have agreed to, as the operator shows it to a regulator or a court.

use super::changes::{change, new_price, system_with_subscription};
use super::{DAY, GOOD, charge, start_system};
use http::StatusCode;
use onbill_domain::wire::mandate::{MandateLine, first_previous, hash_of_text};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::AccountChoice;
use serde_json::{Value, json};

/// All lines of the days from 2026-11-18 on, page by page; and the end.
async fn read_all(system: &TestSystem) -> (Vec<Value>, Value) {
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("/mandates?from=2026-11-18&to=2027-12-31{cursor}");
        let (status, page) = system.call_acme_origin(&query, &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        assert!(page.to_string().len() < 16 * 1024);
        lines.extend(page["mandates"].as_array().expect("has lines").clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (lines, page["end"].clone()),
        }
    }
}

fn assert_chained(lines: &[Value], end: &Value) {
    let mut previous = first_previous();
    for line in lines {
        let line: MandateLine = serde_json::from_value(line.clone()).expect("is a line");
        let text = serde_json::to_string(&line).expect("is JSON");
        assert_eq!((&line.previous, Some(&line.hash)), (&previous, hash_of_text(&text).as_ref()), "{text}");
        previous = line.hash;
    }
    assert_eq!(*end, json!({"lines": lines.len(), "hash": previous}));
}

#[tokio::test]
async fn evidence_says_what_was_agreed_and_how() {
    let (system, pai, path) = system_with_subscription().await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "APPROVED");
    system.advance_seconds(DAY);
    assert_eq!(change(&system, &path, json!({"status": "CANCELLED"})).await.0, 200);
    let (lines, end) = read_all(&system).await;
    assert_chained(&lines, &end);
    let [visit, subscribed, changed] = &lines[..] else { panic!("{lines:?}") };
    let now = system.now();
    let agreed_at = json!(now.plus_seconds(-DAY).to_string());
    for line in [visit, subscribed] {
        assert_eq!(line["price"], json!({"value": 1599, "currency": "USD"}));
        assert_eq!(
            (&line["proof"], &line["locale"], &line["pai"]),
            (&json!("pin"), &json!("en"), &json!(pai))
        );
        assert!(line["wordsSHA256"].as_str().is_some_and(|hash| hash.len() == 64), "{line}");
        assert!(line["proofReference"].is_string() && line["acceptedAt"] == agreed_at, "{line}");
    }
    assert_eq!(visit.get("partnerSubscriptionID"), None);
    assert_eq!(subscribed["supersedes"], visit["mandateID"]);
    assert_eq!(subscribed["inForceFrom"], "2026-11-18");
    assert_eq!(changed["supersedes"], subscribed["mandateID"]);
    assert_eq!((&changed["changeID"], &changed["inForceFrom"]), (&json!("ch-1"), &json!("2027-01-01")));
    assert_eq!((changed.get("wordsSHA256"), &changed["price"]["value"]), (None, &json!(1799)));
    assert_eq!((subscribed.get("endedAt"), subscribed.get("endedBy")), (Some(&json!(now.to_string())), None));
    // There is no number in it.
    assert!(!lines.iter().any(|line| line.to_string().contains("2025550101")));
}

#[tokio::test]
async fn pages_of_evidence_are_one_chain() {
    let system = start_system().await;
    for (n, number) in [GOOD, "+12025550102", "+12025550107"].into_iter().enumerate() {
        for round in 0..3 {
            let flow = system.prove_number(&system.acme, number).await;
            let page = system.open_signup(&system.acme, &flow).await;
            if round == 2 {
                let email = format!("user-{n}@example.com");
                system.choose_account(&page, AccountChoice::New(&email)).await;
            }
            system.advance_seconds(3_700);
        }
    }
    let (lines, end) = read_all(&system).await;
    assert_eq!(lines.len(), 12);
    assert_chained(&lines, &end);
    for query in [
        "",
        "?from=2026-11-18",
        "?from=2026-11-19&to=2026-11-18",
        "?from=2026-11-18&to=2026-11-18&cursor=x",
        "?from=2026-11-18&to=2026-11-18&cursor=MQ",
    ] {
        let (status, answer) = system.call_acme_origin(&format!("/mandates{query}"), &Value::Null).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::BAD_REQUEST, &json!("invalid-request")),
            "{query}"
        );
    }
}
