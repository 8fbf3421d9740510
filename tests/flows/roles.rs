//! Each desk call is held to what its role may do, and the attempt at anything else is in the audit.

use http::{Method, StatusCode};
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditLine, AuditOutcome};
use onbill_origin::audit::verify_ledger;
use onbill_origin::care::{Act, permits};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::charge_body;
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

async fn list_entries(system: &TestSystem) -> Vec<AuditLine> {
    let store = &system.acme.app().store;
    verify_ledger(store).await.expect("reads").expect("is whole");
    store.list_audit_lines(0, 500).await.expect("reads")
}

/// A desk call of each kind, and what it is.
fn calls(pai: &str, charge: &str) -> Vec<(Act, String, Value)> {
    let dispute = |state: &str| json!({"transactionID": charge, "state": state, "ref": "D-1"});
    let mut open = dispute("open");
    open["reason"] = json!("fraud");
    vec![
        (Act::SearchSubscriber, "/subscribers/search".to_owned(), json!({"msisdn": GOOD})),
        (
            Act::PostRefund,
            "/refunds".to_owned(),
            json!({"transactionID": charge, "reason": "x", "borneBy": "operator", "ref": "T-1"}),
        ),
        (Act::OpenDispute, "/disputes".to_owned(), open),
        (Act::OpenDispute, "/disputes".to_owned(), dispute("withdrawn")),
        (Act::DecideDispute, "/disputes".to_owned(), dispute("accepted")),
        (Act::DecideDispute, "/disputes".to_owned(), dispute("rejected")),
        (Act::ResendSms, "/sms/k-1/resend".to_owned(), json!({"ref": "T-1"})),
        (Act::ResendSms, "/coupons/k-1/resend".to_owned(), json!({})),
        (Act::VoidCoupon, "/coupons/k-1/void".to_owned(), json!({})),
        (Act::RetryJob, "/queue/1/retry".to_owned(), json!({})),
        (
            Act::EraseSubscriber,
            "/erasures".to_owned(),
            json!({"erasureID": "er-1", "msisdn": "+12025550199"}),
        ),
        (Act::CloseLink, format!("/links/{pai}/close"), json!({"reason": "account-closed", "ref": "T-1"})),
    ]
}

#[tokio::test]
async fn each_call_is_held_to_its_role() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (_, posted) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let charge = posted["transactionID"].as_str().expect("is there").to_owned();
    let mut refused = Vec::new();
    for role in ActorRole::ALL {
        for (act, path, mut body) in calls(&pai, &charge) {
            body["actor"] = json!("agent-1");
            body["role"] = json!(role.as_str());
            let (status, answer) = system.call_acme_origin(&path, &body).await;
            // A supervisor has no ceiling here, and so may refund nothing.
            let may = permits(role, act) && (role, act) != (ActorRole::Supervisor, Act::PostRefund);
            assert_eq!(status != StatusCode::FORBIDDEN, may, "{} {path}: {answer}", role.as_str());
            if !may {
                assert_eq!(answer["code"], "forbidden", "{answer}");
            }
            if !permits(role, act) {
                refused.push((role, act.as_str().to_owned()));
            }
        }
    }
    let entries = list_entries(&system).await;
    let recorded = entries.iter().filter(|entry| entry.act == AuditAct::AccessRefused);
    let recorded: Vec<_> = recorded
        .map(|entry| {
            assert_eq!((entry.outcome, entry.subscriber.as_ref()), (AuditOutcome::Refused, None));
            (entry.role, entry.subject.clone().expect("names the act"))
        })
        .collect();
    assert_eq!(recorded, refused);
}

#[tokio::test]
async fn refused_call_does_nothing_and_says_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (number, role) in [(GOOD, "product"), ("+12025550102", "product"), (GOOD, "auditor")] {
        let body = json!({"msisdn": number, "actor": "agent-1", "role": role});
        let (status, answer) = system.call_acme_origin("/subscribers/search", &body).await;
        let message = format!("The role {role} may not do this: search-subscriber.");
        assert_eq!(
            (status, answer),
            (StatusCode::FORBIDDEN, json!({"code": "forbidden", "message": message}))
        );
    }
    let close = json!({"reason": "account-closed", "ref": "T-1", "actor": "agent-1", "role": "finance"});
    system.call_acme_origin(&format!("/links/{pai}/close"), &close).await;
    assert_eq!(system.acme.db.count_rows("pais WHERE state = 'CLOSED'").await, 0);
}

#[tokio::test]
async fn supervisors_refund_up_to_their_ceiling() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.set_acme_limits(json!([{"currency": "USD", "supervisor_refund": 500}]));
    let (_, posted) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let charge = posted["transactionID"].as_str().expect("is there").to_owned();
    let refund = async |reference: &str, role: &str, amount_minor: Option<i64>| {
        let mut body = json!({
            "transactionID": charge, "ref": reference, "reason": "x", "borneBy": "operator",
            "actor": "agent-1", "role": role,
        });
        if let Some(amount_minor) = amount_minor {
            body["amount"] = json!({"value": amount_minor, "currency": "USD"});
        }
        system.call_acme_origin("/refunds", &body).await.0
    };
    assert_eq!(refund("T-1", "supervisor", Some(501)).await, StatusCode::FORBIDDEN);
    assert_eq!(refund("T-1", "supervisor", None).await, StatusCode::FORBIDDEN, "all that is left is more");
    assert_eq!(refund("T-1", "supervisor", Some(300)).await, StatusCode::CREATED);
    assert_eq!(refund("T-2", "supervisor", Some(201)).await, StatusCode::FORBIDDEN, "together it is more");
    assert_eq!(refund("T-2", "supervisor", Some(200)).await, StatusCode::CREATED);
    assert_eq!(refund("T-2", "supervisor", Some(200)).await, StatusCode::OK, "its replay");
    assert_eq!(refund("T-3", "care", Some(1)).await, StatusCode::FORBIDDEN);
    assert_eq!(refund("T-3", "billing", None).await, StatusCode::CREATED);
    assert_eq!(system.acme.db.count_rows("transactions WHERE refunded_minor = 1599").await, 1);
}
