//! The customer's own page: what the subscriber of a number reads once it is proven.

mod strangers;
mod unlinking;

use crate::account_events::{charge_outcome, report_applied_event};
use crate::coupons::{issue_and_read_code, redeem_code};
use http::{Method, StatusCode};
use onbill_domain::msisdn::Msisdn;
use onbill_test_harness::customer::{AccountChoice, charge_body, month_of};
use onbill_test_harness::{ACME_ACCOUNTS, TestOperator, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const UNKNOWN: &str = "+12025550199";

/// The customer enters a number to see their own page, without a session.
async fn enter_number(system: &TestSystem, operator: &TestOperator, number: &str) -> (StatusCode, Value) {
    let body = json!({"operator": operator.id(), "view": "account", "msisdn": number, "locale": "en"});
    system.call_widget("/account/validate", body).await
}

/// The customer enters a number that the session lists.
async fn enter_listed(system: &TestSystem, operator: &TestOperator, number: &str) -> (StatusCode, Value) {
    let msisdn = Msisdn::parse(number).expect("is E.164");
    let session = operator.sandbox.assertion(vec![msisdn]).expect("signs");
    let body = json!({"operator": operator.id(), "view": "account", "msisdn": number, "locale": "en", "session": session});
    system.call_widget("/account/validate", body).await
}

/// Tries to prove a number by PIN. Returns the step or the refusal.
async fn enter_pin(system: &TestSystem, operator: &TestOperator, number: &str) -> (StatusCode, Value) {
    // The newest SMS is that of the latest second.
    system.advance_seconds(1);
    let (_, step) = enter_number(system, operator, number).await;
    let pin = system.read_pin(operator, number).await;
    system.call_widget("/pin", json!({"operator": operator.id(), "flow": step["flow"], "pin": pin})).await
}

/// The page of a number's subscriber, by session.
async fn open_page(system: &TestSystem, number: &str) -> Value {
    let (status, page) = enter_listed(system, &system.acme, number).await;
    assert_eq!((status, &page["step"]), (StatusCode::OK, &json!("account")), "{page}");
    page
}

/// The page once more, in the flow that it has come with.
async fn read_page(system: &TestSystem, flow: &Value, cursor: &Value) -> (StatusCode, Value) {
    let body = json!({"operator": "acme", "flow": flow, "cursor": cursor});
    system.call_widget("/account", body).await
}

async fn unlink_subscription(system: &TestSystem, flow: &Value, subscription: &Value) -> (StatusCode, Value) {
    let body = json!({"operator": "acme", "flow": flow, "subscription": subscription});
    system.call_widget("/account/unlink", body).await
}

/// The contents of a page, without what differs from flow to flow by its nature.
fn page_texts(page: &Value) -> Value {
    let mut said = json!({"subscriptions": page["subscriptions"], "charges": page["charges"]});
    for subscription in said["subscriptions"].as_array_mut().expect("is a list") {
        subscription["subscription"] = Value::Null;
    }
    said
}

fn status_and_code((status, answer): &(StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), answer["code"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn account_page_shows_links_and_charges() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let since = system.now().to_string();
    system.advance_seconds(60);
    charge_outcome(&system, &pai, "c-1").await;
    let first = system.now().to_string();
    let refund = json!({"extRefundID": "r-1", "amount": {"value": 600, "currency": "USD"}, "reason": "x"});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    system.advance_seconds(60);
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    charge_outcome(&system, &pai, "c-2").await;
    let second = system.now().to_string();

    let own = open_page(&system, GOOD).await;
    let charge = |at: &str, id: &str| {
        json!({"partner": "netflix", "at": at, "description": "Netflix Standard", "servicePeriod": month_of(id),
               "amount": {"value": 1599, "currency": "USD", "decimals": 2}})
    };
    let (mut declined, mut approved) = (charge(&second, "c-2"), charge(&first, "c-1"));
    (declined["status"], declined["declineReason"]) = (json!("DECLINED"), json!("account-on-hold"));
    approved["status"] = json!("APPROVED");
    approved["billedOn"] = json!("2026-12-01");
    approved["refunded"] = json!({"value": 600, "currency": "USD", "decimals": 2});
    // A receipt names it as billing and the partner do; what was declined has none.
    let (_, posted) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    approved["reference"] = posted["transactionID"].clone();
    assert_eq!(
        page_texts(&own),
        json!({"subscriptions": [{"subscription": null, "partner": "netflix", "title": "Netflix Standard",
                                  "since": since, "state": "SUSPENDED", "status": "ACTIVE", "canUnlink": true}],
               "charges": [declined, approved]})
    );
    assert_eq!(own["cursor"], Value::Null);

    // By PIN it is the same, and so it is when it is asked for again.
    system.advance_seconds(60);
    report_applied_event(&system, "e-2", "resumed", GOOD).await;
    let (_, by_pin) = enter_pin(&system, &system.acme, GOOD).await;
    assert_eq!(by_pin["step"], "account", "{by_pin}");
    assert_eq!(by_pin["subscriptions"][0]["state"], "ACTIVE");
    assert_eq!(by_pin["charges"], own["charges"]);
    let (status, again) = read_page(&system, &by_pin["flow"], &Value::Null).await;
    assert_eq!((status, page_texts(&again)), (StatusCode::OK, page_texts(&by_pin)));
    assert_eq!(again["subscriptions"], by_pin["subscriptions"], "a name is the same throughout its flow");
    assert_ne!(again["subscriptions"], own["subscriptions"], "and another one in another");
}

#[tokio::test]
async fn browser_gets_no_number_and_no_pai() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.run_billing("2026-12").await;
    let own = open_page(&system, GOOD).await;
    read_page(&system, &own["flow"], &Value::Null).await;
    unlink_subscription(&system, &own["flow"], &own["subscriptions"][0]["subscription"]).await;
    let crossings = system.network.recorded_calls();
    let to_browser: Vec<_> =
        crossings.iter().filter(|crossing| crossing.path.starts_with("/widget/v1/account")).collect();
    assert!(to_browser.len() >= 4, "{}", to_browser.len());
    for crossing in to_browser {
        for secret in [pai.as_str(), "2025550101", "ann@example.com"] {
            assert!(!crossing.response.contains(secret), "{}: {secret}", crossing.path);
        }
    }
}

#[tokio::test]
async fn older_charges_are_on_further_pages() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for n in 0..30 {
        // Two in each second: a page may end between them.
        system.advance_seconds(n % 2);
        let mut charge = charge_body(&pai, &format!("c-{n}"), 100);
        charge["description"] = json!(format!("No. {n}"));
        system.call_ott(Method::POST, "/ott/v1/transaction", charge).await;
    }
    let mut page = open_page(&system, GOOD).await;
    let (flow, subscriptions) = (page["flow"].clone(), page["subscriptions"].clone());
    let mut seen = Vec::new();
    for expected in [12, 12, 6] {
        let charges = page["charges"].as_array().expect("is a list").clone();
        assert_eq!((charges.len(), &page["subscriptions"]), (expected, &subscriptions));
        seen.extend(charges);
        let cursor = page["cursor"].clone();
        assert_eq!(cursor.is_null(), expected == 6);
        if !cursor.is_null() {
            page = read_page(&system, &flow, &cursor).await.1;
        }
    }
    let mut names: Vec<_> = seen.iter().map(|charge| charge["description"].clone()).collect();
    let at: Vec<_> = seen.iter().map(|charge| charge["at"].as_str().expect("is text")).collect();
    assert!(at.is_sorted_by(|one, next| one >= next), "{at:?}");
    names.sort_by_key(Value::to_string);
    names.dedup();
    assert_eq!(names.len(), 30, "each once");
    for bad in [json!("x"), json!(""), json!(7)] {
        assert_eq!(
            status_and_code(&read_page(&system, &flow, &bad).await),
            (400, "invalid-request"),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn customer_without_links_sees_none() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    for number in [GOOD, SUSPENDED] {
        assert_eq!(
            page_texts(&open_page(&system, number).await),
            json!({"subscriptions": [], "charges": []}),
            "{number}"
        );
        let (_, by_pin) = enter_pin(&system, &system.acme, number).await;
        assert_eq!(by_pin["step"], "account", "a text message reaches a suspended line");
    }
    for number in [CEASED, UNKNOWN] {
        assert_eq!(
            status_and_code(&enter_listed(&system, &system.acme, number).await),
            (404, "account-not-found")
        );
    }
    // A visit to the partner that was not finished leaves nothing.
    let flow = system.prove_number(&system.acme, GOOD).await;
    system.open_signup(&system.acme, &flow).await;
    assert_eq!(open_page(&system, GOOD).await["subscriptions"], json!([]));
}

#[tokio::test]
async fn returning_buyer_sees_own_page_in_same_flow() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    system.run_billing("2026-12").await;
    let (_, by_session) = system.enter_session_number(&system.acme, GOOD).await;
    let (_, entered) = system.enter_number(&system.acme, GOOD).await;
    let pin = system.read_pin(&system.acme, GOOD).await;
    let (_, by_pin) =
        system.call_widget("/pin", json!({"operator": "acme", "flow": entered["flow"], "pin": pin})).await;
    for step in [by_session, by_pin] {
        assert_eq!(step["step"], "already-on-bill");
        let (status, page) = read_page(&system, &step["flow"], &Value::Null).await;
        assert_eq!((status, page["charges"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{page}");
        // Nothing can be bought in it.
        let refused = system.call_widget("/signup", json!({"operator": "acme", "flow": step["flow"]})).await;
        assert_eq!(status_and_code(&refused), (409, "already-on-bill"));
    }
}

#[tokio::test]
async fn account_page_flow_buys_nothing() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    for (_, step) in
        [enter_listed(&system, &system.acme, GOOD).await, enter_pin(&system, &system.acme, GOOD).await]
    {
        let refused = system.call_widget("/signup", json!({"operator": "acme", "flow": step["flow"]})).await;
        assert_eq!(status_and_code(&refused), (400, "token-expired"));
    }
    assert!(system.edge.kv_entries().is_empty(), "nobody got a PAI");
    // A flow for sign-up does open the page: less is at stake, and the number is proven alike.
    let flow = system.prove_number(&system.acme, GOOD).await;
    assert_eq!(read_page(&system, &json!(flow), &Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn coupon_is_a_charge_of_its_buyer() {
    let (system, pai) = TestSystem::with_subscriber(OTHER).await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    assert_eq!(
        open_page(&system, GOOD).await["subscriptions"],
        json!([]),
        "nothing is charged before it is redeemed"
    );
    // It is a gift: its months are another subscriber's.
    let gift = json!({"code": code, "extReference": "r-1", "pai": pai});
    assert_eq!(system.call_ott(Method::POST, "/ott/v1/coupon/redeem", gift).await.0, StatusCode::OK);
    let own = open_page(&system, GOOD).await;
    let charge = &own["charges"][0];
    assert_eq!(
        (&charge["description"], &charge["amount"]["value"], &charge["status"]),
        (&json!("Netflix Standard, 6 months"), &json!(8999), &json!("APPROVED"))
    );
    assert_eq!(
        open_page(&system, OTHER).await["charges"],
        json!([]),
        "whoever was given it does not pay for it"
    );
    // The buyer can stop further charges, also by a coupon that is still unredeemed.
    let second = issue_and_read_code(&system, "c-2", GOOD).await;
    let (status, _) =
        unlink_subscription(&system, &own["flow"], &own["subscriptions"][0]["subscription"]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(redeem_code(&system, &second, "r-2").await.0.is_client_error());
    let own = open_page(&system, GOOD).await;
    let reasons: Vec<_> =
        own["charges"].as_array().expect("is a list").iter().map(|c| &c["declineReason"]).collect();
    assert_eq!(reasons, [&json!("pai-revoked-by-user"), &Value::Null]);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn account_page_works_with_csp_accounts() {
    const NUMBER: &str = "+34612345601";
    let system = TestSystem::start();
    system.sign_up(&system.nova, NUMBER, AccountChoice::New("eva@example.com")).await;
    system.run_billing("2026-12").await;
    let (_, page) = enter_listed(&system, &system.nova, NUMBER).await;
    assert_eq!(
        page["charges"][0]["amount"],
        json!({"value": 1399, "currency": "EUR", "decimals": 2}),
        "{page}"
    );
    let body = json!({"operator": "nova", "flow": page["flow"],
                      "subscription": page["subscriptions"][0]["subscription"]});
    let (status, answer) = system.call_widget("/account/unlink", body).await;
    assert_eq!((status, &answer["subscription"]["state"]), (StatusCode::OK, &json!("CLOSED")));
    assert_eq!(system.run_billing("2027-01").await["totals"]["declined"], 1);
}
