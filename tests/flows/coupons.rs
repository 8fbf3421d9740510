//! Coupons through the whole system: from the operator's request over the SMS and the partner to
//! the bill.

mod bad_input;
mod crashes;
mod months;
mod selling;
pub(crate) mod undelivered;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, StatusCode};
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_origin::store::CouponFilter;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, NetworkFault, TestOperator, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const PREPAID: &str = "+12025550104";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REDEEM: &str = "/ott/v1/coupon/redeem";

pub(crate) async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

pub(crate) fn coupon_body(id: &str, number: &str) -> Value {
    json!({"extCouponID": id, "msisdn": number, "plan": "6M", "amount": {"value": 8999, "currency": "USD"}})
}

/// A call of Acme's systems.
async fn call_as_operator(
    system: &TestSystem,
    method: Method,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{}/operator/v1/coupons{path}", system.acme.origin_address));
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let mut request = request.header("content-type", "application/json").body(body).expect("is a request");
    let ring = keys::keyring(&KeyHolder::Operator("acme"));
    let key = ring.signing_key(KeyUse::OperatorToOrigin, "operator:acme").expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    // There may be no response: the origin crashes at times.
    match system.network.send_call(request).await {
        Ok(answer) => (answer.status(), serde_json::from_slice(answer.body()).unwrap_or_default()),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Value::Null),
    }
}

/// Acme's systems have a coupon issued.
pub(crate) async fn issue_coupon(system: &TestSystem, coupon: &Value) -> (StatusCode, Value) {
    call_as_operator(system, Method::POST, "", coupon).await
}

/// The status of a coupon of Acme's.
async fn find_coupon(system: &TestSystem, id: &str) -> Value {
    let (status, coupon) = call_as_operator(system, Method::GET, &format!("/{id}"), &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{coupon}");
    coupon
}

/// The code in the newest SMS.
async fn read_code(system: &TestSystem, operator: &TestOperator, number: &str) -> String {
    // Messages are distinguished by their time.
    system.advance_seconds(1);
    let messages = system.sms_received(operator, number).await;
    let newest = messages.last().expect("a message came");
    let words = newest.split_whitespace().map(|word| word.trim_matches(['.', ',', ':', ';']));
    let code = words.filter(|word| word.len() == 24).find(|word| CouponCode::parse(word).is_some());
    code.expect("has a code").to_owned()
}

/// A coupon of Acme's that was bought and has been delivered. Returns its code.
pub(crate) async fn issue_and_read_code(system: &TestSystem, id: &str, number: &str) -> String {
    let (status, answer) = issue_coupon(system, &coupon_body(id, number)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    read_code(system, &system.acme, number).await
}

fn redemption_body(code: &str, reference: &str) -> Value {
    json!({"code": code, "extReference": reference})
}

pub(crate) async fn redeem_code(system: &TestSystem, code: &str, reference: &str) -> (StatusCode, Value) {
    system.call_ott(Method::POST, REDEEM, redemption_body(code, reference)).await
}

fn status_and_code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or("is no refusal"))
}

async fn list_unpaid(system: &TestSystem) -> Vec<String> {
    let rows = system.acme.app().store.list_coupons(None, CouponFilter::Unpaid, 10).await.expect("works");
    rows.into_iter().map(|row| row.ext_coupon_id.as_str().to_owned()).collect()
}

#[tokio::test]
async fn coupon_is_sold_sent_redeemed_and_billed() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    assert_eq!(find_coupon(&system, "c-1").await["state"], "SENT");
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty(), "it is charged when it is redeemed");

    let (status, answer) = redeem_code(&system, &code.to_lowercase().replace('-', " "), "r-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let amount = json!({"value": 8999, "currency": "USD"});
    let period = json!({"from": "2026-11-18", "to": "2027-05-17"});
    assert_eq!(
        (&answer["status"], &answer["plan"], &answer["months"], &answer["amount"]),
        (&json!("REDEEMED"), &json!("6M"), &json!(6), &amount)
    );
    assert_eq!((&answer["servicePeriod"], &answer["operator"]), (&period, &json!("acme")));
    let bill = system.bill_lines(&system.acme, GOOD).await;
    assert_eq!(bill.len(), 1);
    assert_eq!(
        (&bill[0]["description"], &bill[0]["amount"], &bill[0]["servicePeriod"]),
        (&json!("Netflix Standard, 6 months"), &amount, &period),
        "{bill:?}"
    );

    // The same reference gets the same response permanently; any other is refused.
    system.advance_seconds(400 * 86_400);
    assert_eq!(redeem_code(&system, &code, "r-1").await, (StatusCode::OK, answer.clone()));
    assert_eq!(status_and_code(&redeem_code(&system, &code, "r-2").await), (409, "token-already-used"));
    let coupon = find_coupon(&system, "c-1").await;
    assert_eq!((&coupon["state"], &coupon["servicePeriod"]), (&json!("REDEEMED"), &period));
    assert_eq!(coupon["unpaid"], false);
    assert!(!coupon.to_string().contains(&code[5..]), "no answer has the code");

    // By the id of its charge it can be queried, and refunded.
    let charge = answer["extTransactionID"].as_str().expect("is text");
    let (status, standing) =
        system.call_ott(Method::GET, &format!("/ott/v1/transaction/{charge}"), Value::Null).await;
    assert_eq!((status, &standing["status"]), (StatusCode::OK, &json!("APPROVED")));
    let refund = json!({"extRefundID": "f-1", "reason": "Left"});
    let (status, refund) =
        system.call_ott(Method::POST, &format!("/ott/v1/transaction/{charge}/refund"), refund).await;
    assert_eq!((status, &refund["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{refund}");
    assert_eq!(system.partner_accounts().await["leaks"], json!([]), "no number has reached the partner");
}

#[tokio::test]
async fn coupon_redeemed_concurrently_is_billed_once() {
    let several = TestSystem::with_two_origins().await;
    several.acme.import_accounts(ACME_ACCOUNTS).await;
    for system in [start_system().await, several] {
        let code = issue_and_read_code(&system, "c-1", GOOD).await;
        // Half of them are replays.
        let calls = (0..64).map(|n| {
            let reference = format!("r-{}", n / 2);
            let (system, code) = (&system, &code);
            async move { (reference.clone(), redeem_code(system, code, &reference).await) }
        });
        let answers = join_all(calls).await;
        let good: Vec<_> = answers.iter().filter(|(_, (status, _))| *status == StatusCode::OK).collect();
        assert!((1..=2).contains(&good.len()), "{answers:?}");
        assert!(good.iter().all(|one| one.0 == good[0].0 && one.1 == good[0].1));
        for (reference, answer) in &answers {
            let fine = reference == &good[0].0
                || [(409, "token-already-used"), (409, "request-in-progress")]
                    .contains(&status_and_code(answer));
            assert!(fine, "{reference} {answer:?}");
        }
        assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
        assert_eq!(redeem_code(&system, &code, &good[0].0).await, good[0].1, "the answer stays");
    }
}

#[tokio::test]
async fn redemption_with_lost_response_is_charged_once() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    system.network.inject_fault(&format!("{}{REDEEM}", system.acme.origin_address), NetworkFault::AnswerLost);
    let lost = redeem_code(&system, &code, "r-1").await;
    assert_eq!(status_and_code(&lost), (503, "service-unavailable"));
    system.network.clear_faults();
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("REDEEMED")));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);

    let second = issue_and_read_code(&system, "c-2", GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    let (status, answer) = redeem_code(&system, &second, "r-2").await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("REDEEMED")), "it is on its way");
    assert_eq!(answer["servicePeriod"]["from"], "2027-05-18", "after the first one's months");
    system.network.clear_faults();
    system.advance_seconds(361);
    assert_eq!(system.acme.deliver_due().await, 1, "the charge, and no webhook reports it");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 2);
    assert!(list_unpaid(&system).await.is_empty());
}

#[tokio::test]
async fn declined_redemption_leaves_coupon_for_another_reference() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", PREPAID).await;
    let answer = redeem_code(&system, &code, "r-1").await;
    assert_eq!(status_and_code(&answer), (400, "insufficient-balance"));
    assert_eq!(find_coupon(&system, "c-1").await["state"], "SENT");
    // The account is suspended, then active again.
    let second = issue_and_read_code(&system, "c-2", GOOD).await;
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    let answer = redeem_code(&system, &second, "r-2").await;
    assert_eq!(status_and_code(&answer), (400, "suspended-non-payment"));
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    assert_eq!(redeem_code(&system, &second, "r-2").await, answer, "this reference has its answer");
    assert_eq!(redeem_code(&system, &second, "r-3").await.0, StatusCode::OK);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    assert!(system.bill_lines(&system.acme, PREPAID).await.is_empty());
}

#[tokio::test]
async fn what_billing_refuses_later_is_the_operators_affair() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    system.network.clear_faults();
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(list_unpaid(&system).await, ["c-1"]);
    assert_eq!(redeem_code(&system, &code, "r-1").await, (StatusCode::OK, answer));
    assert_eq!(status_and_code(&redeem_code(&system, &code, "r-2").await), (409, "token-already-used"));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    assert_eq!(find_coupon(&system, "c-1").await["unpaid"], true);
}

#[tokio::test]
async fn new_subscriber_neither_gets_nor_pays_old_coupon() {
    let system = start_system().await;
    let code = issue_and_read_code(&system, "c-1", GOOD).await;
    // Another one is bought, and not sent yet.
    issue_coupon(&system, &coupon_body("c-2", GOOD)).await;
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-20")).await;
    let before = system.sms_received(&system.acme, GOOD).await;
    assert_eq!(before.len(), 1, "the new owner gets nothing");
    assert_eq!(status_and_code(&redeem_code(&system, &code, "r-1").await), (400, "account-not-eligible"));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    // That closes the PAI: the coupon cannot be sent again.
    let again = call_as_operator(&system, Method::POST, "/c-2/resend", &json!({})).await;
    assert_eq!(status_and_code(&again), (400, "account-not-eligible"));
    // The new owner buys one of their own.
    let own = issue_and_read_code(&system, "c-3", GOOD).await;
    let (status, answer) = redeem_code(&system, &own, "r-2").await;
    assert_eq!((status, &answer["servicePeriod"]["from"]), (StatusCode::OK, &json!("2026-11-18")));
    assert_eq!(status_and_code(&redeem_code(&system, &code, "r-3").await), (400, "account-not-eligible"));
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}
