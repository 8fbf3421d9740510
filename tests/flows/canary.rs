//! Where a number and a coupon's code may be, and where they must never be: every journey with
//! known ones, and then a search for them in every spelling: in logs, in the edge's store, in what
//! partner and edge receive and send, in URLs, and in the raw files of the databases.
//!
//! Not searched: what customers, operators and the app on a device send explicitly, which is how
//! numbers come in; an SMS and what is typed from it, which is how codes go out and in; and files
//! for billing, which consist of numbers.

mod coupons;
pub(crate) mod db_files;
mod messages;
mod searches;

use crate::alarms::shown::attach_sink;
use crate::rotation::{origin_keyring, restart_with_keys};
use bytes::Bytes;
use db_files::search_ledger;
use http::{Method, Request, StatusCode};
use onbill_domain::msisdn::Msisdn;
use onbill_origin::delivery::kv_sync::{KvComparison, KvReport};
use onbill_origin::keys::rotation::{self, rotate};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::operator_calls::erase_listed_subscribers;
use onbill_test_harness::spellings::Search;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, NetworkFault, TestOperator, TestSystem};
use searches::{search_calls_for_codes, search_logs_and_traffic, search_metrics};
use serde_json::{Value, json};

/// Acme's customers, who sign up by the widget, by an app, and not at all.
const ANN: &str = "+12025550101";
const BEN: &str = "+12025550102";
const PREPAID: &str = "+12025550103";
const POOR: &str = "+12025550104";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const CLEO: &str = "+12025550107";
const DAN: &str = "+12025550108";
const EVE: &str = "+12025550109";
/// Buys coupons, and never signs up.
const GUS: &str = "+12025550110";
/// A number that has had no subscriber before.
const FRESH: &str = "+12025550112";
/// Nova's.
const ANA: &str = "+34612345601";
const BEA: &str = "+34612345602";

/// Where codes are sent: to the gateway, which has the SMS, and by the partner, to whom a customer
/// has given one.
const TELL_CODES: [&str; 3] = ["/csp/notification", "/cgi-bin/sendsms", "/ott/v1/coupon/redeem"];

const NUMBERS: [&str; 13] =
    [ANN, BEN, PREPAID, POOR, SUSPENDED, CEASED, CLEO, DAN, EVE, GUS, FRESH, ANA, BEA];

const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";

#[tokio::test]
async fn number_stays_between_customer_and_operator() {
    LogCapture::capture_process();
    let mut system = TestSystem::start();
    let codes = every_journey(&mut system).await;
    search_everywhere(&system, &codes, &[&system.acme, &system.nova]).await;
}

#[tokio::test]
async fn same_on_a_database_server() {
    LogCapture::capture_process();
    let mut system = TestSystem::with_two_origins().await;
    let codes = every_journey(&mut system).await;
    search_everywhere(&system, &codes, &[&system.acme]).await;
}

async fn search_everywhere(system: &TestSystem, codes: &[String], operators: &[&TestOperator]) {
    search_calls_for_codes(system, &Search::for_numbers(&[]).with_codes(codes));
    let words = messages::message_search();
    messages::search_for_messages(system, &words).await;
    let search = Search::for_numbers(&NUMBERS).with_codes(codes);
    search_logs_and_traffic(system, &search).await;
    for operator in operators {
        search_metrics(operator, &search).await;
        search_ledger(operator, &search).await;
        search_ledger(operator, &words).await;
    }
}

/// Returns all codes that were issued.
async fn every_journey(system: &mut TestSystem) -> Vec<String> {
    attach_sink(system);
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    run_widget_journeys(system).await;
    run_app_journeys(system).await;
    run_money_journeys(system).await;
    run_account_journeys(system).await;
    own_page(system).await;
    send_garbage(system).await;
    let codes = coupons::run_coupon_journeys(system).await;
    messages::are_sent(system).await;
    // The upkeep starts an origin that the system does not list.
    tell_alarms(system).await;
    run_upkeep(system).await;
    codes
}

/// The alarms that the journeys have raised, one about a call with a number among them, go to the
/// table and to the webhook.
async fn tell_alarms(system: &TestSystem) {
    let astray = json!({"msisdn": "+12025550101", "operator": "nova"});
    let astray = system.forward_as_edge("/ott/v1/account/validate", &astray);
    let answer = system.send_request(astray).await;
    assert_eq!((answer.0, &answer.1["code"]), (StatusCode::BAD_REQUEST, &json!("parameter-not-supported")));
    for origin in system.acme.origins.iter().chain(&system.nova.origins) {
        let app = &origin.app;
        app.alarm_watch.make_round().await;
        app.alarm_webhook.as_ref().expect("is configured").post_waiting().await;
    }
}

async fn deliver_all(system: &TestSystem) {
    system.acme.deliver_due().await;
    system.nova.deliver_due().await;
}

/// With a PIN, with the dashboard's assertion, to the end, and to each refusal.
async fn run_widget_journeys(system: &TestSystem) {
    system.sign_up(&system.acme, ANN, AccountChoice::New("ann@example.com")).await;
    let back = system.follow_return(&system.acme).await;
    let result = back.split_once("onbill_result=").expect("has a result").1;
    let (status, _) = system.call_widget("/result", json!({"operator": "acme", "result": result})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, step) = system.enter_session_number(&system.acme, BEN).await;
    let page = system.open_signup(&system.acme, step["flow"].as_str().expect("is proven")).await;
    let card = system.card_payer_email().await;
    system.choose_account(&page, AccountChoice::Existing(&card)).await;
    system.sign_up(&system.nova, ANA, AccountChoice::New("ana@example.com")).await;
    for refused in [POOR, SUSPENDED, CEASED] {
        let (status, answer) = system.enter_session_number(&system.acme, refused).await;
        assert!(status.is_client_error(), "{answer}");
    }
    let (_, step) = system.enter_number(&system.acme, DAN).await;
    let wrong = json!({"operator": "acme", "flow": step["flow"], "pin": "000000x"});
    assert!(system.call_widget("/pin", wrong).await.0.is_client_error());
}

/// An app on a device, which Acme trusts for the number, and which Nova has prove it by a PIN.
async fn run_app_journeys(system: &TestSystem) {
    let read = json!({"msisdn": CLEO, "operator": "acme"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", read).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    post_subscription(system, answer["pai"].as_str().expect("has one"), "s-cleo").await;
    for refused in [POOR, SUSPENDED, CEASED] {
        let read = json!({"msisdn": refused, "operator": "acme"});
        assert!(system.call_ott(Method::POST, "/ott/v1/account/validate", read).await.0.is_client_error());
    }
    // Sent to an operator that does not have the number.
    for path in ["/ott/v1/account/validate", "/ott/v1/pin"] {
        system.call_ott(Method::POST, path, json!({"msisdn": ANN, "operator": "nova"})).await;
    }
    let (status, sent) =
        system.call_ott(Method::POST, "/ott/v1/pin", json!({"msisdn": BEA, "operator": "nova"})).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{sent}");
    let pin = system.read_pin(&system.nova, BEA).await;
    for (pin, good) in [("x", false), (&pin, true)] {
        let read = json!({"msisdn": BEA, "operator": "nova", "pin": pin, "pinID": sent["pinID"]});
        let (status, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", read).await;
        assert_eq!(status.is_success(), good, "{answer}");
    }
}

async fn post_subscription(system: &TestSystem, pai: &str, id: &str) {
    let body = json!({"pai": pai, "extSubscriptionID": id, "origin": "NEW_ACCOUNT", "plan": "standard"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1["status"].clone()
}

/// Charges that are approved, and that are pending and reported later; refunds at once and later.
/// Declines come with the accounts.
async fn run_money_journeys(system: &TestSystem) {
    let ann = system.pai_of("ann@example.com").await;
    system.run_billing("2026-11").await;
    assert_eq!(post_charge(system, &ann, "c-1").await, "APPROVED");
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    assert_eq!(post_charge(system, &ann, "c-2").await, "PENDING");
    system.network.clear_faults();
    let refund =
        |id: &str| json!({"extRefundID": id, "amount": {"value": 100, "currency": "USD"}, "reason": "Sorry"});
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund("r-1")).await;
    assert_eq!(status, StatusCode::CREATED);
    system.network.inject_fault(REFUNDS, NetworkFault::Lost);
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund("r-2")).await;
    assert_eq!(answer["status"], "PENDING");
    system.network.clear_faults();
    system.advance_seconds(600);
    deliver_all(system).await;
    for path in ["/ott/v1/transaction/c-2", "/ott/v1/transaction/c-1/refund/r-2"] {
        let (_, answer) = system.call_ott(Method::GET, path, Value::Null).await;
        assert_eq!(answer["status"], "APPROVED", "{path}");
    }
}

/// What the subscriber of a number reads, and how they end it.
async fn own_page(system: &TestSystem) {
    let (_, step) = system.enter_session_number(&system.nova, ANA).await;
    assert_eq!(step["step"], "already-on-bill");
    let page = json!({"operator": "nova", "flow": step["flow"]});
    let (status, page) = system.call_widget("/account", page).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let link = &page["subscriptions"][0]["subscription"];
    let unlink = json!({"operator": "nova", "flow": step["flow"], "subscription": link});
    let (status, answer) = system.call_widget("/account/unlink", unlink).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    deliver_all(system).await;
}

/// Each event of an account, and what a later charge meets.
async fn run_account_journeys(system: &TestSystem) {
    let pai = async |email| system.pai_of(email).await;
    for (number, email) in [(PREPAID, "pia@example.com"), (DAN, "dan@example.com"), (EVE, "eve@example.com")]
    {
        system.sign_up(&system.acme, number, AccountChoice::New(email)).await;
    }
    for (n, (what, number, email)) in [
        ("activated", ANN, "ann@example.com"),
        ("sim-swapped", ANN, "ann@example.com"),
        ("suspended", ANN, "ann@example.com"),
        ("resumed", ANN, "ann@example.com"),
        ("ceased", PREPAID, "pia@example.com"),
        ("ported-out", DAN, "dan@example.com"),
        ("ownership-changed", EVE, "eve@example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        system.advance_seconds(60);
        report_event(system, n, what, number, None).await;
        deliver_all(system).await;
        post_charge(system, &pai(email).await, &format!("e-{}", 20 + n)).await;
    }
    system.advance_seconds(60);
    report_event(system, 90, "number-changed", ANN, Some(FRESH)).await;
    assert_eq!(post_charge(system, &pai("ann@example.com").await, "e-40").await, "APPROVED");
    report_event(system, 91, "suspended", CEASED, None).await;
    let (status, page) =
        system.call_acme_origin("/transactions?from=2026-11-01&to=2026-12-31", &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page["transactions"].as_array().is_some_and(|lines| lines.len() > 5), "{page}");
}

async fn report_event(system: &TestSystem, n: usize, what: &str, number: &str, to: Option<&str>) {
    let mut event = json!({"eventID": format!("e-{n}"), "type": what, "msisdn": number,
                           "occurredAt": system.now().to_string()});
    if let Some(to) = to {
        event["newMSISDN"] = json!(to);
    }
    let (status, answer) = system.call_acme_origin("/account-events", &event).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

/// Numbers in the wrong places, and where parsers report errors.
async fn send_garbage(system: &TestSystem) {
    for body in [
        json!({"msisdn": ANN}),
        json!({"pai": ANN}),
        json!({"token": ANN, "extReference": "x"}),
        json!({"extTransactionID": "x", "pai": 12_025_550_101_u64}),
        json!({"operator": "acme", "msisdn": [ANN]}),
        json!({"eventID": "x", "type": ANN, "msisdn": BEN, "occurredAt": ANN}),
    ] {
        system.send_request(system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &body)).await;
        system.send_request(system.sign_as_partner(&Method::POST, "/ott/v1/token/validate", &body)).await;
        system.send_request(system.sign_as_partner(&Method::POST, "/ott/v1/account/validate", &body)).await;
        system.call_widget("/account/validate", body.clone()).await;
        system.call_acme_origin("/account-events", &body).await;
        system.call_acme_origin("/erasures", &body).await;
    }
    system.enter_number(&system.acme, &format!("{ANN} ext 5")).await;
    send_calls_refused_early(system).await;
    deliver_all(system).await;
}

/// Ends the addresses in which this test itself writes numbers. No party repeats it.
const OWN_GARBAGE: &str = "own-garbage";

/// What is refused before anything of it is understood: lists for objects, odd addresses and types,
/// respelled signatures, and an assertion that another frame has used.
async fn send_calls_refused_early(system: &TestSystem) {
    let list = json!(["c-x", ANN, [1599, "USD"], ANN, ["2027-01-01", "2027-01-31"], null]);
    let hidden = json!({"extTransactionID": "c-x", "pai": BEN, "amount": {"value": 1, "currency": "USD"},
                        "description": format!("\u{202e}{ANN}"), "servicePeriod": [ANN, BEN]});
    for body in [list, hidden, json!(ANN), json!([[ANN]])] {
        for path in ["/ott/v1/transaction", "/ott/v1/account/validate", "/ott/v1/notification"] {
            system.send_request(system.sign_as_partner(&Method::POST, path, &body)).await;
            system.send_request(system.forward_as_edge(path, &body)).await;
        }
        system.call_widget("/account/validate", body.clone()).await;
        system.call_acme_origin("/account-events", &body).await;
    }
    let address = &system.acme.origin_address;
    for target in [
        format!("http://{address}/sms/v1/receipt/{ANN}?{OWN_GARBAGE}"),
        format!("http://{address}/sms/v1/receipt/x?status={ANN}&{ANN}=%FF&{OWN_GARBAGE}"),
        format!("http://{address}/operator/v1/transactions?from={ANN}&{OWN_GARBAGE}"),
        format!("http://{address}/{ANN}/%FF?{OWN_GARBAGE}"),
        format!("http://{EDGE}/widget/v1/return/acme/{ANN}?outcome={ANN}&{OWN_GARBAGE}"),
        format!("http://{EDGE}/widget/v1/frame?operator={ANN}&offer={ANN}&return-url={ANN}&{OWN_GARBAGE}"),
    ] {
        let request = Request::get(target).header("content-length", ANN).body(Bytes::new());
        system.network.exchange_undisturbed(request.expect("is a request")).await.expect("somebody answers");
    }
    for name in ["signature", "signature-input", "content-digest", "content-type"] {
        let mut respelled =
            system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &json!({"pai": ANN}));
        let value = format!("sig1=:{ANN}:, sig1=(\"{ANN}\");created={ANN}");
        respelled.headers_mut().insert(name, value.parse().expect("is a value"));
        system.send_request(respelled).await;
    }
    let number = Msisdn::parse(BEN).expect("is E.164");
    let session = system.acme.sandbox.assertion(vec![number]).expect("signs");
    for frame in [json!("f-1"), json!("f-2"), json!(BEN), json!([BEN]), Value::Null] {
        let body = json!({"operator": "acme", "view": "account", "msisdn": BEN, "locale": "en",
                          "session": session, "frame": frame});
        system.call_widget("/account/validate", body).await;
    }
}

/// What the operator's staff do now and then: the edge's store is repaired, a key rotated, a
/// customer erased.
async fn run_upkeep(system: &mut TestSystem) {
    for (key, _) in system.edge.kv_entries() {
        system.edge.kv_set(&key, None);
    }
    let comparison = KvComparison { edge: &system.acme.app().edge, compare_only: false, pauses: &[] };
    comparison.run(&mut KvReport::default(), |_| ()).await.expect("comes to its end");
    assert!(!system.edge.kv_entries().is_empty());

    let app = restart_with_keys(system, origin_keyring(&["k-2"])).await;
    let mut report = rotation::RotationReport::default();
    rotate(&app.store, &app.vault, &*app.random, &mut report, |_, _| ()).await.expect("comes to its end");
    assert!(report.resealed > 0 && report.is_complete());

    let (report, complaints) =
        erase_listed_subscribers(&system.acme, &format!("{BEN}\n{ANN}, and {CLEO}\n")).await;
    assert_eq!((report.erased, report.refused), (1, 1));
    Search::for_numbers(&NUMBERS).assert_absent("a complaint", complaints.join("\n").as_bytes());
    assert_eq!(system.request_erasure("er-1", FRESH).await.0, StatusCode::OK);
    app.worker.deliver_due().await.expect("works");
    let ann = system.pai_of("ann@example.com").await;
    assert_eq!(post_charge(system, &ann, "c-last").await, "DECLINED");
    app.sweep().await.expect("works");
}
