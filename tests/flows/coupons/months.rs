//! The months of a coupon: no day of them is paid for twice, and a customer whose months end is
//! reminded once.

use super::{
    GOOD, REDEEM, coupon_body, find_coupon, issue_and_read_code, issue_coupon, redeem_code, redemption_body,
    start_system, status_and_code,
};
use crate::subscriptions::{change_status, system_with_subscription};
use http::{Method, StatusCode};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::config::ChargeNeeds;
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use serde_json::{Value, json};

const FRIEND: &str = "+12025550102";
const DAY: i64 = 86_400;

async fn post_charge(
    system: &TestSystem,
    pai: &Value,
    id: &str,
    from: &str,
    to: &str,
) -> (StatusCode, Value) {
    let mut body = charge_body(pai.as_str().expect("is text"), id, 1599);
    body["servicePeriod"] = json!({"from": from, "to": to});
    system.call_ott(Method::POST, "/ott/v1/transaction", body).await
}

/// A recorded decline that says why.
fn assert_paid_ahead((status, answer): &(StatusCode, Value)) {
    assert_eq!(
        (*status, &answer["declineReason"]),
        (StatusCode::CREATED, &json!("risk-declined")),
        "{answer}"
    );
    assert_eq!(answer["rawResult"], json!({"scope": "coupon", "rawCode": "paid-ahead"}));
}

async fn send_reminders(system: &TestSystem) -> usize {
    system.acme.app().coupons.remind_all().await.expect("works")
}

/// The subscriptions on the customer's own page.
async fn own_subscriptions(system: &TestSystem, number: &str) -> Value {
    let msisdn = Msisdn::parse(number).expect("is E.164");
    let session = system.acme.sandbox.assertion(vec![msisdn]).expect("signs");
    let body =
        json!({"operator": "acme", "view": "account", "msisdn": number, "locale": "en", "session": session});
    let (status, mut page) = system.call_widget("/account/validate", body).await;
    assert_eq!((status, &page["step"]), (StatusCode::OK, &json!("account")), "{page}");
    page["subscriptions"].take()
}

#[tokio::test]
async fn own_page_says_until_when_coupons_have_paid() {
    let mut system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", FRIEND).await;
    redeem_code(&system, &code, "r-1").await;
    let shown = own_subscriptions(&system, FRIEND).await;
    assert_eq!(
        (&shown[0]["state"], &shown[0]["paidUntil"], &shown[0]["endsByItself"], &shown[0]["canUnlink"]),
        (&json!("ACTIVE"), &json!("2027-05-17"), &json!(true), &json!(false)),
        "{shown}"
    );
    // A partner that needs nothing but the PAI can charge whenever it likes, until that is ended.
    system.reconfigure_acme(|config| config.partners[0].charge_needs = ChargeNeeds::Pai);
    system.advance_seconds(60);
    let shown = own_subscriptions(&system, FRIEND).await;
    assert_eq!((&shown[0]["endsByItself"], &shown[0]["canUnlink"]), (&Value::Null, &json!(true)), "{shown}");
    system.reconfigure_acme(|config| config.partners[0].charge_needs = ChargeNeeds::Mandate);
    system.advance_seconds(200 * DAY);
    let shown = own_subscriptions(&system, FRIEND).await;
    assert_eq!((&shown[0]["paidUntil"], &shown[0]["endsByItself"]), (&Value::Null, &Value::Null), "{shown}");

    // Who pays by the month as well has days to lose, and a month that does not end by itself.
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let mut own = redemption_body(&issue_and_read_code(&system, "c-1", GOOD).await, "r-1");
    own["pai"] = json!(pai);
    system.call_ott(Method::POST, REDEEM, own).await;
    let shown = own_subscriptions(&system, GOOD).await;
    assert_eq!(
        (&shown[0]["paidUntil"], &shown[0]["endsByItself"]),
        (&json!("2027-05-17"), &Value::Null),
        "{shown}"
    );
}

#[tokio::test]
async fn day_is_never_paid_for_twice() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let pai = json!(pai);
    // A month that is charged, and then a coupon: its months come after.
    assert_eq!(post_charge(&system, &pai, "n-1", "2026-11-10", "2026-12-09").await.0, StatusCode::CREATED);
    let mut own = redemption_body(&issue_and_read_code(&system, "c-1", GOOD).await, "r-1");
    own["pai"] = pai.clone();
    let (_, answer) = system.call_ott(Method::POST, REDEEM, own).await;
    assert_eq!(answer["servicePeriod"], json!({"from": "2026-12-10", "to": "2027-06-09"}));
    assert_eq!(answer["pai"], pai, "a subscriber is one, by coupon or by month");
    // The next charge for any of these days is declined, and stays so.
    for (id, from, to) in [("n-2", "2026-12-10", "2027-01-09"), ("n-3", "2027-06-09", "2027-07-08")] {
        let answer = post_charge(&system, &pai, id, from, to).await;
        assert_paid_ahead(&answer);
        assert_eq!(post_charge(&system, &pai, id, from, to).await, (StatusCode::OK, answer.1));
    }
    let answer = post_charge(&system, &pai, "n-4", "2027-06-10", "2027-07-09").await;
    assert_eq!((answer.0, &answer.1["status"]), (StatusCode::CREATED, &json!("APPROVED")));
    // The replay of the first charge still returns its first response.
    assert_eq!(post_charge(&system, &pai, "n-1", "2026-11-10", "2026-12-09").await.0, StatusCode::OK);
    // No charge of the partner's can pass for a coupon's.
    let answer = post_charge(&system, &pai, "onbill-coupon-1", "2027-07-10", "2027-08-09").await;
    assert_eq!(status_and_code(&answer), (400, "invalid-request"));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 3);
}

#[tokio::test]
async fn signup_is_paid_until_the_coupon_ends() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    redeem_code(&system, &code, "r-1").await;
    system.advance_seconds(1);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let asked = system.network.calls_to(onbill_test_harness::EDGE, "/ott/v1/token/validate");
    let (request, _) = asked.last().expect("was asked");
    let request: Value = serde_json::from_slice(request).expect("is JSON");
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/token/validate", request).await;
    assert_eq!((status, &answer["paidUntil"]), (StatusCode::OK, &json!("2027-05-17")), "{answer}");
    assert_paid_ahead(&post_charge(&system, &answer["pai"], "n-1", "2026-12-01", "2026-12-31").await);
    let answer = post_charge(&system, &answer["pai"], "n-2", "2027-05-18", "2027-06-17").await;
    assert_eq!((answer.0, &answer.1["status"]), (StatusCode::CREATED, &json!("APPROVED")));
}

#[tokio::test]
async fn gift_is_billed_to_buyer_and_pays_friend() {
    let system = start_system().await;
    system.sign_up(&system.acme, FRIEND, AccountChoice::New("fay@example.com")).await;
    let friend = json!(system.pai_of("fay@example.com").await);
    let mut gift = redemption_body(&issue_and_read_code(&system, "c-1", GOOD).await, "r-1");
    gift["pai"] = friend.clone();
    let (status, answer) = system.call_ott(Method::POST, REDEEM, gift).await;
    assert_eq!((status, &answer["pai"]), (StatusCode::OK, &friend), "{answer}");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    assert!(system.bill_lines(&system.acme, FRIEND).await.is_empty());
    assert_paid_ahead(&post_charge(&system, &friend, "n-1", "2026-12-01", "2026-12-31").await);
    assert!(system.bill_lines(&system.acme, FRIEND).await.is_empty());
}

#[tokio::test]
async fn gift_to_unknown_user_leaves_buyer_months() {
    let (system, pai, path) = system_with_subscription().await;
    let pai = json!(pai);
    assert_eq!(post_charge(&system, &pai, "n-1", "2026-11-10", "2026-12-09").await.0, StatusCode::CREATED);
    // The buyer pays on the bill, and the person who types the code is not named: it is not the
    // buyer.
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    let period = json!({"from": "2026-11-18", "to": "2027-05-17"});
    assert_eq!((status, &answer["servicePeriod"]), (StatusCode::OK, &period), "{answer}");
    assert!(answer.get("pai").is_none(), "whose they are, nobody knows: {answer}");
    assert_eq!(find_coupon(&system, "c-1").await["gift"], true);
    let lines = system.bill_lines(&system.acme, GOOD).await;
    assert!(lines.iter().any(|line| line["servicePeriod"] == period), "the buyer pays for it: {lines:?}");
    // The buyer's own months continue, and none of them is prepaid.
    assert_eq!(post_charge(&system, &pai, "n-2", "2026-12-10", "2027-01-09").await.0, StatusCode::CREATED);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 3);
    let asked = json!({"msisdn": GOOD, "operator": "acme"});
    let paid_until = async || {
        let (status, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", asked.clone()).await;
        assert_eq!((status, &answer["pai"]), (StatusCode::OK, &pai), "{answer}");
        answer.get("paidUntil").cloned()
    };
    assert_eq!(paid_until().await, None);
    // The response is stored, and stays, whatever the buyer does next.
    assert_eq!(change_status(&system, &path, "CANCELLED").await.0, 200);
    assert_eq!(redeem_code(&system, &code, "r-1").await, (StatusCode::OK, answer));
    assert_eq!(paid_until().await, None);
    system.advance_seconds(170 * DAY);
    assert_eq!(send_reminders(&system).await, 0, "no subscriber is reminded");

    // The partner names a customer whom it knows: then the months are theirs.
    let mut own = redemption_body(&issue_and_read_code(&system, "c-2", GOOD).await, "r-2");
    own["pai"] = pai.clone();
    let (_, answer) = system.call_ott(Method::POST, REDEEM, own).await;
    assert_eq!((&answer["pai"], &answer["servicePeriod"]["to"]), (&pai, &json!("2027-11-06")));
    assert_eq!(paid_until().await, Some(json!("2027-11-06")));
    assert_eq!(find_coupon(&system, "c-2").await["gift"], false);
}

#[tokio::test]
async fn coupon_reminder_is_sent_once_14_days_before_expiry() {
    let system = start_system().await;
    for (n, number) in [(1, GOOD), (2, FRIEND)] {
        let code = issue_and_read_code(&system, &format!("c-{n}"), number).await;
        assert_eq!(redeem_code(&system, &code, &format!("r-{n}")).await.0, StatusCode::OK);
    }
    system.advance_seconds(1);
    system.sign_up(&system.acme, FRIEND, AccountChoice::New("fay@example.com")).await;
    let before = [
        system.sms_received(&system.acme, GOOD).await.len(),
        system.sms_received(&system.acme, FRIEND).await.len(),
    ];
    // 2027-05-17 is the last day.
    system.advance_seconds(165 * DAY);
    assert_eq!(send_reminders(&system).await, 0, "2027-05-02");
    system.advance_seconds(DAY);
    assert_eq!(send_reminders(&system).await, 1, "2027-05-03");
    assert_eq!(send_reminders(&system).await, 0, "once");
    let messages = system.sms_received(&system.acme, GOOD).await;
    assert_eq!(messages.len(), before[0] + 1);
    let text = messages.iter().find(|text| text.contains("17 May 2027")).expect("is there");
    assert!(text.contains("http://127.0.0.1:8790/"), "{text}");
    assert!(!text.contains("2025550101"), "no number is in it: {text}");
    assert_eq!(system.sms_received(&system.acme, FRIEND).await.len(), before[1]);
}

#[tokio::test]
async fn signup_after_reminder_pays_no_day_twice() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::OK);
    system.advance_seconds(170 * DAY);
    assert_eq!(send_reminders(&system).await, 1, "2027-05-07");
    system.acme.deliver_due().await;
    // Messages are distinguished by their time.
    system.advance_seconds(1);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    // April is paid for, and half of May.
    for month in ["2027-04", "2027-05", "2027-05", "2027-06"] {
        system.run_billing(month).await;
    }
    let bill = system.bill_lines(&system.acme, GOOD).await;
    let mut days: Vec<_> =
        bill.iter().map(|line| (&line["servicePeriod"]["from"], &line["servicePeriod"]["to"])).collect();
    days.sort_by_key(|(from, _)| from.to_string());
    let [coupon, rest_of_may, june] = days[..] else { panic!("{bill:?}") };
    assert_eq!(coupon, (&json!("2026-11-18"), &json!("2027-05-17")));
    assert_eq!(rest_of_may, (&json!("2027-05-18"), &json!("2027-05-31")));
    assert_eq!(june, (&json!("2027-06-01"), &json!("2027-06-30")));
    assert_eq!(send_reminders(&system).await, 0, "they go on already");
}

/// The customer is another system's for two days. Nothing reaches them meanwhile, and nothing is lost.
#[tokio::test]
async fn sms_of_coupons_wait_while_their_pai_is_dark() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::OK);
    system.advance_seconds(168 * DAY);
    assert_eq!(send_reminders(&system).await, 1);
    assert_eq!(issue_coupon(&system, &coupon_body("c-2", FRIEND)).await.0, StatusCode::CREATED);
    let switch = async |dark_since: &str| {
        system
            .acme
            .db
            .run_sql(&format!("UPDATE pais SET dark_since = {dark_since}, dark_version = version"))
            .await;
    };
    switch("1795000000").await;
    for _ in 0..48 {
        system.acme.deliver_due().await;
        system.advance_seconds(3_600);
    }
    assert_eq!(system.sms_received(&system.acme, GOOD).await.len(), 1, "the code of then");
    assert_eq!(system.sms_received(&system.acme, FRIEND).await, Vec::<String>::new());
    switch("NULL").await;
    system.advance_seconds(3_600 + 3_600 / 5);
    let reminder = system.sms_received(&system.acme, GOOD).await;
    assert!(reminder.iter().any(|text| text.contains("17 May 2027")), "{reminder:?}");
    assert_eq!(system.sms_received(&system.acme, FRIEND).await.len(), 1);
}

/// The buyer of a gift and its user may be customers of different systems.
#[tokio::test]
async fn reminder_waits_for_the_pai_of_its_user() {
    let system = start_system().await;
    let own = issue_and_read_code(&system, "c-1", FRIEND).await;
    let friend = redeem_code(&system, &own, "r-1").await.1["pai"].clone();
    let mut gift = redemption_body(&issue_and_read_code(&system, "c-2", GOOD).await, "r-2");
    gift["pai"] = friend.clone();
    assert_eq!(system.call_ott(Method::POST, REDEEM, gift).await.0, StatusCode::OK);
    // 14 days before 2027-11-17.
    system.advance_seconds(350 * DAY);
    let before = system.sms_received(&system.acme, FRIEND).await.len();
    assert_eq!(send_reminders(&system).await, 1);
    let user = format!("pai = '{}'", friend.as_str().expect("is text"));
    for (dark, received) in [(user.clone(), before), (format!("NOT ({user})"), before + 1)] {
        let sql = format!(
            "UPDATE pais SET dark_since = CASE WHEN {dark} THEN 1795000000 END, dark_version = version"
        );
        system.acme.db.run_sql(&sql).await;
        // An attempt comes within an hour and a fifth.
        system.advance_seconds(3_600 + 3_600 / 5);
        assert_eq!(system.sms_received(&system.acme, FRIEND).await.len(), received, "{dark}");
    }
}
