//! Customers of another system, through edge and origin, before and after they are cut over.

use crate::account_events::report_applied_event;
use crate::coupons::{issue_and_read_code, redeem_code, start_system};
use crate::subscriptions::system_with_subscription;
use http::{Method, StatusCode};
use onbill_origin::config::Signups;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550107";
const PAI: &str = "ENT1664367665579";
const TURN_OFF: &str = "UPDATE pais SET dark_since = 1795000000, dark_version = version";
const TURN_ON: &str = "UPDATE pais SET dark_since = NULL";
const CUT_OVER: &str = "UPDATE pais SET dark_since = NULL, cut_over_at = 1795000000, version = version + 1";

/// A system in which a customer of Acme's pays by another system, which has charged them once.
async fn with_dark_pai() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let other = OtherSystem::of_acme(system.now());
    let pai = format!(
        "netflix,{PAI},{GOOD},2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-1,EXISTING_ACCOUNT,standard,1599,USD,,,"
    );
    let charge =
        format!("netflix,c-1,{PAI},1599,USD,600,APPROVED,line-1,2026-11-01T00:00:00Z,2026-11-01,2026-11-30");
    let store = &system.acme.app().store;
    other.load_sound(store, &pais_csv(&[pai]), Some(&charges_csv(&[charge]))).await;
    system
}

async fn call(system: &TestSystem, path: &str, body: Value) -> (StatusCode, Value, bool) {
    call_with(system, Method::POST, path, body).await
}

/// The status and the body of the answer, and whether it says when to try again.
async fn call_with(
    system: &TestSystem,
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value, bool) {
    let request = system.sign_as_partner(&method, path, &body);
    let answer = system.network.send_call(request).await.expect("somebody answers");
    let waits = answer.headers().contains_key("retry-after");
    (answer.status(), serde_json::from_slice(answer.body()).unwrap_or_default(), waits)
}

#[tokio::test]
async fn every_call_about_a_dark_pai_is_routed_and_has_to_wait() {
    let system = with_dark_pai().await;
    system.acme.deliver_due().await;
    assert_eq!(system.edge.kv_entries(), [], "no one is informed");
    let subscription = json!({"pai": PAI, "extSubscriptionID": "sub-1", "origin": "EXISTING_ACCOUNT",
                              "plan": "standard"});
    let events = ["suspended", "resumed"];
    for (n, event) in events.into_iter().enumerate() {
        for (path, body) in [
            ("/ott/v1/transaction", charge_body(PAI, "c-2", 1599)),
            ("/ott/v1/transaction", charge_body(PAI, "c-1", 1599)),
            ("/ott/v1/transaction/c-1/refund", json!({"extRefundID": "r-1", "reason": "test"})),
            ("/ott/v1/partnerSubscription", subscription.clone()),
            ("/ott/v1/notification", json!({"pai": PAI, "message": "Hello."})),
        ] {
            let (status, answer, waits) = call(&system, path, body).await;
            let refused = (status, answer["code"].as_str(), waits);
            assert_eq!(
                refused,
                (StatusCode::SERVICE_UNAVAILABLE, Some("service-unavailable"), true),
                "{path}"
            );
        }
        // Whatever becomes of the account.
        system.advance_seconds(60);
        report_applied_event(&system, &format!("e-{n}"), event, GOOD).await;
    }
    let (status, _, waits) =
        call(&system, "/ott/v1/account/validate", json!({"msisdn": GOOD, "operator": "acme"})).await;
    assert_eq!((status, waits), (StatusCode::SERVICE_UNAVAILABLE, true), "its app learns no PAI");
    assert!(system.sms_received(&system.acme, GOOD).await.is_empty());
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    let (status, step) = prove(&system, GOOD).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("already-on-bill")), "{step}");
}

/// The customer has signed up here, and was turned off again.
#[tokio::test]
async fn subscription_of_a_dark_pai_is_not_changed() {
    let (system, _, path) = system_with_subscription().await;
    let db = &system.acme.db;
    db.run_sql(TURN_OFF).await;
    let cancelled = json!({"status": "CANCELLED", "reason": "As they wish"});
    let dearer = json!({"changeID": "ch-1", "price": {"value": 1799, "currency": "USD"},
                        "effectiveFrom": "2027-03-01"});
    for body in [&cancelled, &json!({"status": "SUSPENDED"}), &json!({"status": "ACTIVE"}), &dearer] {
        let (status, answer, waits) = call_with(&system, Method::PUT, &path, body.clone()).await;
        let refused = (status, answer["code"].as_str(), waits);
        assert_eq!(refused, (StatusCode::SERVICE_UNAVAILABLE, Some("service-unavailable"), true), "{body}");
    }
    assert_eq!(
        db.count_rows("partner_subscriptions WHERE status = 'ACTIVE'").await,
        1,
        "nothing has changed"
    );
    assert_eq!(db.count_rows("mandates").await, 1);
    db.run_sql(TURN_ON).await;
    for body in [dearer, cancelled] {
        let (status, answer, _) = call_with(&system, Method::PUT, &path, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
}

#[tokio::test]
async fn coupon_of_a_dark_pai_stays_until_it_is_turned_on() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "k-1", GOOD).await;
    system.acme.db.run_sql(TURN_OFF).await;
    let body = json!({"code": code, "extReference": "r-1"});
    let (status, answer, waits) = call(&system, "/ott/v1/coupon/redeem", body).await;
    let refused = (status, answer["code"].as_str(), waits);
    assert_eq!(refused, (StatusCode::SERVICE_UNAVAILABLE, Some("service-unavailable"), true));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    system.acme.db.run_sql(TURN_ON).await;
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// A look changes nothing: the partner sees the result of the other system's charge.
#[tokio::test]
async fn claim_of_a_dark_pai_is_shown() {
    let system = with_dark_pai().await;
    let (status, charge, _) = call_with(&system, Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!((status, &charge["status"]), (StatusCode::OK, &json!("APPROVED")), "{charge}");
    let refund = "/ott/v1/transaction/c-1/refund/r-1";
    let (status, answer, _) = call_with(&system, Method::GET, refund, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
}

/// A person cannot repeat an act until a night that may be weeks ahead.
#[tokio::test]
async fn desk_says_who_charges_a_dark_customer() {
    let system = with_dark_pai().await;
    let search = json!({"msisdn": GOOD, "actor": "adm-1", "role": "admin"});
    let (_, page) = system.call_acme_origin("/subscribers/search", &search).await;
    let charge = page["charges"][0]["transactionID"].as_str().expect("is listed");
    for (path, mut body) in [
        (format!("/links/{PAI}/close"), json!({"reason": "account-closed"})),
        ("/refunds".to_owned(), json!({"transactionID": charge, "reason": "x", "borneBy": "operator"})),
        ("/disputes".to_owned(), json!({"transactionID": charge, "state": "open", "reason": "fraud"})),
    ] {
        for (member, value) in [("actor", "adm-1"), ("role", "admin"), ("ref", "T-1")] {
            body[member] = json!(value);
        }
        let (status, refusal) = system.call_acme_origin(&path, &body).await;
        let said = refusal["message"].as_str().unwrap_or_default();
        assert_eq!(
            (status, &refusal["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable"))
        );
        assert!(said.contains("until they are switched to onbill: do this in that system"), "{path}: {said}");
    }
}

#[tokio::test]
async fn customer_who_is_cut_over_is_charged_and_nothing_is_charged_twice() {
    let system = with_dark_pai().await;
    system.acme.db.run_sql(CUT_OVER).await;
    let body = json!({"extTransactionID": "c-1", "pai": PAI, "amount": {"value": 1599, "currency": "USD"},
                      "description": "Netflix Standard",
                      "servicePeriod": {"from": "2026-11-01", "to": "2026-11-30"}});
    let (status, repeated, _) = call(&system, "/ott/v1/transaction", body.clone()).await;
    assert_eq!((status.is_success(), &repeated["status"]), (true, &json!("APPROVED")), "{repeated}");
    let mut other_amount = body;
    other_amount["amount"]["value"] = json!(1598);
    let (status, answer, _) = call(&system, "/ott/v1/transaction", other_amount).await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency-violation"))
    );
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    let too_much =
        json!({"extRefundID": "r-1", "reason": "test", "amount": {"value": 1000, "currency": "USD"}});
    let (status, answer, _) = call(&system, "/ott/v1/transaction/c-1/refund", too_much).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")), "{answer}");
    let (status, answer, _) = call(&system, "/ott/v1/transaction", charge_body(PAI, "c-2", 1599)).await;
    assert!(status.is_success(), "{answer}");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

/// The customer proves their number by PIN. Returns the next step.
async fn prove(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    let (_, step) = system.enter_number(&system.acme, number).await;
    let pin = system.read_pin(&system.acme, number).await;
    system.call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await
}

#[tokio::test]
async fn closed_signups_refuse_new_customers_and_no_others() {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    system.reconfigure_acme(|config| config.migration.signups = Signups::Closed);
    let (status, refusal) = prove(&system, OTHER).await;
    assert_eq!((status, &refusal["code"]), (StatusCode::FORBIDDEN, &json!("signups-closed")), "{refusal}");
    assert!(refusal["words"]["signups-closed"].as_str().is_some_and(|words| !words.is_empty()));
    let (status, step) = prove(&system, GOOD).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("already-on-bill")), "{step}");
    for (number, status) in [(OTHER, StatusCode::FORBIDDEN), (GOOD, StatusCode::OK)] {
        let body = json!({"msisdn": number, "operator": "acme"});
        let (found, answer, _) = call(&system, "/ott/v1/account/validate", body).await;
        assert_eq!(found, status, "{answer}");
    }
}
