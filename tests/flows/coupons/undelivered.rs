//! An SMS that does not arrive: the operator's systems can see why, and their remedy works.

use super::{GOOD, call_as_operator, coupon_body, find_coupon, issue_coupon, redeem_code, start_system};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, Method, Request, StatusCode};
use onbill_domain::coupon_code::CouponCode;
use onbill_origin::config::SmsSettings;
use onbill_origin::store::CouponFilter;
use onbill_test_harness::{TestSystem, write_password_file};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

const GATEWAY: &str = "127.0.0.1:13013";
pub(crate) const UNDELIVERED: &str = "2";
const DELIVERED: &str = "1";

/// A gateway with Kannel's interface: the report URL of each message and what it says; or it has no
/// route to any number.
#[derive(Default)]
pub(crate) struct KannelState {
    is_lost: bool,
    taken: Vec<(String, String)>,
}

pub(crate) type SharedKannel = Arc<Mutex<KannelState>>;

async fn accept_sms(
    State(kannel): State<SharedKannel>,
    headers: HeaderMap,
    text: String,
) -> (StatusCode, &'static str) {
    let mut kannel = kannel.lock().expect("is whole");
    if kannel.is_lost {
        return (StatusCode::FORBIDDEN, "Not routable. Do not try again.");
    }
    let report = headers["x-kannel-dlr-url"].to_str().expect("is text").to_owned();
    kannel.taken.push((report, text));
    (StatusCode::ACCEPTED, "0: Accepted for delivery")
}

/// Acme with this gateway.
pub(crate) async fn system_with_kannel() -> (TestSystem, SharedKannel) {
    let mut system = start_system().await;
    let kannel = SharedKannel::default();
    let path = write_password_file(Path::new(env!("CARGO_TARGET_TMPDIR")), "right");
    let settings = json!({"by": "kannel", "url": format!("http://{GATEWAY}/cgi-bin/sendsms"), "username": "onbill",
        "password_file": path, "sender": "Acme", "receipts_url": format!("http://{}", system.acme.origin_address)});
    let settings: SmsSettings = serde_json::from_value(settings).expect("are settings");
    system.reconfigure_acme(|config| config.sms = settings);
    let router = Router::new().route("/cgi-bin/sendsms", post(accept_sms)).with_state(Arc::clone(&kannel));
    system.network.attach_service(GATEWAY, router);
    (system, kannel)
}

/// The gateway reports on the `n`th message that it has accepted.
pub(crate) async fn report_sms(system: &TestSystem, kannel: &SharedKannel, n: usize, says: &str) {
    let url = kannel.lock().expect("is whole").taken[n].0.replace("%d", says);
    let request = Request::get(url).body(bytes::Bytes::new()).expect("is a request");
    assert_eq!(system.send_request(request).await.0, StatusCode::NO_CONTENT);
}

fn sent_code(kannel: &SharedKannel, n: usize) -> String {
    let kannel = kannel.lock().expect("is whole");
    let mut words = kannel.taken[n].1.split_whitespace();
    words.find(|word| word.len() == 24 && CouponCode::parse(word).is_some()).expect("has a code").to_owned()
}

/// The status of a coupon, and why its SMS is undelivered.
async fn coupon_delivery(system: &TestSystem, id: &str) -> (Value, Value) {
    let coupon = find_coupon(system, id).await;
    (coupon["state"].clone(), coupon["undelivered"]["reason"].clone())
}

async fn count_undelivered(system: &TestSystem) -> usize {
    let which = CouponFilter::Undelivered(system.now());
    system.acme.app().store.list_coupons(None, which, 10).await.expect("works").len()
}

#[tokio::test]
async fn undelivered_coupon_is_listed_until_another_arrives() {
    let (system, kannel) = system_with_kannel().await;
    issue_coupon(&system, &coupon_body("c-1", GOOD)).await;
    system.acme.deliver_due().await;
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("SENT"), Value::Null));
    report_sms(&system, &kannel, 0, UNDELIVERED).await;
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("SENT"), json!("undeliverable")));
    let at = find_coupon(&system, "c-1").await["undelivered"]["at"].clone();
    assert_eq!((at, count_undelivered(&system).await), (json!(system.now().to_string()), 1));

    assert_eq!(call_as_operator(&system, Method::POST, "/c-1/resend", &json!({})).await.0, StatusCode::OK);
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("ISSUED"), Value::Null));
    system.acme.deliver_due().await;
    // The first message's report comes again, and has nothing to do with the second.
    report_sms(&system, &kannel, 0, UNDELIVERED).await;
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("SENT"), Value::Null));
    report_sms(&system, &kannel, 1, UNDELIVERED).await;
    report_sms(&system, &kannel, 1, DELIVERED).await;
    assert_eq!(
        (coupon_delivery(&system, "c-1").await, count_undelivered(&system).await),
        ((json!("DELIVERED"), Value::Null), 0)
    );
    assert_eq!(redeem_code(&system, &sent_code(&kannel, 1), "r-1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn coupon_never_accepted_by_gateway_is_dead_lettered() {
    let (system, kannel) = system_with_kannel().await;
    kannel.lock().expect("is whole").is_lost = true;
    issue_coupon(&system, &coupon_body("c-1", GOOD)).await;
    system.acme.deliver_due().await;
    assert_eq!(
        (coupon_delivery(&system, "c-1").await, count_undelivered(&system).await),
        ((json!("ISSUED"), json!("refused")), 1)
    );
    // It has a route to the number again; the message is retried by hand.
    kannel.lock().expect("is whole").is_lost = false;
    let store = &system.acme.app().store;
    let parked = store.dead_letters(None, 10).await.expect("works");
    assert_eq!(parked.iter().map(|entry| entry.ext_id.as_str()).collect::<Vec<_>>(), ["c-1"]);
    assert!(store.redrive_dead_letter(system.now(), parked[0].job_id).await.expect("works"));
    system.acme.deliver_due().await;
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("SENT"), Value::Null));
    assert_eq!(redeem_code(&system, &sent_code(&kannel, 0), "r-1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn coupon_without_recipient_is_not_sent_but_reported() {
    let (system, kannel) = system_with_kannel().await;
    issue_coupon(&system, &coupon_body("c-1", GOOD)).await;
    system
        .acme
        .import_accounts(&onbill_test_harness::ACME_ACCOUNTS.replace("2021-03-14", "2026-11-20"))
        .await;
    system.acme.deliver_due().await;
    assert_eq!(coupon_delivery(&system, "c-1").await, (json!("ISSUED"), json!("not-sent")));
    assert!(kannel.lock().expect("is whole").taken.is_empty());
}
