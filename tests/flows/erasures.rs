//! Erasures, through the whole system: they are reported to partner and edge, money stays in the
//! ledger, and a later sign-up is a new subscriber.

use http::{Method, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_origin::config::FileColumns;
use onbill_origin::lifecycle::erasure_file::ErasureReport;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::operator_calls::erase_listed_subscribers;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, NETFLIX, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const ABROAD: &str = "+447911123456";
const ABROAD_WITH_TRUNK_PREFIX: &str = "+4407911123456";

/// A test system in which a foreign line pays on Acme's bill; a device has sent its number in
/// either spelling.
async fn system_with_foreign_number() -> (TestSystem, String) {
    let system = TestSystem::start();
    system.acme.import_accounts(&format!("{ACME_ACCOUNTS}{ABROAD},active,postpaid,,USD,2021-03-14\n")).await;
    let mut pais = Vec::new();
    for number in [ABROAD, ABROAD_WITH_TRUNK_PREFIX] {
        let body = json!({"msisdn": number, "operator": "acme"});
        let (_, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
        pais.push(answer["pai"].as_str().expect("is text").to_owned());
    }
    assert_eq!(pais[0], pais[1]);
    (system, pais.remove(0))
}

fn expected_erasure() -> (StatusCode, Value) {
    (StatusCode::OK, json!("ERASED"))
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1
}

async fn request_erasure(system: &TestSystem, id: &str) -> Value {
    system.call_ott(Method::GET, &format!("/ott/v1/transaction/{id}"), Value::Null).await.1
}

/// The state of Ann's account as reported to the partner.
async fn last_account_state(system: &TestSystem) -> Value {
    let accounts = system.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
    let ann = accounts.into_iter().find(|account| account["email"] == "ann@example.com");
    ann.expect("is a member")["pays"]["reported"].clone()
}

#[tokio::test]
async fn erased_subscriber_is_closed_and_never_charged() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "APPROVED");
    for _ in 0..2 {
        assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
        system.acme.deliver_due().await;
    }
    let closed = json!({"pai": pai, "state": "CLOSED", "reason": "account-closed", "sequence": 2});
    assert_eq!(last_account_state(&system).await, closed);
    assert_eq!(system.network.calls_to(NETFLIX, "/account-state").len(), 1, "once");
    let stored = system.edge.kv_value(&format!("pai/{pai}")).expect("is there");
    assert!(stored.contains("CLOSED"), "a tombstone: {stored}");
    assert_eq!(post_charge(&system, &pai, "c-2").await["declineReason"], "account-closed");
    // Charges can still be refunded and queried.
    let refund =
        json!({"extRefundID": "r-1", "reason": "Cancelled", "amount": {"value": 600, "currency": "USD"}});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!((status, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{answer}");
    assert_eq!(request_erasure(&system, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn returning_customer_is_a_new_subscriber() {
    let (system, before) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
    system.acme.deliver_due().await;
    system.advance_seconds(86_400);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann-again@example.com")).await;
    let after = system.pai_of("ann-again@example.com").await;
    assert_ne!(after, before);
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure(), "the first one");
    assert_eq!(post_charge(&system, &after, "c-1").await["status"], "APPROVED");
    assert_eq!(post_charge(&system, &before, "c-2").await["declineReason"], "account-closed");
}

#[tokio::test]
async fn one_name_is_one_erasure() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("bob@example.com")).await;
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
    let conflict = (StatusCode::UNPROCESSABLE_ENTITY, json!("idempotency-violation"));
    assert_eq!(system.request_erasure("er-1", OTHER).await, conflict);
    let bob = system.pai_of("bob@example.com").await;
    assert_eq!(post_charge(&system, &bob, "c-1").await["status"], "APPROVED");
    for body in [json!({"erasureID": "er-2"}), json!({"erasureID": "er-2", "msisdn": "2025550102"})] {
        assert_eq!(system.call_acme_origin("/erasures", &body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn erasure_id_is_not_reused_for_another_number() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    // A customer is about to sign up, and an event names another: neither is a subscriber.
    system.enter_number(&system.acme, OTHER).await;
    let event = json!({"eventID": "e-1", "type": "suspended", "msisdn": ABROAD, "occurredAt": system.now().to_string()});
    assert_eq!(system.call_acme_origin("/account-events", &event).await.0, StatusCode::OK);
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
    for number in [OTHER, ABROAD] {
        let conflict = (StatusCode::UNPROCESSABLE_ENTITY, json!("idempotency-violation"));
        assert_eq!(system.request_erasure("er-1", number).await, conflict, "{number} was not erased by that");
    }
    assert_eq!(system.request_erasure("er-2", OTHER).await, expected_erasure());
    // A new sign-up is no trace of the old one.
    system.advance_seconds(60);
    system.enter_number(&system.acme, GOOD).await;
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
}

#[tokio::test]
async fn waiting_sms_is_not_sent_to_erased_subscriber() {
    let (system, _) = TestSystem::with_subscriber(OTHER).await;
    let gateway = "127.0.0.1:8790/csp/notification";
    let bought = json!({"extCouponID": "c-1", "msisdn": GOOD, "plan": "6M", "amount": {"value": 8999, "currency": "USD"}});
    for is_erased in [false, true] {
        system.network.inject_fault(gateway, NetworkFault::Lost);
        system.enter_number(&system.acme, GOOD).await;
        let mut coupon = bought.clone();
        coupon["extCouponID"] = json!(format!("c-{is_erased}"));
        assert_eq!(system.call_acme_origin("/coupons", &coupon).await.0, StatusCode::CREATED);
        system.acme.deliver_due().await;
        if is_erased {
            assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
        }
        system.network.clear_faults();
        for _ in 0..3 {
            system.advance_seconds(60);
            system.acme.deliver_due().await;
        }
        system.advance_seconds(10_000);
        let messages = system.sms_received(&system.acme, GOOD).await;
        assert_eq!(messages.len(), 2, "the PIN and the code of before the erasure: {messages:?}");
    }
}

#[tokio::test]
async fn only_the_operators_systems_ask_for_it() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let body = json!({"erasureID": "er-1", "msisdn": GOOD});
    let by = |holder: &KeyHolder, key_use, party: &str| {
        let mut request =
            http::Request::post(format!("http://{}/operator/v1/erasures", system.acme.origin_address))
                .header("content-type", "application/json")
                .body(bytes::Bytes::from(body.to_string()))
                .expect("is a request");
        let ring = keys::keyring(holder);
        let key = ring.signing_key(key_use, party).expect("is there");
        onbill_domain::signature::sign_request(&mut request, key, system.now(), &system.next_nonce())
            .expect("signs");
        request
    };
    for (who, request) in [
        ("the edge", by(&KeyHolder::Edge, KeyUse::EdgeToOrigin, "operator:acme")),
        ("another operator", by(&KeyHolder::Operator("nova"), KeyUse::OperatorToOrigin, "operator:nova")),
    ] {
        assert_eq!(system.send_request(request).await.0, StatusCode::UNAUTHORIZED, "{who}");
    }
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "APPROVED");
}

/// The outcome of a charge can be found by its id, and no new charge is made for an erased
/// subscriber.
#[tokio::test]
async fn charges_that_wait_are_decided_without_the_number() {
    for (mishap, status) in [(NetworkFault::Lost, "DECLINED"), (NetworkFault::AnswerLost, "APPROVED")] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        system.network.inject_fault(BILLING, mishap);
        assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "PENDING", "{mishap:?}");
        assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
        system.network.clear_faults();
        system.advance_seconds(600);
        system.acme.deliver_due().await;
        let answer = request_erasure(&system, "c-1").await;
        assert_eq!(answer["status"], status, "{mishap:?}");
        if status == "DECLINED" {
            assert_eq!(answer["declineReason"], "account-closed");
        }
    }
}

#[tokio::test]
async fn signup_under_way_restarts_after_erasure() {
    let (system, _) = TestSystem::with_subscriber(OTHER).await;
    let (_, step) = system.enter_session_number(&system.acme, GOOD).await;
    assert_eq!(step["step"], "confirm", "{step}");
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
    let (status, answer) =
        system.call_widget("/signup", json!({"operator": "acme", "flow": step["flow"]})).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("token-expired")), "{answer}");
}

#[tokio::test]
async fn people_are_erased_from_a_list() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("bob@example.com")).await;
    let bob = system.pai_of("bob@example.com").await;
    let list = "(202) 555-0101\n\n202-555-0999x\r\n+12025550102\n+1202555\n202.555.0101\n+12025550177";
    let (report, complaints) = erase_listed_subscribers(&system.acme, list).await;
    assert_eq!(report, ErasureReport { erased: 2, erasing: 0, not_found: 1, refused: 2 });
    let expected = [
        "line 3: is not a telephone number",
        "line 5: is not a telephone number",
        "line 7: this number is not on record",
    ];
    assert_eq!(complaints, expected);
    for (pai, id) in [(pai, "c-1"), (bob, "c-2")] {
        assert_eq!(post_charge(&system, &pai, id).await["declineReason"], "account-closed");
    }
}

/// A file that has been made is written with its numbers, which are deleted then; a subscriber who
/// is in no file yet is erased at once.
#[tokio::test]
async fn file_for_billing_is_written_out_first() {
    let system = TestSystem::with_files().await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    for (number, email) in [(GOOD, "ann@example.com"), (OTHER, "bob@example.com")] {
        system.sign_up(&system.acme, number, AccountChoice::New(email)).await;
    }
    let (ann, bob) = (system.pai_of("ann@example.com").await, system.pai_of("bob@example.com").await);
    assert_eq!(post_charge(&system, &ann, "c-1").await["status"], "PENDING");
    assert_eq!(post_charge(&system, &bob, "c-2").await["status"], "PENDING");
    assert_eq!(system.request_erasure("er-2", OTHER).await, expected_erasure());
    let app = system.acme.app();
    let until = app.now().plus_seconds(360);
    let leased = app.store.lease_due(onbill_origin::store::Queue::Billing, app.now(), until, 16).await;
    let made = app
        .store
        .create_billing_file(app.now(), "acme-f-1".into(), leased.expect("works"), FileColumns::default())
        .await;
    assert_eq!(made.expect("works"), 1, "of Ann's only");
    assert_eq!(system.request_erasure("er-1", GOOD).await, (StatusCode::OK, json!("ERASING")));
    app.store.mark_file_written(app.now(), "acme-f-1".into(), [1; 32]).await.expect("works");
    app.sweep().await.expect("works");
    assert_eq!(system.request_erasure("er-1", GOOD).await, expected_erasure());
}

#[tokio::test]
async fn number_is_forgotten_however_it_is_spelled() {
    let (system, pai) = system_with_foreign_number().await;
    assert_eq!(system.request_erasure("er-1", ABROAD_WITH_TRUNK_PREFIX).await, expected_erasure());
    assert_eq!(post_charge(&system, &pai, "c-1").await["declineReason"], "account-closed");
}

#[tokio::test]
async fn event_is_applied_however_its_number_is_spelled() {
    let (system, pai) = system_with_foreign_number().await;
    let at = system.now().plus_seconds(1).to_string();
    let event =
        json!({"eventID": "e-1", "type": "ceased", "msisdn": ABROAD_WITH_TRUNK_PREFIX, "occurredAt": at});
    let (_, answer) = system.call_acme_origin("/account-events", &event).await;
    assert_eq!(answer["outcome"], "APPLIED", "{answer}");
    assert_eq!(post_charge(&system, &pai, "c-1").await["declineReason"], "account-closed");
    let moved = json!({"eventID": "e-2", "type": "number-changed", "msisdn": ABROAD,
                       "newMSISDN": ABROAD_WITH_TRUNK_PREFIX, "occurredAt": at});
    assert_eq!(
        system.call_acme_origin("/account-events", &moved).await.0,
        StatusCode::BAD_REQUEST,
        "to itself"
    );
}

#[tokio::test]
async fn renumbered_line_is_one_line() {
    // An operator of the United States serves a line in Mexico, whose number once had a 1.
    let [new_number, old_number] = ["+525512345678", "+5215512345678"];
    let system = TestSystem::start();
    system
        .acme
        .import_accounts(&format!("{ACME_ACCOUNTS}{new_number},active,postpaid,,USD,2021-03-14\n"))
        .await;
    let validate = async |number: &str| {
        let body = json!({"msisdn": number, "operator": "acme"});
        system.call_ott(Method::POST, "/ott/v1/account/validate", body).await
    };
    let (new, old) = (validate(new_number).await, validate(old_number).await);
    assert_eq!((new.0, &new.1["pai"]), (StatusCode::OK, &old.1["pai"]), "{new:?} {old:?}");
    assert_eq!(system.request_erasure("er-1", old_number).await, expected_erasure());
    let pai = new.1["pai"].as_str().expect("is text");
    assert_eq!(post_charge(&system, pai, "c-1").await["declineReason"], "account-closed");
    // Once more, and a number of nobody's.
    for (id, number) in [("er-2", new_number), ("er-3", "+12025550177")] {
        assert_eq!(
            system.request_erasure(id, number).await,
            (StatusCode::OK, json!("NOT_FOUND")),
            "{number}"
        );
    }
}

/// Files and calls have one rule for numbers that the numbering plan does not know.
#[tokio::test]
async fn number_of_no_known_range_is_taken_everywhere() {
    let system = TestSystem::start();
    let unknown = "+10005550101";
    let file = format!("{ACME_ACCOUNTS}{unknown},active,postpaid,,USD,2021-03-14\n");
    system.acme.import_accounts(&file).await;
    let body = json!({"msisdn": unknown, "operator": "acme"});
    assert_eq!(system.call_ott(Method::POST, "/ott/v1/account/validate", body).await.0, StatusCode::OK);
    assert_eq!(system.request_erasure("er-1", unknown).await, expected_erasure());
    // No plan has numbers of this country.
    let bad = "+999123456789";
    let body = json!({"msisdn": bad, "operator": "acme"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")));
    assert_eq!(system.request_erasure("er-2", bad).await.0, StatusCode::BAD_REQUEST);
    let (report, _) = erase_listed_subscribers(&system.acme, bad).await;
    assert_eq!((report.refused, report.not_found), (1, 0));
}
