//! A customer pays for Netflix on the phone bill, from the number to the line on the bill.

use http::StatusCode;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::{self, ResultClaims, SignupOutcome};
use onbill_test_harness::World;
use onbill_test_harness::customer::Choice;
use serde_json::json;

const ACME: &str = "+12025550101";
const NOVA: &str = "+34612345601";

#[tokio::test]
async fn a_new_account_is_charged_on_the_right_bill_once_a_month() {
    let world = World::start();
    world.acme.import(onbill_test_harness::ACCOUNTS.0).await;
    world.sign_up(&world.acme, ACME, Choice::New("ann@example.com")).await;

    let run = world.billing_run("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    let bill = world.bill(&world.acme, ACME).await;
    assert_eq!(bill.len(), 1);
    assert_eq!(bill[0]["amount"], json!({"value": 1599, "currency": "USD"}));
    assert_eq!(bill[0]["servicePeriod"], json!({"from": "2026-12-01", "to": "2026-12-31"}));
    assert_eq!(bill[0]["description"], "Netflix Standard");

    // The same run again, and again later, bills nothing twice; the next month does bill.
    assert_eq!(world.billing_run("2026-12").await["totals"]["approved"], 1);
    world.pass_seconds(40 * 86_400);
    assert_eq!(world.billing_run("2026-12").await["totals"]["approved"], 1);
    assert_eq!(world.bill(&world.acme, ACME).await.len(), 1);
    world.billing_run("2027-01").await;
    assert_eq!(world.bill(&world.acme, ACME).await.len(), 2);
    assert_eq!(world.partner_accounts().await["leaks"], json!([]));
}

#[tokio::test]
async fn a_card_payers_account_moves_to_the_bill() {
    let world = World::start();
    world.acme.import(onbill_test_harness::ACCOUNTS.0).await;
    let email = world.card_payer().await;
    let flow = world.prove(&world.acme, ACME).await;
    let page = world.leave(&world.acme, &flow).await;
    world.choose(&page, Choice::Existing(&email)).await;
    let run = world.billing_run("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    assert_eq!(world.bill(&world.acme, ACME).await.len(), 1);
}

#[tokio::test]
async fn a_number_in_the_dashboards_session_needs_no_pin() {
    let world = World::start();
    world.acme.import(onbill_test_harness::ACCOUNTS.0).await;
    let (status, step) = world.enter_listed(&world.acme, ACME).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    assert_eq!(step["offer"]["price"], json!({"value": 1599, "currency": "USD"}));
    assert!(world.messages(&world.acme, ACME).await.is_empty());
    let page = world.leave(&world.acme, step["flow"].as_str().expect("is text")).await;
    world.choose(&page, Choice::New("ann@example.com")).await;

    // Back at the operator's page, with a result that the operator can check and that has no number in it.
    let back = world.go_back(&world.acme).await;
    let (at, result) = back.split_once("?onbill_result=").expect("carries the result");
    assert_eq!(at, "http://127.0.0.1:8790/done");
    let keys = onbill_test_harness::keys::ring(&onbill_test_harness::Holder::Operator("acme"));
    let claims: ResultClaims = token::verify(&keys, "acme", world.now(), result).expect("is genuine");
    assert_eq!(claims.outcome, SignupOutcome::Success);
    assert!(claims.partner_subscription_id.is_some());
    let late = Timestamp::from_unix_seconds(claims.exp);
    assert!(token::verify::<ResultClaims>(&keys, "acme", late, result).is_err());
    assert!(token::verify::<ResultClaims>(&keys, "nova", world.now(), result).is_err());
    let (status, shown) = world.widget("/result", json!({"operator": "acme", "result": result})).await;
    assert_eq!((status, &shown["outcome"]), (StatusCode::OK, &json!("success")));
}

#[tokio::test]
async fn two_operators_on_one_edge_never_see_each_others_subscribers() {
    let world = World::start();
    world.acme.import(onbill_test_harness::ACCOUNTS.0).await;
    world.sign_up(&world.acme, ACME, Choice::New("ann@example.com")).await;
    world.sign_up(&world.nova, NOVA, Choice::New("bea@example.com")).await;
    let run = world.billing_run("2026-12").await;
    assert_eq!(run["totals"]["approved"], 2, "{run}");
    let (acme, nova) = (world.bill(&world.acme, ACME).await, world.bill(&world.nova, NOVA).await);
    assert_eq!((acme.len(), nova.len()), (1, 1));
    assert_eq!(nova[0]["amount"]["currency"], "EUR");
    // Neither number, in any crossing to the other's machines.
    for crossing in world.network.crossings() {
        let (origin, dashboard) = (world.nova.origin, world.nova.dashboard);
        if crossing.authority == origin || crossing.authority == dashboard {
            assert!(!crossing.has("2025550101"), "{}", crossing.path);
        }
        if crossing.authority == world.acme.origin || crossing.authority == world.acme.dashboard {
            assert!(!crossing.has("612345601"), "{}", crossing.path);
        }
    }
    // The other operator's dashboard cannot list a number for this one.
    let session = world.nova.operator.assertion(vec![]).expect("signs");
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": ACME, "locale": "en", "session": session});
    let (_, refused) = world.widget("/account/validate", body).await;
    assert_eq!(refused["code"], "token-invalid");
}

#[tokio::test]
async fn a_visit_without_a_subscription_is_not_a_success() {
    let world = World::start();
    world.acme.import(onbill_test_harness::ACCOUNTS.0).await;
    let flow = world.prove(&world.acme, ACME).await;
    world.leave(&world.acme, &flow).await;
    let back = world.go_back(&world.acme).await;
    let result = back.split_once("onbill_result=").expect("carries the result").1;
    let (_, shown) = world.widget("/result", json!({"operator": "acme", "result": result})).await;
    assert_eq!(shown["outcome"], "pending");
    let cancelled = async || {
        let back = world.go_back_with(&world.acme, "?outcome=cancelled").await;
        let result = back.split_once("onbill_result=").expect("carries the result").1.to_owned();
        world.widget("/result", json!({"operator": "acme", "result": result})).await.1
    };
    assert_eq!(cancelled().await["outcome"], "cancelled");
    assert_eq!(world.billing_run("2026-12").await["totals"]["charges"], 0);
    // A browser that says so after all was finished changes nothing.
    let page = world.leave(&world.acme, &flow).await;
    world.choose(&page, Choice::New("ann@example.com")).await;
    assert_eq!(cancelled().await["outcome"], "success");
}
