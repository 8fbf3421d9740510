//! The later states of a subscription: the partner suspends, resumes and ends it.

use http::{Method, StatusCode};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

/// A test system with a subscriber of Acme's; their PAI, and the path of their subscription.
pub(crate) async fn system_with_subscription() -> (TestSystem, String, String) {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let body = json!({"msisdn": GOOD, "operator": "acme"});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    let pai = answer["pai"].as_str().expect("is text").to_owned();
    let path = post_subscription(&system, &pai, "s-1").await;
    (system, pai, path)
}

async fn post_subscription(system: &TestSystem, pai: &str, id: &str) -> String {
    let body = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": "standard"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let id = answer["partnerSubscriptionID"].as_str().expect("is text");
    format!("/ott/v1/partnerSubscription/{id}")
}

/// Changes it. Returns the HTTP status, and the status or the code in the response.
pub(crate) async fn change_status(system: &TestSystem, path: &str, status: &str) -> (u16, String) {
    status_and_code(
        system.call_ott(Method::PUT, path, json!({"status": status, "reason": "As they wish"})).await,
    )
}

fn status_and_code((status, answer): (StatusCode, Value)) -> (u16, String) {
    let said = answer["status"].as_str().or(answer["code"].as_str()).unwrap_or_default().to_owned();
    (status.as_u16(), said)
}

fn expected_answer(status: u16, said: &str) -> (u16, String) {
    (status, said.to_owned())
}

#[tokio::test]
async fn subscription_is_suspended_resumed_and_cancelled_permanently() {
    let (system, pai, path) = system_with_subscription().await;
    for status in ["SUSPENDED", "SUSPENDED", "ACTIVE", "CANCELLED", "CANCELLED"] {
        assert_eq!(change_status(&system, &path, status).await, expected_answer(200, status));
    }
    for status in ["ACTIVE", "SUSPENDED"] {
        assert_eq!(change_status(&system, &path, status).await, expected_answer(400, "invalid-request"));
    }
    // A period that had begun is still paid for, and refunded where necessary; a later one is not.
    let mut november = charge_body(&pai, "t-1", 1599);
    november["servicePeriod"] = json!({"from": "2026-11-18", "to": "2026-12-17"});
    let (_, charged) = system.call_ott(Method::POST, "/ott/v1/transaction", november).await;
    assert_eq!(charged["status"], "APPROVED");
    let (_, declined) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "t-2", 1599)).await;
    assert_eq!(declined["rawResult"], json!({"scope": "mandate", "rawCode": "ended"}));
    // A returning customer is the one whom the partner knows, with another subscription.
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    assert_eq!(system.pai_of("ann@example.com").await, pai);
    assert_eq!(
        change_status(&system, &path, "CANCELLED").await,
        expected_answer(200, "CANCELLED"),
        "the first one is over"
    );
    // What they have paid for on the same day goes into December.
    assert_eq!(system.run_billing("2026-12").await["totals"]["approved"], 0);
    assert_eq!(system.run_billing("2027-01").await["totals"]["approved"], 1);
}

#[tokio::test]
async fn subscription_of_former_subscriber_is_over() {
    let (system, _, path) = system_with_subscription().await;
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-01")).await;
    let body = json!({"msisdn": GOOD, "operator": "acme"});
    system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    assert_eq!(change_status(&system, &path, "ACTIVE").await, expected_answer(400, "invalid-request"));
    assert_eq!(change_status(&system, &path, "CANCELLED").await, expected_answer(200, "CANCELLED"));
}

#[tokio::test]
async fn subscription_is_changed_by_its_partner_only() {
    let (system, pai, path) = system_with_subscription().await;
    let cancelled = json!({"status": "CANCELLED"});
    let tunes = keys::keyring(&KeyHolder::Partner("tunes"));
    let other = system.sign_with(&tunes, &Method::PUT, &path, &cancelled);
    assert_eq!(
        status_and_code(system.send_request(other).await),
        expected_answer(404, "subscription-not-found")
    );
    let unsigned = TestSystem::unsigned_request(&Method::PUT, &path, &cancelled);
    assert_eq!(
        status_and_code(system.send_request(unsigned).await),
        expected_answer(401, "authorization-failure")
    );
    // Intercepted on its way, and sent again when the customer has come back.
    let held_back = system.sign_as_partner(&Method::PUT, &path, &json!({"status": "SUSPENDED"}));
    assert_eq!(
        status_and_code(system.send_request(held_back.clone()).await),
        expected_answer(200, "SUSPENDED")
    );
    assert_eq!(change_status(&system, &path, "ACTIVE").await, expected_answer(200, "ACTIVE"));
    assert_eq!(
        status_and_code(system.send_request(held_back).await),
        expected_answer(401, "authorization-failure")
    );
    let unknown = "/ott/v1/partnerSubscription/00000000-0000-4000-8000-000000000000";
    assert_eq!(
        change_status(&system, unknown, "CANCELLED").await,
        expected_answer(404, "subscription-not-found")
    );
    // It is still the active one.
    let body = json!({"pai": pai, "extSubscriptionID": "s-2", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let another = system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status_and_code(another), expected_answer(400, "account-not-eligible"));
}

#[tokio::test]
async fn edge_in_the_wrong_hands_ends_nothing() {
    let (system, _, path) = system_with_subscription().await;
    // The partner's genuine report about another subscription, in the edge's own call.
    let genuine = system.sign_as_partner(
        &Method::PUT,
        &path.replace("partnerSubscription/", "partnerSubscription/x"),
        &json!({"status": "CANCELLED"}),
    );
    let mut forged = http::Request::put(format!("http://{}{path}", system.acme.origin_address))
        .header("content-type", "application/json")
        .body(genuine.body().clone())
        .expect("is a request");
    for name in ["signature-input", "signature"] {
        let passed_on = http::HeaderName::try_from(format!("onbill-partner-{name}")).expect("is a name");
        forged.headers_mut().insert(passed_on, genuine.headers()[name].clone());
    }
    let ring = keys::keyring(&KeyHolder::Edge);
    let key = ring.signing_key(onbill_domain::key::KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    onbill_domain::signature::sign_request(&mut forged, key, system.now(), &system.next_nonce())
        .expect("signs");
    assert_eq!(
        status_and_code(system.send_request(forged).await),
        expected_answer(401, "authorization-failure")
    );
    assert_eq!(
        change_status(&system, &path, "ACTIVE").await,
        expected_answer(200, "ACTIVE"),
        "it is not over"
    );
}

#[tokio::test]
async fn subscription_change_waits_for_every_operator() {
    let (system, _, path) = system_with_subscription().await;
    system.network.inject_fault(system.nova.origin_address, NetworkFault::Lost);
    assert_eq!(change_status(&system, &path, "CANCELLED").await, expected_answer(503, "service-unavailable"));
    system.network.clear_faults();
    // The response is lost: the retry gets the same one.
    system.network.inject_fault_for(
        &format!("{}{path}", system.acme.origin_address),
        NetworkFault::AnswerLost,
        1,
    );
    assert_eq!(change_status(&system, &path, "CANCELLED").await, expected_answer(503, "service-unavailable"));
    assert_eq!(change_status(&system, &path, "CANCELLED").await, expected_answer(200, "CANCELLED"));
}
