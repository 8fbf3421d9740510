//! A partner's app on a device: it reads the number of the SIM, and charges go to its bill.
//!
//! Acme trusts the partner for the number. Nova asks for a PIN: `pins.rs`. Who else may call is in
//! `callers.rs`.

mod callers;
mod ceilings;
mod pins;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, KeyHolder, NetworkFault, TestOperator, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const PREPAID: &str = "+12025550103";
const POOR: &str = "+12025550104";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const UNKNOWN: &str = "+12025550199";

const VALIDATE: &str = "/ott/v1/account/validate";
const HOUR: i64 = 3_600;

async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// The app's query about the SIM of an Acme customer.
async fn validate_number(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    system.call_ott(Method::POST, VALIDATE, json!({"msisdn": number, "operator": "acme"})).await
}

/// The PAI in a successful response.
fn pai_in((status, answer): &(StatusCode, Value)) -> String {
    assert_eq!(*status, StatusCode::OK, "{answer}");
    answer["pai"].as_str().expect("is text").to_owned()
}

/// A refusal's status and code.
fn status_and_code((status, answer): &(StatusCode, Value)) -> (u16, String) {
    (status.as_u16(), answer["code"].as_str().unwrap_or_default().to_owned())
}

fn expected_refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The app's customer finishes at the partner.
async fn post_subscription(system: &TestSystem, pai: &str, id: &str) {
    let body = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": "standard"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

/// Something happens to a number's account at its operator, `ago` seconds ago.
async fn report_event(
    system: &TestSystem,
    operator: &TestOperator,
    id: &'static str,
    what: &str,
    number: &str,
    ago: i64,
) {
    let at = system.now().plus_seconds(-ago).to_string();
    let event = json!({"eventID": id, "type": what, "msisdn": number, "occurredAt": at});
    let mut request = Request::post(format!("http://{}/operator/v1/account-events", operator.origin_address))
        .header("content-type", "application/json")
        .body(Bytes::from(event.to_string()))
        .expect("is a request");
    let (holder, party) =
        if operator.id() == "acme" { ("acme", "operator:acme") } else { ("nova", "operator:nova") };
    let ring = keys::keyring(&KeyHolder::Operator(holder));
    let key = ring.signing_key(KeyUse::OperatorToOrigin, party).expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    assert_eq!(system.send_request(request).await.0, StatusCode::OK);
}

/// The three cases that the market's incumbent publishes for an integration to pass, verbatim.
#[tokio::test]
async fn certification() {
    let system = start_system().await;
    // An active account.
    let answer = validate_number(&system, GOOD).await;
    let pai = pai_in(&answer);
    assert_eq!(answer.1, json!({"status": "ACTIVE", "type": "postpaid", "pai": pai, "operator": "acme"}));
    // One that has ended, and one that never existed.
    for number in [CEASED, UNKNOWN] {
        assert_eq!(
            status_and_code(&validate_number(&system, number).await),
            expected_refusal(404, "account-not-found"),
            "{number}"
        );
    }
    // One whose bill is unpaid.
    assert_eq!(
        status_and_code(&validate_number(&system, SUSPENDED).await),
        expected_refusal(400, "suspended-non-payment")
    );
}

#[tokio::test]
async fn prepaid_balance_has_to_cover_the_price() {
    let mut system = start_system().await;
    let answer = validate_number(&system, PREPAID).await;
    assert_eq!((answer.0, &answer.1["type"]), (StatusCode::OK, &json!("prepaid")));
    assert_eq!(
        status_and_code(&validate_number(&system, POOR).await),
        expected_refusal(400, "insufficient-balance")
    );
    // The balance is queried live.
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("4,active,prepaid,120,", "4,active,prepaid,1599,"))
        .await;
    let pai = pai_in(&validate_number(&system, POOR).await);
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    assert_eq!(
        status_and_code(&validate_number(&system, POOR).await),
        expected_refusal(400, "insufficient-balance")
    );
    // Without a named offer, the cheaper one applies.
    system.reconfigure_acme(|config| {
        let mut basic = config.offers[0].clone();
        basic.id = serde_json::from_value(json!("netflix-basic")).expect("is an offer's name");
        basic.price.amount_minor = 120;
        config.offers.push(basic);
    });
    assert_eq!(pai_in(&validate_number(&system, POOR).await), pai);
    for (offer, expected) in [
        ("netflix-basic", expected_refusal(200, "")),
        ("netflix-standard", expected_refusal(400, "insufficient-balance")),
        ("netflix-gold", expected_refusal(400, "parameter-not-supported")),
    ] {
        let body = json!({"msisdn": POOR, "operator": "acme", "offer": offer});
        assert_eq!(
            status_and_code(&system.call_ott(Method::POST, VALIDATE, body).await),
            expected,
            "{offer}"
        );
    }
}

#[tokio::test]
async fn device_pays_on_the_bill_of_its_sim() {
    let system = start_system().await;
    let pai = pai_in(&validate_number(&system, GOOD).await);
    // At once, while only the origin knows the PAI; and after the outbox has reported it to the
    // edge.
    post_subscription(&system, &pai, "s-1").await;
    let key = format!("pai/{pai}");
    system.edge.kv_set(&key, None);
    assert_eq!(system.acme.deliver_due().await, 1);
    let (_, mapping) = system.edge.kv_entries().into_iter().find(|(at, _)| *at == key).expect("was told");
    let mapping: Value = serde_json::from_str(&mapping).expect("is JSON");
    assert_eq!((&mapping["operator"], &mapping["version"]), (&json!("acme"), &json!(1)));
    let (_, charged) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "t-1", 1599)).await;
    assert_eq!(charged["status"], "APPROVED", "{charged}");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    // A customer who pays on the bill gets the same response, and is known to the widget.
    assert_eq!(pai_in(&validate_number(&system, GOOD).await), pai);
    assert_eq!(system.acme.deliver_due().await, 0, "nothing is new");
    assert_eq!(system.enter_session_number(&system.acme, GOOD).await.1["step"], "already-on-bill");
}

#[tokio::test]
async fn subscriber_is_the_same_by_device_and_widget() {
    let system = start_system().await;
    let pai = pai_in(&validate_number(&system, GOOD).await);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    assert_eq!(system.pai_of("ann@example.com").await, pai);
    assert_eq!(pai_in(&validate_number(&system, GOOD).await), pai);
}

#[tokio::test]
async fn reassigned_number_identifies_another_subscriber() {
    let system = start_system().await;
    let old = pai_in(&validate_number(&system, GOOD).await);
    post_subscription(&system, &old, "s-1").await;
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-01")).await;
    let new = pai_in(&validate_number(&system, GOOD).await);
    assert_ne!(new, old);
    let (_, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&old, "t-1", 1599)).await;
    assert_eq!(answer["declineReason"], "account-closed-taken-over", "{answer}");
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn held_pai_is_not_called_active() {
    let system = start_system().await;
    let pai = pai_in(&validate_number(&system, GOOD).await);
    // The table follows the event. An older import contradicts it, but the event happened this very
    // second.
    report_event(&system, &system.acme, "e-1", "suspended", GOOD, 0).await;
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "suspended-non-payment")
    );
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "suspended-non-payment")
    );
    system.advance_seconds(1);
    assert_eq!(pai_in(&validate_number(&system, GOOD).await), pai, "the operator's word since");
}

#[tokio::test]
async fn new_sim_identifies_no_subscriber_for_three_days() {
    let system = start_system().await;
    report_event(&system, &system.acme, "e-1", "sim-swapped", GOOD, 0).await;
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "account-not-eligible")
    );
    system.advance_seconds(72 * HOUR - 1);
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "account-not-eligible")
    );
    system.advance_seconds(1);
    let pai = pai_in(&validate_number(&system, GOOD).await);
    // A query does not make a customer a payer; a subscription does.
    report_event(&system, &system.acme, "e-2", "sim-swapped", GOOD, 0).await;
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "account-not-eligible")
    );
    post_subscription(&system, &pai, "s-1").await;
    assert_eq!(pai_in(&validate_number(&system, GOOD).await), pai);
    // The number's next subscriber does not inherit the subscription of the previous one.
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-01")).await;
    assert_eq!(
        status_and_code(&validate_number(&system, GOOD).await),
        expected_refusal(400, "account-not-eligible")
    );
}

#[tokio::test]
async fn unreachable_operator_reveals_no_account() {
    let mut system = start_system().await;
    let netflix = |config: &mut onbill_origin::config::Config| {
        config.partners[0].number_proof = onbill_origin::config::NumberProof::DeviceRead;
    };
    system.reconfigure_nova(netflix);
    let body = || json!({"msisdn": "+34612345601", "operator": "nova"});
    for silent in [
        format!("{}/csp/account/validate", system.nova.dashboard_address),
        system.nova.origin_address.to_owned(),
    ] {
        system.network.inject_fault(&silent, NetworkFault::Lost);
        let answer = system.call_ott(Method::POST, VALIDATE, body()).await;
        assert_eq!(status_and_code(&answer), expected_refusal(503, "service-unavailable"));
        system.network.clear_faults();
    }
    // A lost response is asked for again: it is the same customer, whom the edge learns of once.
    system.network.inject_fault_for(&format!("{EDGE}{VALIDATE}"), NetworkFault::AnswerLost, 1);
    assert!(system.try_call_ott(Method::POST, VALIDATE, body()).await.is_none());
    let pai = pai_in(&system.call_ott(Method::POST, VALIDATE, body()).await);
    assert_eq!(system.nova.deliver_due().await, 1);
    assert_eq!(system.edge.kv_entries().len(), 1);
    assert_eq!(pai_in(&system.call_ott(Method::POST, VALIDATE, body()).await), pai);
}
