//! A customer pays for Netflix on the phone bill, from the number to the line on the bill.

use http::StatusCode;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::{self, ResultClaims, SignupOutcome};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::AccountChoice;
use serde_json::json;

const ACME: &str = "+12025550101";
const NOVA: &str = "+34612345601";

#[tokio::test]
async fn new_account_is_billed_once_a_month() {
    let system = TestSystem::start();
    system.acme.import_accounts(onbill_test_harness::ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, ACME, AccountChoice::New("ann@example.com")).await;

    let run = system.run_billing("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    let bill = system.bill_lines(&system.acme, ACME).await;
    assert_eq!(bill.len(), 1);
    assert_eq!(bill[0]["amount"], json!({"value": 1599, "currency": "USD"}));
    assert_eq!(bill[0]["servicePeriod"], json!({"from": "2026-12-01", "to": "2026-12-31"}));
    assert_eq!(bill[0]["description"], "Netflix Standard");

    // The same billing run again, and again later, bills nothing twice; the next month does bill.
    assert_eq!(system.run_billing("2026-12").await["totals"]["approved"], 1);
    system.advance_seconds(40 * 86_400);
    assert_eq!(system.run_billing("2026-12").await["totals"]["approved"], 1);
    assert_eq!(system.bill_lines(&system.acme, ACME).await.len(), 1);
    system.run_billing("2027-01").await;
    assert_eq!(system.bill_lines(&system.acme, ACME).await.len(), 2);
    assert_eq!(system.partner_accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn card_payers_account_moves_to_the_bill() {
    let system = TestSystem::start();
    system.acme.import_accounts(onbill_test_harness::ACME_ACCOUNTS).await;
    let email = system.card_payer_email().await;
    let flow = system.prove_number(&system.acme, ACME).await;
    let page = system.open_signup(&system.acme, &flow).await;
    system.choose_account(&page, AccountChoice::Existing(&email)).await;
    let run = system.run_billing("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    assert_eq!(system.bill_lines(&system.acme, ACME).await.len(), 1);
}

#[tokio::test]
async fn session_number_needs_no_pin() {
    let system = TestSystem::start();
    system.acme.import_accounts(onbill_test_harness::ACME_ACCOUNTS).await;
    let (status, step) = system.enter_session_number(&system.acme, ACME).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    assert_eq!(step["offer"]["price"], json!({"value": 1599, "currency": "USD", "decimals": 2}));
    assert!(system.sms_received(&system.acme, ACME).await.is_empty());
    let page = system.open_signup(&system.acme, step["flow"].as_str().expect("is text")).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;

    // Back at the operator's page, with a result that the operator can verify and that has no
    // number in it.
    let back = system.follow_return(&system.acme).await;
    let (at, result) = back.split_once("?onbill_result=").expect("carries the result");
    assert_eq!(at, "http://127.0.0.1:8790/done");
    let keys = onbill_test_harness::keys::keyring(&onbill_test_harness::KeyHolder::Operator("acme"));
    let claims: ResultClaims = token::verify(&keys, "acme", system.now(), result).expect("is genuine");
    assert_eq!(claims.outcome, SignupOutcome::Success);
    assert!(claims.partner_subscription_id.is_some());
    let late = Timestamp::from_unix_seconds(claims.exp);
    assert!(token::verify::<ResultClaims>(&keys, "acme", late, result).is_err());
    assert!(token::verify::<ResultClaims>(&keys, "nova", system.now(), result).is_err());
    let (status, shown) = system.call_widget("/result", json!({"operator": "acme", "result": result})).await;
    assert_eq!((status, &shown["outcome"]), (StatusCode::OK, &json!("success")));
}

#[tokio::test]
async fn operators_on_one_edge_see_own_subscribers_only() {
    let system = TestSystem::start();
    system.acme.import_accounts(onbill_test_harness::ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, ACME, AccountChoice::New("ann@example.com")).await;
    system.sign_up(&system.nova, NOVA, AccountChoice::New("bea@example.com")).await;
    let run = system.run_billing("2026-12").await;
    assert_eq!(run["totals"]["approved"], 2, "{run}");
    let (acme, nova) =
        (system.bill_lines(&system.acme, ACME).await, system.bill_lines(&system.nova, NOVA).await);
    assert_eq!((acme.len(), nova.len()), (1, 1));
    assert_eq!(nova[0]["amount"]["currency"], "EUR");
    // Neither number, in any call to the other's machines.
    for crossing in system.network.recorded_calls() {
        let (origin, dashboard) = (system.nova.origin_address, system.nova.dashboard_address);
        if crossing.authority == origin || crossing.authority == dashboard {
            assert!(!crossing.contains("2025550101"), "{}", crossing.path);
        }
        if crossing.authority == system.acme.origin_address
            || crossing.authority == system.acme.dashboard_address
        {
            assert!(!crossing.contains("612345601"), "{}", crossing.path);
        }
    }
    // The other operator's dashboard cannot list a number for this one.
    let session = system.nova.sandbox.assertion(vec![]).expect("signs");
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": ACME, "locale": "en", "session": session});
    let (_, refused) = system.call_widget("/account/validate", body).await;
    assert_eq!(refused["code"], "token-invalid");
}

#[tokio::test]
async fn visit_without_subscription_is_not_a_success() {
    let system = TestSystem::start();
    system.acme.import_accounts(onbill_test_harness::ACME_ACCOUNTS).await;
    let flow = system.prove_number(&system.acme, ACME).await;
    system.open_signup(&system.acme, &flow).await;
    let back = system.follow_return(&system.acme).await;
    let result = back.split_once("onbill_result=").expect("carries the result").1;
    let (_, shown) = system.call_widget("/result", json!({"operator": "acme", "result": result})).await;
    assert_eq!(shown["outcome"], "pending");
    let cancelled = async || {
        let back = system.follow_return_with(&system.acme, "?outcome=cancelled").await;
        let result = back.split_once("onbill_result=").expect("carries the result").1.to_owned();
        system.call_widget("/result", json!({"operator": "acme", "result": result})).await.1
    };
    assert_eq!(cancelled().await["outcome"], "cancelled");
    assert_eq!(system.run_billing("2026-12").await["totals"]["charges"], 0);
    // A browser that returns after everything was finished changes nothing.
    let page = system.open_signup(&system.acme, &flow).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    assert_eq!(cancelled().await["outcome"], "success");
}
