//! Charges under the worst faults: whatever fails, each is on the right bill once.

use axum::Router;
use http::{Method, StatusCode};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::app::ledger_identity::ledger_facts;
use onbill_origin::config::{AccountSource, Config};
use onbill_origin::keys::Vault;
use onbill_origin::store::{OpenMode, Queue, StoreError};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> (StatusCode, Value) {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await
}

async fn query_status(system: &TestSystem, id: &str) -> Value {
    system.call_ott(Method::GET, &format!("/ott/v1/transaction/{id}"), Value::Null).await.1
}

#[tokio::test]
async fn charge_without_billing_response_is_queried_not_resubmitted() {
    for mishap in [NetworkFault::AnswerLost, NetworkFault::Garbled] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.network.inject_fault(BILLING, mishap);
        let (code, answer) = post_charge(&system, &pai, "c-1").await;
        assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("PENDING")), "{mishap:?}");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1, "it did apply");
        system.network.clear_faults();
        assert_eq!(system.acme.deliver_due().await, 0, "not due yet");
        system.advance_seconds(361);
        assert_eq!(system.acme.deliver_due().await, 2, "the charge, and telling of it");
        assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
        // The replay still returns the stored response.
        assert_eq!(post_charge(&system, &pai, "c-1").await, (StatusCode::OK, answer));
    }
}

#[tokio::test]
async fn billed_charge_is_approved_whatever_the_account_became() {
    for now in ["suspended", "ceased"] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
        assert_eq!(post_charge(&system, &pai, "c-1").await.1["status"], "PENDING");
        system.network.clear_faults();
        system
            .acme
            .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", &format!("+12025550101,{now}")))
            .await;
        system.advance_seconds(361);
        assert_eq!(system.acme.deliver_due().await, 2, "the charge, and telling of it");
        assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED", "{now}");
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    }
}

#[tokio::test]
async fn charge_reaches_billing_after_its_outage() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    for id in ["c-1", "c-2", "c-3"] {
        assert_eq!(post_charge(&system, &pai, id).await.1["status"], "PENDING");
    }
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    system.network.clear_faults();
    system.advance_seconds(3600 + 721);
    system.acme.deliver_due().await;
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 3);
    for id in ["c-1", "c-2", "c-3"] {
        assert_eq!(query_status(&system, id).await["status"], "APPROVED");
    }
    assert_eq!(
        system.acme.app().store.next_due(Queue::All).await.expect("works"),
        None,
        "the outbox is empty"
    );
}

#[tokio::test]
async fn unclear_charge_is_dead_lettered_and_never_declined() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    post_charge(&system, &pai, "c-1").await;
    for _ in 0..12 {
        system.advance_seconds(2 * 86_400);
        system.acme.deliver_due().await;
    }
    system.network.clear_faults();
    system.advance_seconds(30 * 86_400);
    assert_eq!(system.acme.deliver_due().await, 0);
    assert_eq!(query_status(&system, "c-1").await["status"], "PENDING");
}

#[tokio::test]
async fn charge_with_lost_response_is_found_by_id() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(
        &format!("{}/ott/v1/transaction", system.acme.origin_address),
        NetworkFault::AnswerLost,
    );
    let (code, answer) = post_charge(&system, &pai, "c-1").await;
    assert_eq!((code, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable")));
    system.network.clear_faults();
    let (code, answer) = post_charge(&system, &pai, "c-1").await;
    assert_eq!((code, &answer["status"]), (StatusCode::OK, &json!("APPROVED")));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn new_subscriber_is_not_charged_for_previous_one() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    // A charge that waits while the number changes hands, and one that comes afterwards.
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    post_charge(&system, &pai, "c-1").await;
    system.network.clear_faults();
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-20")).await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(query_status(&system, "c-1").await["declineReason"], "account-closed-taken-over");
    let (code, answer) = post_charge(&system, &pai, "c-2").await;
    assert_eq!((code, &answer["declineReason"]), (StatusCode::CREATED, &json!("account-closed-taken-over")));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());

    // The new owner signs up, and gets another PAI.
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    assert_ne!(system.pai_of("bea@example.com").await, pai);
    post_charge(&system, &pai, "c-3").await;
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn subscriber_ref_distinguishes_subscribers_of_a_number() {
    let system = TestSystem::start();
    let subscriber_ref = async |number: &str| {
        let msisdn = Msisdn::parse(number).expect("is E.164");
        system
            .nova
            .app()
            .accounts
            .find_account(&msisdn)
            .await
            .expect("answers")
            .expect("has an account")
            .subscriber_ref
    };
    let (one, other) = (subscriber_ref("+34612345601").await, subscriber_ref("+34612345602").await);
    assert!(!one.is_empty() && one != other, "{one} {other}");
}

#[tokio::test]
async fn new_subscriber_signs_up_without_a_reported_change() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    // There were no charges since the number changed hands: the old subscription looks active.
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-20")).await;
    let (status, step) = system.enter_session_number(&system.acme, GOOD).await;
    assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    assert_ne!(system.pai_of("bea@example.com").await, pai);
    assert_eq!(post_charge(&system, &pai, "c-1").await.1["declineReason"], "account-closed-taken-over");
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

/// Also before the first sign-up: the ledger of a serving origin would be renamed before its first customer.
#[tokio::test]
async fn ledger_refuses_another_operator_key_or_account_source() {
    let system = TestSystem::start();
    let (acme, nova) = (&system.acme.app().config, &system.nova.app().config);
    let facts = |config: &Config, keys: KeyHolder| {
        ledger_facts(config, &Vault::new(&keys::keyring(&keys)).expect("has a key"))
    };
    let own = facts(acme, KeyHolder::Origin("acme"));
    let ledger = system.acme.db.new_beside().await;
    ledger.open_with_facts(OpenMode::Create, 1, &own).await.expect("begins");
    let other_source = Config { accounts: AccountSource::Csp, ..Config::clone(acme) };
    let other_operator = Config { operator: nova.operator.clone(), ..Config::clone(acme) };
    for mode in [OpenMode::Migrate, OpenMode::ReadOnly] {
        for (fact, others) in [
            ("numbers key", facts(acme, KeyHolder::Origin("nova"))),
            ("source of accounts", facts(&other_source, KeyHolder::Origin("acme"))),
            ("operator", facts(&other_operator, KeyHolder::Origin("acme"))),
        ] {
            let refused = ledger.open_with_facts(mode, 1, &others).await.err();
            let refusal = StoreError::AnotherLedger { fact, has_subscribers: false };
            assert_eq!(refused, Some(refusal), "{mode:?}");
        }
        ledger.open_with_facts(mode, 1, &own).await.expect("a refusal changes nothing");
    }
}

#[tokio::test]
async fn account_status_decides_each_charge() {
    for (from, to, reason, then) in [
        ("+12025550101,active", "+12025550101,suspended", "account-on-hold", "APPROVED"),
        ("+12025550101,active", "+12025550101,ceased", "account-closed", "DECLINED"),
    ] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.acme.import_accounts(&ACME_ACCOUNTS.replace(from, to)).await;
        let (code, answer) = post_charge(&system, &pai, "c-1").await;
        assert_eq!(code, StatusCode::CREATED);
        assert_eq!((&answer["status"], &answer["declineReason"]), (&json!("DECLINED"), &json!(reason)));
        // A hold ends; a closed PAI stays closed, even when the account comes back.
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        assert_eq!(post_charge(&system, &pai, "c-2").await.1["status"], then);
    }
}

#[tokio::test]
async fn billing_decline_is_final_with_its_code() {
    let system = TestSystem::start();
    // A stale import lets the check at sign-up pass; billing knows better.
    let generous =
        ACME_ACCOUNTS.replace("+12025550104,active,prepaid,120", "+12025550104,active,prepaid,99999");
    system.acme.import_accounts(&generous).await;
    system.sign_up(&system.acme, "+12025550104", AccountChoice::New("ann@example.com")).await;
    let run = system.run_billing("2026-12").await;
    assert_eq!(run["totals"]["declined"], 1, "{run}");
    let charge = &run["charges"][0];
    let now = query_status(&system, charge["extTransactionID"].as_str().expect("is text")).await;
    assert_eq!((&now["status"], &now["declineReason"]), (&json!("DECLINED"), &json!("insufficient-balance")));
    assert_eq!(now["rawResult"]["scope"], "billing");
    assert!(system.bill_lines(&system.acme, "+12025550104").await.is_empty());
}

#[tokio::test]
async fn odd_answer_of_billing_costs_no_approval() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (id, body, expected) in [
        ("c-1", "{\"status\":\"APPROVED\",\"rawCode\":0}", "APPROVED"),
        ("c-2", "\u{feff}{\"rawCode\":{},\"Status\":\" approved\",}\n\0", "APPROVED"),
        ("c-3", "{\"rawCode\":null,\"status\":\"declined\"}", "DECLINED"),
        (
            "c-6",
            "{\"billedOn\":\"next month\",\"status\":\"APPROVED\",\"tax\":{\"status\":\"DECLINED\"}}",
            "APPROVED",
        ),
        ("c-7", "{\"billedOn\":20261201,\"status\":\"APPROVED\",\"chargeCode\":null}", "APPROVED"),
        ("c-8", "{\"billedOn\":[],\"rawCode\":51,\"status\":\"DECLINED\"}", "DECLINED"),
        ("c-4", "{\"status\":\"APPROVED\",\"status\":\"DECLINED\"}", "PENDING"),
        ("c-5", "[\"APPROVED\",null]", "PENDING"),
    ] {
        let billing = Router::new().fallback(async move || (StatusCode::CREATED, body));
        system.network.attach_service(system.acme.dashboard_address, billing);
        assert_eq!(post_charge(&system, &pai, id).await.1["status"], expected, "{body}");
    }
}

#[tokio::test]
async fn concurrent_posts_of_one_id_charge_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let posts = (0..32).map(|_| post_charge(&system, &pai, "c-1"));
    let answers = futures_util::future::join_all(posts).await;
    let created = answers.iter().filter(|(code, _)| *code == StatusCode::CREATED).count();
    assert_eq!(created, 1, "{answers:?}");
    for (code, body) in answers {
        let fine = matches!(code, StatusCode::CREATED | StatusCode::OK) && body["status"] == "APPROVED"
            || code == StatusCode::CONFLICT && body["code"] == "request-in-progress";
        assert!(fine, "{code} {body}");
    }
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}
