//! Customer care, billing and on-call at the operator API: from a number to its subscriber's page, the
//! end of a link, what waits in the queue, and an entry in the audit for each look and each act.

use crate::coupons::{coupon_body, issue_coupon};
use http::{Method, StatusCode};
use onbill_domain::wire::audit::{AuditAct, AuditLine, AuditOutcome};
use onbill_origin::audit::verify_ledger;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";

async fn search(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    let body = json!({"msisdn": number, "actor": "care-17", "role": "care", "ref": "T-1"});
    system.call_acme_origin("/subscribers/search", &body).await
}

async fn list_entries(system: &TestSystem) -> Vec<AuditLine> {
    let store = &system.acme.app().store;
    let end = verify_ledger(store).await.expect("reads").expect("is whole");
    let entries = store.list_audit_lines(0, 100).await.expect("reads");
    assert_eq!(entries.len() as u64, end.lines);
    entries
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1
}

#[tokio::test]
async fn number_leads_to_its_subscribers_page() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "APPROVED");
    let refund =
        json!({"extRefundID": "r-1", "reason": "Cancelled", "amount": {"value": 600, "currency": "USD"}});
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(status, StatusCode::CREATED);

    let (status, page) = search(&system, GOOD).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let link = &page["links"][0];
    assert_eq!((&link["linkID"], &link["partner"]), (&json!(pai), &json!("netflix")), "{page}");
    assert_eq!(link["state"], "ACTIVE");
    assert!(link["mandate"]["price"].is_object() && link["paidUntil"].is_string(), "{page}");
    let charge = &page["charges"][0];
    assert_eq!(charge["status"], "APPROVED", "{page}");
    assert_eq!(charge["refunded"], json!({"value": 600, "currency": "USD"}));
    assert_eq!(charge["refunds"][0]["extRefundID"], "r-1");
    assert_eq!(charge["refunds"][0]["reason"], "Cancelled");
    assert_eq!((&charge["kind"], &charge["extTransactionID"]), (&json!("subscription"), &json!("c-1")));
    assert!(charge["refunds"][0]["borneBy"].is_null() && page["more"].is_null(), "the partner's: {page}");
    assert!(!page.to_string().contains(GOOD.trim_start_matches('+')), "the number is not sent back");

    let entries = list_entries(&system).await;
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((entry.act, entry.outcome), (AuditAct::SubscriberLookedUp, AuditOutcome::Done));
    assert_eq!(entry.subscriber.as_deref(), page["handle"].as_str());
    assert_eq!(entry.actor.as_str(), "care-17");
    assert!(entry.correlator.is_some(), "it joins the log");
    assert!(!entry.key.is_empty() && entry.key != "cli", "{entry:?}");
}

#[tokio::test]
async fn decline_is_explained_in_words() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let body = json!({"reason": "pai-revoked-by-user", "actor": "care-17", "role": "care", "ref": "T-2"});
    let (status, closed) = system.call_acme_origin(&format!("/links/{pai}/close"), &body).await;
    assert_eq!(status, StatusCode::OK, "{closed}");
    assert_eq!(post_charge(&system, &pai, "c-1").await["declineReason"], "pai-revoked-by-user");
    let (_, page) = search(&system, GOOD).await;
    assert_eq!(page["charges"][0]["declineReason"], "pai-revoked-by-user", "{page}");
    assert_eq!(page["charges"][0]["explanation"], "The customer has unlinked the partner.");
    assert_eq!(page["links"][0]["explanation"], "The customer has unlinked the partner.");
}

#[tokio::test]
async fn look_that_finds_nobody_is_in_the_audit() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let (status, refusal) = search(&system, OTHER).await;
    assert_eq!((status, &refusal["code"]), (StatusCode::NOT_FOUND, &json!("account-not-found")));
    system.request_erasure("er-1", GOOD).await;
    assert_eq!(search(&system, GOOD).await.0, StatusCode::NOT_FOUND, "was erased");
    let entries = list_entries(&system).await;
    let said: Vec<_> = entries.iter().map(|entry| (entry.act, entry.outcome)).collect();
    let look = (AuditAct::SubscriberLookedUp, AuditOutcome::NotFound);
    assert_eq!(said, [look, (AuditAct::SubscriberErased, AuditOutcome::Done), look]);
    assert!(entries[1].subscriber.is_some() && entries[1].subject.as_deref() == Some("er-1"));
}

#[tokio::test]
async fn look_without_a_name_is_refused() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    for body in [
        json!({"msisdn": GOOD, "role": "care"}),
        json!({"msisdn": GOOD, "actor": "care-17"}),
        json!({"msisdn": GOOD, "actor": "care-17", "role": "owner"}),
        json!({"msisdn": GOOD, "actor": "two words", "role": "care"}),
        json!({"msisdn": "12", "actor": "care-17", "role": "care"}),
        json!({"msisdn": GOOD, "actor": "care-17", "role": "care", "cursor": "yesterday"}),
        json!({"msisdn": GOOD, "actor": "care-17", "role": "care", "cursor": "1.\0"}),
    ] {
        let (status, refusal) = system.call_acme_origin("/subscribers/search", &body).await;
        let refused = (StatusCode::BAD_REQUEST, json!("invalid-request"));
        assert_eq!((status, refusal["code"].clone()), refused, "{refusal}");
    }
    assert!(list_entries(&system).await.is_empty(), "nobody was looked up");
}

#[tokio::test]
async fn closed_link_is_reported_to_the_partner() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let close = async |reason: &str| {
        let body = json!({"reason": reason, "actor": "fraud-3", "role": "fraud", "ref": "T-9"});
        system.call_acme_origin(&format!("/links/{pai}/close"), &body).await
    };
    let closed = json!({"linkID": pai, "state": "CLOSED", "closedReason": "account-closed-fraud"});
    assert_eq!(close("risk-declined").await.0, StatusCode::BAD_REQUEST, "closes no link");
    assert_eq!(close("account-closed-fraud").await, (StatusCode::OK, closed.clone()));
    // A second agent gets the first reason.
    assert_eq!(close("pai-revoked-by-user").await, (StatusCode::OK, closed));
    system.acme.deliver_due().await;
    assert_eq!(system.network.calls_to(NETFLIX, "/account-state").len(), 1, "once");
    assert_eq!(post_charge(&system, &pai, "c-1").await["declineReason"], "account-closed-fraud");
    let outcomes: Vec<_> = list_entries(&system).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Done, AuditOutcome::Unchanged]);

    let body = json!({"reason": "account-closed", "actor": "fraud-3", "role": "fraud", "ref": "T-10"});
    for unknown in ["x-1", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"] {
        let (status, refusal) = system.call_acme_origin(&format!("/links/{unknown}/close"), &body).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::NOT_FOUND, &json!("pai-not-found")));
    }
}

#[tokio::test]
async fn queue_and_alarms_are_read() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let (status, queue) = system.call_acme_origin("/queue", &Value::Null).await;
    assert_eq!((status, &queue["deadLetters"]), (StatusCode::OK, &json!([])), "{queue}");
    assert!(queue["queues"].as_array().is_some_and(|queues| queues.len() > 3), "{queue}");
    let (status, alarms) = system.call_acme_origin("/alarms", &Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert!(alarms["alarms"].is_array(), "{alarms}");
    let retry = json!({"actor": "billing-2", "role": "billing", "ref": "T-3"});
    for job in ["404", "x", "-1"] {
        let (status, refusal) = system.call_acme_origin(&format!("/queue/{job}/retry"), &retry).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::NOT_FOUND, &json!("not-found")), "{job}");
    }
}

#[tokio::test]
async fn dead_letter_is_retried_once() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = "127.0.0.1:8790/csp/transaction";
    system.network.inject_fault(billing, NetworkFault::Lost);
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "PENDING");
    let app = system.acme.app();
    let dead =
        format!("UPDATE outbox SET dead_lettered_at = {} WHERE kind = 'charge'", app.now().unix_seconds());
    system.acme.db.run_sql(&dead).await;
    let (_, queue) = system.call_acme_origin("/queue", &Value::Null).await;
    let job = queue["deadLetters"][0]["job"].as_i64().expect("is there");
    assert_eq!(queue["deadLetters"][0]["extID"], "c-1", "{queue}");
    system.network.clear_faults();
    let retry = json!({"actor": "billing-2", "role": "billing", "ref": "T-3"});
    let path = format!("/queue/{job}/retry");
    assert_eq!(system.call_acme_origin(&path, &retry).await, (StatusCode::OK, json!({"job": job})));
    assert_eq!(system.call_acme_origin(&path, &retry).await.0, StatusCode::NOT_FOUND, "a double click");
    system.acme.deliver_due().await;
    let (_, charge) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(charge["status"], "APPROVED", "{charge}");
    let outcomes: Vec<_> = list_entries(&system).await.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Done, AuditOutcome::NotFound]);
}

#[tokio::test]
async fn operators_refund_is_booked_and_reported_to_the_partner() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    post_charge(&system, &pai, "c-1").await;
    let (_, page) = search(&system, GOOD).await;
    let charge = page["charges"][0]["transactionID"].as_str().expect("is there").to_owned();
    let refund = |reference: &str, amount_minor: i64| {
        json!({
            "transactionID": charge, "amount": {"value": amount_minor, "currency": "USD"}, "ref": reference,
            "reason": "A child has ordered it", "borneBy": "operator", "actor": "billing-2", "role": "billing",
        })
    };
    let (status, answer) = system.call_acme_origin("/refunds", &refund("T-1", 600)).await;
    assert_eq!((status, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{answer}");
    assert_eq!(answer["remaining"]["value"], 999);
    assert_eq!(answer["extRefundID"], answer["refundID"]);
    let again = system.call_acme_origin("/refunds", &refund("T-1", 600)).await;
    assert_eq!(again, (StatusCode::OK, answer.clone()), "a double click");
    let mut borne_by_the_partner = refund("T-1", 600);
    borne_by_the_partner["borneBy"] = json!("partner");
    for other in [refund("T-1", 500), borne_by_the_partner] {
        let (status, refusal) = system.call_acme_origin("/refunds", &other).await;
        assert_eq!(
            (status, &refusal["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency-violation")),
            "{other}"
        );
    }
    let (status, refusal) = system.call_acme_origin("/refunds", &refund("T-2", 1000)).await;
    assert_eq!((status, &refusal["code"]), (StatusCode::BAD_REQUEST, &json!("invalid-request")), "is more");

    system.acme.deliver_due().await;
    assert_eq!(system.network.calls_to(NETFLIX, "/refund-state").len(), 1, "once");
    let (_, page) = search(&system, GOOD).await;
    assert_eq!(page["charges"][0]["refunds"][0]["reason"], "A child has ordered it", "{page}");
    assert_eq!(page["charges"][0]["refunds"][0]["borneBy"], "operator", "{page}");
    let outcomes: Vec<_> = list_entries(&system)
        .await
        .iter()
        .filter(|entry| entry.act == AuditAct::RefundPosted)
        .map(|entry| entry.outcome)
        .collect();
    let refused = AuditOutcome::Refused;
    assert_eq!(outcomes, [AuditOutcome::Done, AuditOutcome::Unchanged, refused, refused, refused]);
}

#[tokio::test]
async fn refund_of_no_charge_is_refused() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    for unknown in ["x-1", "x\0", ""] {
        let body = json!({"transactionID": unknown, "ref": "T-1", "reason": "Why not", "borneBy": "operator",
                          "actor": "billing-2", "role": "billing"});
        let (status, refusal) = system.call_acme_origin("/refunds", &body).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::NOT_FOUND, &json!("transaction-not-found")));
    }
}

#[tokio::test]
async fn coupons_sms_is_sent_again_once() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(issue_coupon(&system, &coupon_body("k-1", GOOD)).await.0, StatusCode::CREATED);
    let resend = json!({"actor": "care-17", "role": "care", "ref": "T-1"});
    for _ in 0..2 {
        let (status, coupon) = system.call_acme_origin("/sms/k-1/resend", &resend).await;
        assert_eq!((status, &coupon["extCouponID"]), (StatusCode::OK, &json!("k-1")), "{coupon}");
    }
    assert_eq!(system.acme.db.count_rows("coupons WHERE sms_count = 2").await, 1, "a double click");
    assert_eq!(system.call_acme_origin("/sms/k-2/resend", &resend).await.0, StatusCode::NOT_FOUND);
    let (_, page) = search(&system, GOOD).await;
    assert_eq!((&page["sms"][0]["kind"], &page["sms"][0]["id"]), (&json!("coupon"), &json!("k-1")), "{page}");
    let entries = list_entries(&system).await;
    let copies: Vec<_> = entries.iter().filter(|entry| entry.act == AuditAct::SmsResent).collect();
    let outcomes: Vec<_> = copies.iter().map(|entry| entry.outcome).collect();
    assert_eq!(outcomes, [AuditOutcome::Done, AuditOutcome::Unchanged]);
    assert_eq!(copies[0].subscriber.as_deref(), page["handle"].as_str());
}

/// What each desk call takes beside actor, role and reference.
fn desk_calls(pai: &str) -> Vec<(String, Value)> {
    vec![
        ("/subscribers/search".to_owned(), json!({"msisdn": GOOD})),
        (format!("/links/{pai}/close"), json!({"reason": "account-closed"})),
        ("/refunds".to_owned(), json!({"transactionID": "t-1", "reason": "x", "borneBy": "operator"})),
        ("/disputes".to_owned(), json!({"transactionID": "t-1", "state": "open", "reason": "fraud"})),
        ("/sms/k-1/resend".to_owned(), json!({})),
        ("/coupons/k-1/void".to_owned(), json!({})),
        ("/queue/1/retry".to_owned(), json!({})),
        ("/coupons/k-1/resend".to_owned(), json!({})),
        ("/erasures".to_owned(), json!({"erasureID": "x-1", "msisdn": GOOD})),
    ]
}

#[tokio::test]
async fn reference_is_never_a_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (path, body) in desk_calls(&pai) {
        for number in [GOOD, "2025550101", "202-555-0199", "+491701234567"] {
            let mut body = body.clone();
            body["actor"] = json!("adm-1");
            body["role"] = json!("admin");
            let reference = if path == "/coupons/k-1/resend" { "resendID" } else { "ref" };
            body[reference] = json!(number);
            let (status, refusal) = system.call_acme_origin(&path, &body).await;
            let refused = (StatusCode::BAD_REQUEST, json!("invalid-request"));
            assert_eq!((status, refusal["code"].clone()), refused, "{path} {number}: {refusal}");
        }
    }
    assert!(list_entries(&system).await.is_empty(), "nothing was done");
    // An attempt beyond the role is in the audit, without what reads as a number.
    let search = json!({"msisdn": GOOD, "actor": "prod-1", "role": "product", "ref": GOOD});
    assert_eq!(system.call_acme_origin("/subscribers/search", &search).await.0, StatusCode::FORBIDDEN);
    let entries = list_entries(&system).await;
    assert_eq!((entries.len(), entries[0].act, &entries[0].reference), (1, AuditAct::AccessRefused, &None));
}

#[tokio::test]
async fn lists_say_that_there_is_more() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = post_charge(&system, &pai, "c-1").await;
    let charge = charge["transactionID"].as_str().expect("is there");
    for n in 0..21 {
        let refund = json!({"extRefundID": format!("r-{n}"), "reason": "Cancelled",
                            "amount": {"value": 1, "currency": "USD"}});
        system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
        let dispute = |state: &str| {
            let mut body = json!({"transactionID": charge, "state": state, "ref": format!("D-{n}"),
                                  "actor": "fraud-3", "role": "fraud"});
            if state == "open" {
                body["reason"] = json!("duplicate");
            }
            body
        };
        for state in ["open", "withdrawn"] {
            assert!(system.call_acme_origin("/disputes", &dispute(state)).await.0.is_success());
        }
        let event = json!({"eventID": format!("e-{n}"), "type": if n % 2 == 0 { "suspended" } else { "resumed" },
                           "msisdn": GOOD, "occurredAt": system.now().to_string()});
        assert!(system.call_acme_origin("/account-events", &event).await.0.is_success());
        if n == 19 {
            let (_, page) = search(&system, GOOD).await;
            assert!(page["more"].is_null() && page["charges"][0]["more"].is_null(), "20 are all: {page}");
        }
        system.advance_seconds(1);
    }
    let (_, page) = search(&system, GOOD).await;
    assert_eq!(page["more"], json!(["events"]));
    assert_eq!(page["charges"][0]["more"], json!(["refunds", "disputes"]));
    for list in [&page["events"], &page["charges"][0]["refunds"], &page["charges"][0]["disputes"]] {
        assert_eq!(list.as_array().map(Vec::len), Some(20));
    }
}

#[tokio::test]
async fn charges_of_a_link_that_is_not_listed_are_there() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    post_charge(&system, &pai, "c-1").await;
    // As a customer who has signed up again and again since.
    let closed = format!(
        "UPDATE pais SET state = 'CLOSED', closed_reason = 'account-closed', closed_at = created_at
         WHERE pai = '{pai}';
         WITH RECURSIVE later (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM later WHERE n < 21)
         INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at, closed_at)
         SELECT 'later-' || n, partner, subscriber_id, state, closed_reason, 2, created_at + n, created_at + n
         FROM pais JOIN later WHERE pai = '{pai}';"
    );
    system.acme.db.run_sql(&closed).await;
    let (_, page) = search(&system, GOOD).await;
    let links = page["links"].as_array().expect("is a list");
    assert_eq!((links.len(), &page["more"]), (20, &json!(["links"])), "{page}");
    assert!(links.iter().all(|link| link["linkID"] != pai.as_str()), "{page}");
    assert_eq!(page["charges"].as_array().map(Vec::len), Some(1), "{page}");
}

#[tokio::test]
async fn dead_letter_says_what_billing_answered() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = "127.0.0.1:8790/csp/transaction";
    system.network.inject_fault(billing, NetworkFault::Lost);
    assert_eq!(post_charge(&system, &pai, "c-1").await["status"], "PENDING");
    // Its last attempt.
    let last = "UPDATE outbox SET attempts = 1000, due_at = 0 WHERE kind = 'charge'";
    system.acme.db.run_sql(last).await;
    system.acme.deliver_due().await;
    let (_, queue) = system.call_acme_origin("/queue", &Value::Null).await;
    assert_eq!(queue["deadLetters"][0]["lastAnswer"], json!({"kind": "no-answer"}), "{queue}");
}
