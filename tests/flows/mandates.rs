//! What a customer agreed to: a charge needs it, whichever way the customer came.

mod changes;
mod evidence;
mod reports;
mod returns;

use http::{Method, StatusCode};
use onbill_origin::config::{ChargeNeeds, OperatorTimeZone, RepeatedPeriod};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const SUBSCRIPTION: &str = "/ott/v1/partnerSubscription";
const DAY: i64 = 86_400;

async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// The PAI of a number that the partner's app has read.
async fn read_number(system: &TestSystem, number: &str) -> String {
    let body = json!({"msisdn": number, "operator": "acme"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["pai"].as_str().expect("is text").to_owned()
}

async fn post(system: &TestSystem, body: Value) -> (StatusCode, Value) {
    system.call_ott(Method::POST, "/ott/v1/transaction", body).await
}

/// The status of a charge, or the code of its decline.
async fn charge(system: &TestSystem, pai: &str, id: &str, value: i64) -> String {
    charge_result(&post(system, charge_body(pai, id, value)).await)
}

/// A charge of 15.99 for these days.
async fn charge_days(system: &TestSystem, pai: &str, id: &str, from: &str, to: &str) -> String {
    let mut body = charge_body(pai, id, 1599);
    body["servicePeriod"] = json!({"from": from, "to": to});
    charge_result(&post(system, body).await)
}

fn charge_result((status, answer): &(StatusCode, Value)) -> String {
    assert!(status.is_success(), "{answer}");
    if answer["status"] != "DECLINED" {
        return answer["status"].as_str().expect("is text").to_owned();
    }
    assert_eq!(answer["declineReason"], "risk-declined", "{answer}");
    let raw = &answer["rawResult"];
    format!("{} {}", raw["scope"].as_str().expect("is there"), raw["rawCode"].as_str().expect("is there"))
}

/// A device asks about a number and is charged for it: nobody has agreed to anything.
#[tokio::test]
async fn two_device_calls_charge_nothing() {
    let system = start_system().await;
    let pai = read_number(&system, GOOD).await;
    let (status, answer) = post(&system, charge_body(&pai, "c-1", 1599)).await;
    let expected = json!({"transactionID": answer["transactionID"], "extTransactionID": "c-1",
        "status": "DECLINED", "declineReason": "risk-declined",
        "rawResult": {"scope": "mandate", "rawCode": "none"}});
    assert_eq!((status, &answer), (StatusCode::CREATED, &expected));
    // It is recorded, also when somebody has agreed since.
    system.subscribe_in_app(GOOD, "s-1", 1599).await;
    assert_eq!(post(&system, charge_body(&pai, "c-1", 1599)).await, (StatusCode::OK, expected.clone()));
    let found = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(found, (StatusCode::OK, expected));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    assert_eq!(charge(&system, &pai, "c-2", 1599).await, "APPROVED");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

/// The widget says: "Nothing is charged before you finish there".
#[tokio::test]
async fn unfinished_visit_charges_nothing() {
    let system = start_system().await;
    let flow = system.prove_number(&system.acme, GOOD).await;
    let page = system.open_signup(&system.acme, &flow).await;
    let pai = read_number(&system, GOOD).await;
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "mandate none");
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    assert_eq!(charge(&system, &pai, "c-2", 1599).await, "APPROVED");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn charge_above_agreed_price_is_declined() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(charge(&system, &pai, "c-1", 1600).await, "mandate over-price");
    assert_eq!(charge_days(&system, &pai, "c-2", "2026-12-01", "2026-12-10").await, "mandate over-price");
    assert_eq!(charge(&system, &pai, "c-3", 1599).await, "APPROVED");
    // Months together cost what they cost.
    let mut quarter = charge_body(&pai, "c-9", 3 * 1599);
    quarter["servicePeriod"] = json!({"from": "2027-03-01", "to": "2027-05-31"});
    assert_eq!(charge_result(&post(&system, quarter).await), "APPROVED");
}

#[tokio::test]
async fn period_is_charged_under_one_id() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "APPROVED");
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "APPROVED", "a replay goes on");
    assert_eq!(
        charge_days(&system, &pai, "again", "2026-12-31", "2027-01-30").await,
        "mandate period-charged"
    );
    let refund = json!({"extRefundID": "r-1", "reason": "Charged wrongly"});
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(
        charge_days(&system, &pai, "corrected", "2026-12-01", "2026-12-31").await,
        "APPROVED",
        "a period that was refunded is free"
    );
}

#[tokio::test]
async fn operator_may_let_repeated_periods_pass() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.reconfigure_acme(|config| config.partners[0].repeated_period = RepeatedPeriod::Alarm);
    let (log, _guard) = LogCapture::capture_thread(tracing::Level::ERROR);
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "APPROVED");
    assert_eq!(log.count("period-charged-again"), 0);
    assert_eq!(charge_days(&system, &pai, "again", "2026-12-01", "2026-12-31").await, "APPROVED");
    assert_eq!(log.count("period-charged-again"), 1);
    assert_eq!(charge(&system, &pai, "c-2", 1600).await, "mandate over-price");
}

#[tokio::test]
async fn partner_may_need_less_than_a_mandate() {
    let mut system = start_system().await;
    let pai = read_number(&system, GOOD).await;
    system.reconfigure_acme(|config| config.partners[0].charge_needs = ChargeNeeds::Subscription);
    assert_eq!(charge(&system, &pai, "c-1", 1599).await, "mandate none");
    system.subscribe_in_app(GOOD, "s-1", 1).await;
    assert_eq!(charge(&system, &pai, "c-2", 1599).await, "APPROVED");
    system.reconfigure_acme(|config| config.partners[0].charge_needs = ChargeNeeds::Pai);
    assert_eq!(charge_days(&system, &pai, "again", "2027-01-01", "2027-01-31").await, "APPROVED");
    system.reconfigure_acme(|config| config.partners[0].charge_needs = ChargeNeeds::Mandate);
    assert_eq!(charge(&system, &pai, "c-3", 2).await, "mandate over-price");
}

/// Advances the clock to this time.
fn advance_to(system: &TestSystem, time: &str) {
    let time = onbill_domain::timestamp::Timestamp::parse(time).expect("is a time");
    system.advance_seconds(time.seconds_since(system.now()));
}

async fn cancel(system: &TestSystem) {
    let subscriptions = system.network.calls_to(onbill_test_harness::EDGE, SUBSCRIPTION);
    let (request, _) = subscriptions.last().expect("was reported");
    let request: Value = serde_json::from_slice(request).expect("is JSON");
    let (_, answer) = system.call_ott(Method::POST, SUBSCRIPTION, request).await;
    let id = answer["partnerSubscriptionID"].as_str().expect("is text");
    let path = format!("{SUBSCRIPTION}/{id}");
    let (status, answer) = system.call_ott(Method::PUT, &path, json!({"status": "CANCELLED"})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// December begins at 06:00 UTC in Chicago, and at 23:00 UTC of the day before in Madrid.
#[tokio::test]
async fn cancelled_subscription_charges_periods_that_had_begun() {
    for (zone, cancelled_at, expected) in [
        ("America/Chicago", "2026-12-01T05:59:59Z", "mandate ended"),
        ("America/Chicago", "2026-12-01T06:00:00Z", "APPROVED"),
        ("Europe/Madrid", "2026-11-30T22:59:59Z", "mandate ended"),
        ("Europe/Madrid", "2026-11-30T23:00:00Z", "APPROVED"),
        ("UTC", "2026-11-30T23:59:59Z", "mandate ended"),
        ("UTC", "2026-12-01T00:00:00Z", "APPROVED"),
    ] {
        let (mut system, pai) = TestSystem::with_app_subscriber(GOOD, 1599).await;
        let zone = OperatorTimeZone::try_from(zone.to_owned()).expect("is a zone");
        system.reconfigure_acme(|config| config.time_zone = zone.clone());
        advance_to(&system, cancelled_at);
        cancel(&system).await;
        system.advance_seconds(DAY);
        assert_eq!(charge(&system, &pai, "c-1", 1599).await, expected, "{zone:?} {cancelled_at}");
        assert_eq!(charge(&system, &pai, "c-2", 1599).await, "mandate ended");
    }
}

#[tokio::test]
async fn closed_pai_has_its_own_reason() {
    let (system, pai) = TestSystem::with_app_subscriber(GOOD, 1599).await;
    let (netflix, id) = (
        onbill_domain::ids::PartnerId::parse("netflix").expect("is a slug"),
        onbill_domain::pai::Pai::parse(&pai).expect("is one"),
    );
    let reason = onbill_domain::decline_reason::DeclineReason::PaiRevokedByUser;
    system.acme.app().store.close_pai(system.now(), netflix, id, reason).await.expect("works");
    let (_, answer) = post(&system, charge_body(&pai, "c-1", 9999)).await;
    assert_eq!((&answer["declineReason"], answer.get("rawResult")), (&json!("pai-revoked-by-user"), None));
}

#[tokio::test]
async fn price_that_cannot_be_agreed_is_refused() {
    let mut system = start_system().await;
    system.set_acme_price_ceiling(1999);
    let pai = read_number(&system, GOOD).await;
    let tomorrow = system.now().plus_seconds(DAY).to_string();
    let with = |member: &str, value: Value| {
        let mut body = json!({"pai": pai, "extSubscriptionID": "s-1", "origin": "NEW_ACCOUNT",
                              "plan": "standard"});
        body[member] = value;
        body
    };
    for (body, says) in [
        (with("price", json!({"value": 0, "currency": "USD"})), "positive"),
        (with("price", json!({"value": -1, "currency": "USD"})), "positive"),
        (with("price", json!({"value": 2000, "currency": "USD"})), "ceiling of 19.99 USD"),
        (with("price", json!({"value": 1599, "currency": "EUR"})), "currency"),
        (with("price", json!(1599)), ""),
        (with("consentAt", json!(tomorrow)), "future"),
        (with("consentAt", json!("yesterday")), ""),
        (with("plan", json!("premium")), "price is needed"),
    ] {
        let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, body.clone()).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")), "{body}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(says)), "{answer}");
    }
    // Nothing of it was recorded: the id is free.
    let (status, answer) = system
        .call_ott(Method::POST, SUBSCRIPTION, with("price", json!({"value": 1999, "currency": "USD"})))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(charge(&system, &pai, "c-1", 1999).await, "APPROVED");
}
