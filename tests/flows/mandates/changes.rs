//! Another plan or price from a day on: the subscriber is informed, and the new mandate holds.

use super::{DAY, GOOD, SUBSCRIPTION, advance_to, charge, charge_days, start_system};
use axum::Router;
use axum::routing::post;
use http::{Method, StatusCode};
use onbill_origin::config::PriceNoticeDays;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{TestSystem, db_folder, write_password_file};
use serde_json::{Value, json};

/// A customer who has signed up in the widget; their PAI, and the path of their
/// subscription.
pub(super) async fn system_with_subscription() -> (TestSystem, String, String) {
    let system = start_system().await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = system.pai_of("ann@example.com").await;
    let path = subscription_path(&system).await;
    (system, pai, path)
}

/// The path of the subscription that was reported last, by a replay of the report.
async fn subscription_path(system: &TestSystem) -> String {
    let subscriptions = system.network.calls_to(onbill_test_harness::EDGE, SUBSCRIPTION);
    let (request, _) = subscriptions.last().expect("was reported");
    let request: Value = serde_json::from_slice(request).expect("is JSON");
    let (status, answer) = system.call_ott(Method::POST, SUBSCRIPTION, request).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    format!("{SUBSCRIPTION}/{}", answer["partnerSubscriptionID"].as_str().expect("is text"))
}

pub(super) fn new_price(id: &str, value: i64, from: &str) -> Value {
    json!({"changeID": id, "price": {"value": value, "currency": "USD"}, "effectiveFrom": from})
}

/// The HTTP status, and the status or the message in the response.
pub(super) async fn change(system: &TestSystem, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = system.call_ott(Method::PUT, path, body).await;
    let said = answer["status"].as_str().or(answer["message"].as_str()).unwrap_or_default();
    (status.as_u16(), said.to_owned())
}

async fn assert_refused(system: &TestSystem, path: &str, body: Value, says: &str) {
    let (status, said) = change(system, path, body.clone()).await;
    assert!(status == 400 && said.contains(says), "{body}: {status} {said}");
}

#[tokio::test]
async fn higher_price_holds_from_its_day() {
    let (system, pai, path) = system_with_subscription().await;
    // 2026-11-18 is today.
    let rise = new_price("ch-1", 1799, "2027-01-01");
    assert_eq!(change(&system, &path, rise.clone()).await, (200, "ACTIVE".to_owned()));
    assert_eq!(charge(&system, &pai, "c-1", 1799).await, "mandate over-price", "December");
    assert_eq!(charge_days(&system, &pai, "dec", "2026-12-01", "2026-12-31").await, "APPROVED");
    assert_eq!(charge(&system, &pai, "c-2", 1800).await, "mandate over-price", "January");
    let january = json!({"extTransactionID": "jan", "pai": pai, "amount": {"value": 1799, "currency": "USD"},
        "description": "Netflix Standard", "servicePeriod": {"from": "2027-01-01", "to": "2027-01-31"}});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", january).await;
    assert_eq!(answer["status"], "APPROVED", "{answer}");
    // The subscriber is informed once, however often the partner repeats it.
    assert_eq!(change(&system, &path, rise).await, (200, "ACTIVE".to_owned()));
    let received = system.sms_received(&system.acme, GOOD).await;
    let announcements: Vec<_> = received.iter().filter(|sms| sms.contains("17.99")).collect();
    assert_eq!(
        announcements,
        ["Acme Mobile: from 1 Jan 2027, Netflix Standard costs 17.99 USD a month on your bill. If you do \
          not want that, cancel at Netflix before then."]
    );
}

fn count_sms(received: &[String], text: &str) -> usize {
    received.iter().filter(|sms| sms.contains(text)).count()
}

#[tokio::test]
async fn announced_rise_is_withdrawn_before_its_day() {
    let (system, pai, path) = system_with_subscription().await;
    let rise = new_price("ch-1", 1799, "2027-01-01");
    assert_eq!(change(&system, &path, rise.clone()).await.0, 200);
    system.acme.deliver_due().await;
    // It may be lower than was announced, and at last nothing.
    assert_eq!(change(&system, &path, new_price("ch-2", 1699, "2027-01-01")).await.0, 200);
    system.acme.deliver_due().await;
    let back = new_price("ch-3", 1599, "2027-01-01");
    for _ in 0..2 {
        assert_eq!(change(&system, &path, back.clone()).await, (200, "ACTIVE".to_owned()));
        system.acme.deliver_due().await;
    }
    let received = system.sms_received(&system.acme, GOOD).await;
    assert_eq!((count_sms(&received, "17.99"), count_sms(&received, "16.99")), (1, 1));
    assert_eq!(
        received.last().map(String::as_str),
        Some(
            "Acme Mobile: Netflix Standard still costs 15.99 USD a month. The change announced for 1 Jan 2027 \
             will not happen."
        )
    );
    // What was announced is a used id, and covers nothing.
    assert_eq!(change(&system, &path, rise).await, (200, "ACTIVE".to_owned()), "a replay changes nothing");
    assert_eq!(change(&system, &path, new_price("ch-3", 1699, "2027-01-01")).await.0, 422);
    let january = |id: &str, value: i64| {
        json!({"extTransactionID": id, "pai": pai, "amount": {"value": value, "currency": "USD"},
            "description": "Netflix Standard", "servicePeriod": {"from": "2027-01-01", "to": "2027-01-31"}})
    };
    for (id, value, status) in [("j-1", 1699, "DECLINED"), ("j-2", 1599, "APPROVED")] {
        let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", january(id, value)).await;
        assert_eq!(answer["status"], status, "{answer}");
    }
}

/// The announcement has arrived, and nothing that follows has left yet.
#[tokio::test]
async fn last_of_several_changes_is_what_the_customer_reads() {
    let (system, _, path) = system_with_subscription().await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    system.acme.deliver_due().await;
    for (id, value) in [("ch-2", 1599), ("ch-3", 1799), ("ch-4", 1599)] {
        assert_eq!(change(&system, &path, new_price(id, value, "2027-01-01")).await.0, 200);
    }
    system.acme.deliver_due().await;
    let received = system.sms_received(&system.acme, GOOD).await;
    assert_eq!((count_sms(&received, "17.99"), count_sms(&received, "will not happen")), (1, 1));
    assert!(received.last().is_some_and(|sms| sms.contains("still costs 15.99 USD")), "{received:?}");
}

/// The customer has agreed to the withdrawal at the partner. They keep what they have, and do not have
/// to cancel in order to keep it.
#[tokio::test]
async fn withdrawal_with_consent_reads_as_a_withdrawal() {
    let (system, _, path) = system_with_subscription().await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    system.acme.deliver_due().await;
    system.advance_seconds(DAY);
    let mut back = new_price("ch-2", 1599, "2027-01-01");
    back["consentAt"] = json!(system.now().to_string());
    for _ in 0..2 {
        assert_eq!(change(&system, &path, back.clone()).await, (200, "ACTIVE".to_owned()));
        system.acme.deliver_due().await;
    }
    let received = system.sms_received(&system.acme, GOOD).await;
    assert_eq!(count_sms(&received, "from 1 Jan 2027"), 1, "only what was announced first: {received:?}");
    assert_eq!(count_sms(&received, "still costs 15.99 USD a month"), 1, "{received:?}");
}

/// A withdrawal is a change like any other: what would make it dearer needs notice, and its day must not
/// have come.
#[tokio::test]
async fn what_the_customer_counts_on_is_not_withdrawn() {
    let (system, _, path) = system_with_subscription().await;
    assert_eq!(change(&system, &path, new_price("ch-1", 999, "2026-11-20")).await.0, 200);
    assert_refused(&system, &path, new_price("ch-2", 1599, "2026-11-20"), "30 days of notice").await;
    assert_refused(&system, &path, new_price("ch-2", 799, "2026-11-19"), "must come after 2026-11-20").await;
    system.advance_seconds(2 * DAY);
    assert_refused(&system, &path, new_price("ch-2", 899, "2026-11-20"), "must come after 2026-11-20").await;
}

/// A customer who has agreed at the partner needs no notice, and is informed all the same.
#[tokio::test]
async fn upgrade_with_consent_holds_at_once() {
    let (mut system, pai, path) = system_with_subscription().await;
    system.reconfigure_acme(|config| {
        let mut premium = config.offers[0].clone();
        premium.id = serde_json::from_value(json!("netflix-premium")).expect("is an offer's name");
        premium.plan = serde_json::from_value(json!("premium")).expect("is a plan");
        premium.title = "Netflix Premium".to_owned();
        premium.price.amount_minor = 2299;
        premium.price_ceiling = Some(premium.price);
        config.offers.push(premium);
    });
    system.advance_seconds(DAY);
    let upgrade = |consent_at: &str, value: i64| {
        json!({"changeID": "ch-1", "plan": "premium", "price": {"value": value, "currency": "USD"},
            "effectiveFrom": "2026-11-19", "consentAt": consent_at})
    };
    let now = system.now();
    for (consent_at, value, says) in [
        (now.plus_seconds(DAY), 2299, "future"),
        (now.plus_seconds(-2 * DAY), 2299, "after the agreement"),
        // What they have agreed to so far is no consent to more.
        (now.plus_seconds(-DAY), 2299, "after the agreement"),
        (now, 2300, "ceiling of 22.99 USD"),
    ] {
        assert_refused(&system, &path, upgrade(&consent_at.to_string(), value), says).await;
    }
    let mut without = upgrade(&now.to_string(), 2299);
    without.as_object_mut().expect("is an object").remove("consentAt");
    assert_refused(&system, &path, without, "30 days of notice").await;
    let agreed = upgrade(&now.to_string(), 2299);
    for _ in 0..2 {
        assert_eq!(change(&system, &path, agreed.clone()).await, (200, "ACTIVE".to_owned()));
    }
    let another = upgrade(&now.plus_seconds(-60).to_string(), 2299);
    assert_eq!(change(&system, &path, another).await.0, 422, "another consent is another change");
    let today = json!({"extTransactionID": "c-1", "pai": pai, "amount": {"value": 2299, "currency": "USD"},
        "description": "Netflix Premium", "servicePeriod": {"from": "2026-11-19", "to": "2026-12-18"}});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", today).await;
    assert_eq!(answer["status"], "APPROVED", "{answer}");
    system.acme.deliver_due().await;
    let received = system.sms_received(&system.acme, GOOD).await;
    assert_eq!(count_sms(&received, "Netflix Premium costs 22.99 USD"), 1, "{received:?}");
}

/// No ceiling is set for the plan, and only the partner says that the customer has agreed.
#[tokio::test]
async fn consent_to_a_price_without_a_ceiling_has_a_limit() {
    let (system, _, path) = system_with_subscription().await;
    system.advance_seconds(DAY);
    let agreed = |value: i64| {
        let mut change = new_price("ch-1", value, "2026-11-20");
        change["consentAt"] = json!(system.now().to_string());
        change
    };
    assert_refused(&system, &path, agreed(2 * 1599 + 1), "must set a ceiling").await;
    assert_eq!(change(&system, &path, agreed(2 * 1599)).await, (200, "ACTIVE".to_owned()));
}

/// The account is looked up when the SMS is sent.
#[tokio::test]
async fn prepaid_customer_reads_of_their_balance() {
    let prepaid = "+12025550103";
    let system = start_system().await;
    system.sign_up(&system.acme, prepaid, AccountChoice::New("kim@example.com")).await;
    let path = subscription_path(&system).await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    system.acme.deliver_due().await;
    let received = system.sms_received(&system.acme, prepaid).await;
    assert_eq!(count_sms(&received, "17.99 USD a month, taken from your balance"), 1, "{received:?}");
    assert!(received.iter().all(|sms| !sms.contains("on your bill")), "{received:?}");
}

#[tokio::test]
async fn customer_reads_it_in_their_language() {
    let system = start_system().await;
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "fr"});
    let (_, step) = system.call_widget("/account/validate", body).await;
    let pin = system.read_pin(&system.acme, GOOD).await;
    let entered = json!({"operator": "acme", "flow": step["flow"], "pin": pin});
    let (_, step) = system.call_widget("/pin", entered).await;
    let page = system.open_signup(&system.acme, step["flow"].as_str().expect("is text")).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    let path = subscription_path(&system).await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    let received = system.sms_received(&system.acme, GOOD).await;
    assert!(received.last().is_some_and(|sms| sms.contains("par mois")), "{received:?}");
}

#[tokio::test]
async fn lower_price_and_known_plan_need_no_notice() {
    let (mut system, pai, path) = system_with_subscription().await;
    system.reconfigure_acme(|config| {
        let mut basic = config.offers[0].clone();
        basic.id = serde_json::from_value(json!("netflix-basic")).expect("is an offer's name");
        basic.plan = serde_json::from_value(json!("basic")).expect("is a plan");
        basic.price.amount_minor = 799;
        config.offers.push(basic);
    });
    let basic = json!({"changeID": "ch-1", "plan": "basic", "effectiveFrom": "2026-11-20"});
    assert_eq!(change(&system, &path, basic).await, (200, "ACTIVE".to_owned()));
    assert_eq!(charge(&system, &pai, "c-1", 800).await, "mandate over-price");
    assert_eq!(charge(&system, &pai, "c-2", 799).await, "APPROVED");
    let unknown = json!({"changeID": "ch-2", "plan": "gold", "effectiveFrom": "2027-03-01"});
    assert_refused(&system, &path, unknown, "price is needed").await;
}

#[tokio::test]
async fn change_that_no_customer_is_held_to_is_refused() {
    let (mut system, pai, path) = system_with_subscription().await;
    system.set_acme_price_ceiling(1999);
    assert_eq!(charge_days(&system, &pai, "nov", "2026-11-18", "2026-12-17").await, "APPROVED");
    for (body, says) in [
        (new_price("ch-1", 1499, "2026-11-17"), "in the past"),
        (new_price("ch-1", 1499, "2026-12-17"), "ends on 2026-12-17"),
        (new_price("ch-1", 2000, "2027-02-18"), "ceiling of 19.99 USD"),
        (
            json!({"changeID": "ch-1", "price": {"value": 1, "currency": "EUR"}, "effectiveFrom": "2027-02-18"}),
            "currency",
        ),
        (json!({"changeID": "ch-1", "effectiveFrom": "2027-02-18"}), "plan or price"),
        (json!({"changeID": "ch-1", "status": "ACTIVE", "effectiveFrom": "2027-02-18"}), "two calls"),
        (json!({"changeID": "ch-1", "plan": "standard"}), "effectiveFrom"),
    ] {
        assert_refused(&system, &path, body, says).await;
    }
    assert!(system.sms_received(&system.acme, GOOD).await.iter().all(|sms| !sms.contains("a month")));
    // Nothing of it has used up the id. Thirty days of notice are enough, and not a day less.
    system.advance_seconds(DAY);
    assert_refused(&system, &path, new_price("ch-1", 1799, "2026-12-18"), "30 days of notice").await;
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2026-12-19")).await.0, 200);
    // The same id for something else, and a change that would hold before another.
    let (status, _) = change(&system, &path, new_price("ch-1", 1798, "2026-12-19")).await;
    assert_eq!(status, 422);
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2026-12-20")).await.0, 422);
    assert_refused(&system, &path, new_price("ch-2", 1499, "2026-12-18"), "must come after 2026-12-19").await;
    assert_eq!(change(&system, &path, new_price("ch-2", 1499, "2026-12-20")).await.0, 200);
}

#[tokio::test]
async fn only_a_live_subscription_of_the_partner_changes() {
    let (system, _, path) = system_with_subscription().await;
    let rise = new_price("ch-1", 1799, "2027-01-01");
    let unknown = format!("{SUBSCRIPTION}/00000000-0000-4000-8000-000000000000");
    let (status, answer) = system.call_ott(Method::PUT, &unknown, rise.clone()).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("subscription-not-found")));
    assert_eq!(change(&system, &path, rise.clone()).await.0, 200);
    assert_eq!(change(&system, &path, json!({"status": "CANCELLED"})).await.0, 200);
    assert_eq!(change(&system, &path, rise).await, (200, "CANCELLED".to_owned()), "a replay");
    assert_refused(&system, &path, new_price("ch-2", 1799, "2027-03-01"), "has ended").await;
}

/// In Chicago the first of January begins six hours after it does in UTC.
#[tokio::test]
async fn change_is_dated_in_the_operators_zone() {
    let (mut system, _, path) = system_with_subscription().await;
    let zone = onbill_origin::config::OperatorTimeZone::try_from("America/Chicago".to_owned());
    system.reconfigure_acme(|config| config.time_zone = zone.expect("is a zone"));
    advance_to(&system, "2027-01-01T05:59:59Z");
    assert_eq!(change(&system, &path, new_price("ch-1", 1499, "2026-12-31")).await.0, 200);
    system.advance_seconds(1);
    assert_refused(&system, &path, new_price("ch-2", 1399, "2026-12-31"), "in the past").await;
    assert_eq!(change(&system, &path, new_price("ch-2", 1399, "2027-01-01")).await.0, 200);
}

/// A ledger that was restored takes again what was announced before.
#[tokio::test]
async fn rise_without_notice_holds_at_once() {
    let (mut system, pai, path) = system_with_subscription().await;
    let rise = new_price("ch-1", 1799, "2026-11-18");
    assert_refused(&system, &path, rise.clone(), "30 days of notice").await;
    let none = PriceNoticeDays::try_from(0).expect("is allowed");
    system.reconfigure_acme(|config| config.price_notice_days = none);
    assert_eq!(change(&system, &path, rise).await, (200, "ACTIVE".to_owned()));
    let today = json!({"extTransactionID": "c-1", "pai": pai, "amount": {"value": 1799, "currency": "USD"},
        "description": "Netflix Standard", "servicePeriod": {"from": "2026-11-18", "to": "2026-12-17"}});
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", today).await;
    assert_eq!(answer["status"], "APPROVED", "{answer}");
}

/// The customer has not been informed, and a person has to know that: the price holds all the same.
#[tokio::test]
async fn refused_announcement_raises_an_alarm() {
    let (mut system, _, path) = system_with_subscription().await;
    let password = write_password_file(&db_folder(), "hunter2!");
    let settings = json!({"by": "kannel", "url": "http://127.0.0.1:8790/cgi-bin/sendsms", "username": "onbill",
                          "password_file": password, "sender": "Acme"});
    system.reconfigure_acme(|config| config.sms = serde_json::from_value(settings).expect("are settings"));
    let refuse = async || (StatusCode::FORBIDDEN, "Not routable. Do not try again.");
    system.network.attach_service(
        system.acme.dashboard_address,
        Router::new().route("/cgi-bin/sendsms", post(refuse)).fallback_service(system.acme.sandbox.router()),
    );
    let (log, _guard) = LogCapture::capture_thread(tracing::Level::ERROR);
    assert_eq!(change(&system, &path, new_price("ch-1", 1799, "2027-01-01")).await.0, 200);
    system.acme.deliver_due().await;
    assert_eq!(log.count("alarm=\"message-dropped\""), 1);
    let waiting = system.acme.app().store.next_due(Queue::Notifications).await.expect("works");
    assert!(waiting.is_none(), "{waiting:?}");
    std::fs::remove_file(password).expect("is there");
}
