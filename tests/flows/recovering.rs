//! An origin whose database was restored from an older copy decides nothing, until what was lost
//! has been adopted from the partner's statement, billing's extract and the edge's store.

use crate::account_events::{event_body, report_event};
use crate::coupons::{issue_and_read_code, redeem_code};
use http::{Method, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::reconciliation::LostPais;
use onbill_origin::reconciliation::Side;
use onbill_origin::reconciliation::adoption::Adoption;
use onbill_origin::reconciliation::adoption_report::{AdoptionReport, Lost};
use onbill_origin::reconciliation::file::ReportedLedger;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, NetworkFault, TestSystem};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const ANN: &str = "+12025550101";
const BOB: &str = "+12025550102";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

/// What the partner has of one call: kind, ids, PAI, amount, status, reference.
pub(crate) struct Stated<'a> {
    pub(crate) kind: &'a str,
    pub(crate) charge: &'a str,
    pub(crate) refund: &'a str,
    pub(crate) pai: &'a str,
    pub(crate) minor: i64,
    pub(crate) status: &'a str,
    pub(crate) reference: &'a str,
}

pub(crate) const CHARGE: Stated<'_> = Stated {
    kind: "charge",
    charge: "",
    refund: "",
    pai: "",
    minor: 1599,
    status: "APPROVED",
    reference: "",
};

pub(crate) fn statement(lines: &[Stated<'_>]) -> ReportedLedger {
    let mut text =
        "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status,description,period_from,\
         period_to,extReference\n"
            .to_owned();
    for line in lines {
        let Stated { kind, charge, refund, pai, minor, status, reference } = line;
        writeln!(
            text,
            "{kind},{charge},{refund},{pai},{minor},USD,{status},Netflix Standard,2026-12-01,2026-12-31,{reference}"
        )
        .expect("a string takes it");
    }
    let complain = |why| panic!("{why}");
    ReportedLedger::read_with_details(Side::Partner, text.as_bytes(), complain, |_| {})
        .expect("is a statement")
}

/// What is on these numbers' bills.
pub(crate) async fn extract(system: &TestSystem, numbers: &[&str]) -> ReportedLedger {
    let mut text = "kind,transactionID,refundID,amount_minor,currency,msisdn\n".to_owned();
    for number in numbers {
        for line in system.bill_lines(&system.acme, number).await {
            let id = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            let (charge, refund) = (id("transactionID"), id("refundID"));
            let kind = if refund.is_empty() { "charge" } else { "refund" };
            let minor = line["amount"]["value"].as_i64().expect("is whole").abs();
            writeln!(text, "{kind},{charge},{refund},{minor},USD,{number}").expect("a string takes it");
        }
    }
    let complain = |why| panic!("{why}");
    ReportedLedger::read_with_details(Side::Bill, text.as_bytes(), complain, |_| {}).expect("is an extract")
}

pub(crate) async fn adopt(
    system: &TestSystem,
    statement: &ReportedLedger,
    extract: &ReportedLedger,
    copied_at: Timestamp,
) -> AdoptionReport {
    let app = system.acme.app();
    let adoption = Adoption {
        store: &app.store,
        ids: &app.ids,
        clock: &*app.clock,
        partner: PartnerId::parse("netflix").expect("is a slug"),
        informs_partner: true,
        codes: Arc::new(app.config.list_charge_codes()),
        pais: LostPais {
            edge: &app.edge,
            accounts: &app.accounts,
            source: app.config.accounts,
            vault: &app.vault,
            numbers: app.numbers,
            random: &*app.random,
            copied_at: Some(copied_at),
        },
    };
    adoption.run(statement, extract).await.expect("comes to its end")
}

async fn call(system: &TestSystem, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    system.call_ott(method, path, body.clone()).await
}

async fn post(system: &TestSystem, body: &Value) -> (StatusCode, Value) {
    call(system, Method::POST, "/ott/v1/transaction", body).await
}

async fn amounts(system: &TestSystem, number: &str) -> Vec<i64> {
    let lines = system.bill_lines(&system.acme, number).await;
    lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect()
}

#[tokio::test]
async fn recovering_origin_decides_and_denies_nothing() {
    let (mut system, pai) = TestSystem::with_subscriber(ANN).await;
    assert_eq!(post(&system, &charge_body(&pai, "c-1", 1599)).await.1["status"], "APPROVED");
    let copy = system.acme.db.copy();
    assert_eq!(post(&system, &charge_body(&pai, "c-2", 1599)).await.1["status"], "APPROVED");
    system.restore_acme_recovering(copy).await;

    let refund = json!({"extRefundID": "f-1", "reason": "Left"});
    let subscription =
        json!({"pai": pai, "extSubscriptionID": "s-9", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let number = json!({"msisdn": ANN, "operator": "acme"});
    for (path, body) in [
        ("/ott/v1/transaction", charge_body(&pai, "c-3", 1599)),
        ("/ott/v1/transaction", charge_body(&pai, "c-1", 1599)),
        ("/ott/v1/transaction/c-1/refund", refund),
        ("/ott/v1/partnerSubscription", subscription),
        ("/ott/v1/account/validate", number),
        ("/ott/v1/notification", json!({"pai": pai, "message": "Hello"})),
        ("/ott/v1/coupon/redeem", json!({"code": "AC00-0G40-R4ZB-XZSZ-FYRJ", "extReference": "r-1"})),
    ] {
        let (status, answer) = call(&system, Method::POST, path, &body).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable")),
            "{path}"
        );
    }
    let (status, _) = system.enter_number(&system.acme, BOB).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nobody signs up");

    let known = call(&system, Method::GET, "/ott/v1/transaction/c-1", &Value::Null).await;
    assert_eq!((known.0, &known.1["status"]), (StatusCode::OK, &json!("APPROVED")));
    let (status, _) = call(&system, Method::GET, "/ott/v1/transaction/c-2", &Value::Null).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "it may be lost: nobody says that there is none");
    let answer = report_event(&system, &event_body(&system, "e-1", "suspended", ANN)).await;
    assert_eq!(answer.0, StatusCode::OK, "{answer:?}");
    assert_eq!(amounts(&system, ANN).await, [1599, 1599]);
}

#[tokio::test]
async fn recovering_origin_posts_nothing_to_billing() {
    let (mut system, pai) = TestSystem::with_subscriber(ANN).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(post(&system, &charge_body(&pai, "c-1", 1599)).await.1["status"], "PENDING");
    system.network.clear_faults();
    let copy = system.acme.db.copy();
    system.restore_acme_recovering(copy).await;
    system.advance_seconds(3600);
    system.acme.deliver_due().await;
    assert!(amounts(&system, ANN).await.is_empty(), "the number may have another subscriber by now");
    system.restart_acme(|_| true).await;
    system.acme.deliver_due().await;
    assert_eq!(amounts(&system, ANN).await, [1599]);
}

#[tokio::test]
async fn lost_charges_refunds_redemptions_and_pais_are_adopted() {
    let (mut system, ann) = TestSystem::with_subscriber(ANN).await;
    let code = issue_and_read_code(&system, "k-1", ANN).await;
    let (copy, copied_at) = (system.acme.db.copy(), system.now());

    // What the copy does not have.
    post(&system, &charge_body(&ann, "c-1", 1599)).await;
    let refund = json!({"extRefundID": "f-1", "amount": {"value": 500, "currency": "USD"}, "reason": "Left"});
    let refunded = call(&system, Method::POST, "/ott/v1/transaction/c-1/refund", &refund).await;
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    assert_eq!(post(&system, &charge_body(&ann, "c-2", 1599)).await.1["status"], "PENDING");
    system.network.clear_faults();
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(post(&system, &charge_body(&ann, "c-3", 1599)).await.1["status"], "PENDING");
    system.network.clear_faults();
    let (_, redeemed) = redeem_code(&system, &code, "r-1").await;
    system.sign_up(&system.acme, BOB, AccountChoice::New("bob@example.com")).await;
    let bob = system.pai_of("bob@example.com").await;
    post(&system, &charge_body(&bob, "b-1", 1599)).await;

    system.restore_acme_recovering(copy).await;
    let coupon = redeemed["extTransactionID"].as_str().expect("is text");
    let stated = statement(&[
        Stated { charge: "c-1", pai: &ann, ..CHARGE },
        Stated { kind: "refund", charge: "c-1", refund: "f-1", minor: 500, ..CHARGE },
        Stated { charge: "c-2", pai: &ann, status: "PENDING", ..CHARGE },
        Stated { charge: "c-3", pai: &ann, status: "PENDING", ..CHARGE },
        Stated { charge: "c-4", pai: &ann, status: "DECLINED", ..CHARGE },
        Stated { charge: coupon, pai: &ann, minor: 8999, reference: "r-1", ..CHARGE },
        Stated { charge: "b-1", pai: &bob, ..CHARGE },
    ]);
    let billed = extract(&system, &[ANN, BOB]).await;
    let report = adopt(&system, &stated, &billed, copied_at).await;
    assert!(report.left.is_empty(), "{report:?}");
    let count = |lost, outcome| report.counts.get(&(lost, outcome)).copied().unwrap_or_default();
    assert_eq!(
        [Lost::Pai, Lost::Charge, Lost::Redemption, Lost::Refund].map(|lost| count(lost, "adopted")),
        [1, 4, 1, 1]
    );
    let again = adopt(&system, &stated, &billed, copied_at).await;
    assert!(again.counts.keys().all(|(_, outcome)| *outcome != "adopted"), "{again:?}");

    // The operator says that it is complete.
    system.restart_acme(|_| true).await;
    let (status, answer) = post(&system, &charge_body(&ann, "c-1", 1599)).await;
    assert_eq!((status, &answer["status"]), (StatusCode::OK, &json!("APPROVED")), "a replay");
    let again = call(&system, Method::POST, "/ott/v1/transaction/c-1/refund", &refund).await;
    assert_eq!((again.0, &again.1["refundID"]), (StatusCode::OK, &refunded.1["refundID"]));
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    assert_eq!((status, &answer["extTransactionID"]), (StatusCode::OK, &redeemed["extTransactionID"]));
    assert_eq!(redeem_code(&system, &code, "r-2").await.1["code"], "token-already-used", "it is spent");
    assert_eq!(amounts(&system, ANN).await, [1599, -500, 1599, 8999]);

    system.advance_seconds(400);
    system.acme.deliver_due().await;
    for id in ["c-2", "c-3"] {
        let answer = call(&system, Method::GET, &format!("/ott/v1/transaction/{id}"), &Value::Null).await;
        assert_eq!(answer.1["status"], "APPROVED", "{id}");
    }
    assert_eq!(amounts(&system, ANN).await, [1599, -500, 1599, 8999, 1599], "c-3 is billed once, too");
    // Nobody here knows any more what Bob has agreed to, until the partner reports it again.
    let answer = post(&system, &charge_body(&bob, "b-2", 1599)).await.1;
    assert_eq!(answer["rawResult"], json!({"scope": "mandate", "rawCode": "none"}), "{answer}");
    let subscriptions = system.network.calls_to(EDGE, "/ott/v1/partnerSubscription");
    let (reported, _) = subscriptions.last().expect("was reported");
    let reported: Value = serde_json::from_slice(reported).expect("is JSON");
    assert_eq!(reported["pai"], bob);
    let (status, _) = call(&system, Method::POST, "/ott/v1/partnerSubscription", &reported).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(post(&system, &charge_body(&bob, "b-3", 1599)).await.1["status"], "APPROVED");
    assert_eq!(amounts(&system, BOB).await, [1599, 1599], "Bob pays for himself");
    assert_eq!(system.partner_charges().await["contradictions"], json!([]));
}

#[tokio::test]
async fn lost_refund_of_the_operator_is_left_to_its_own_call() {
    let (mut system, ann) = TestSystem::with_subscriber(ANN).await;
    let charged = post(&system, &charge_body(&ann, "c-1", 1599)).await.1;
    let (copy, copied_at) = (system.acme.db.copy(), system.now());
    let body = json!({
        "transactionID": charged["transactionID"], "amount": {"value": 500, "currency": "USD"}, "ref": "T-1",
        "reason": "Complaint", "borneBy": "operator", "actor": "billing-3", "role": "billing",
    });
    let (status, refund) = system.call_acme_origin("/refunds", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{refund}");
    let id = refund["refundID"].as_str().expect("is text");

    system.restore_acme_recovering(copy).await;
    // The partner has heard of it by our id, and billing may not have it yet.
    let stated =
        statement(&[Stated { kind: "refund", charge: "c-1", refund: id, minor: 500, pai: &ann, ..CHARGE }]);
    for billed in [extract(&system, &[ANN]).await, extract(&system, &[]).await] {
        let report = adopt(&system, &stated, &billed, copied_at).await;
        assert_eq!(report.left, [(Lost::Refund, id.to_owned(), "operators-refund")]);
    }
    system.restart_acme(|_| true).await;
    let (status, again) = system.call_acme_origin("/refunds", &body).await;
    assert_eq!((status, &again["refundID"]), (StatusCode::CREATED, &refund["refundID"]), "{again}");
    system.acme.deliver_due().await;
    assert_eq!(amounts(&system, ANN).await, [1599, -500], "it is given back once");
}

#[tokio::test]
async fn pai_closed_since_copy_stays_closed() {
    let (mut system, pai) = TestSystem::with_subscriber(ANN).await;
    let (copy, copied_at) = (system.acme.db.copy(), system.now());
    let app = system.acme.app();
    let (netflix, id) = (PartnerId::parse("netflix").expect("is a slug"), Pai::parse(&pai).expect("is one"));
    app.store.close_pai(app.now(), netflix, id, DeclineReason::PaiRevokedByUser).await.expect("works");
    system.acme.deliver_due().await;
    system.restore_acme_recovering(copy).await;
    let (none, nothing) = (statement(&[]), extract(&system, &[]).await);
    adopt(&system, &none, &nothing, copied_at).await;
    let known = system.acme.app().store.find_pai_status(id).await.expect("works").expect("is there");
    assert_eq!(known.state, PaiState::Closed);
    system.restart_acme(|_| true).await;
    assert_eq!(post(&system, &charge_body(&pai, "c-1", 1599)).await.1["status"], "DECLINED");
    assert!(amounts(&system, ANN).await.is_empty());
}

#[tokio::test]
async fn lost_pai_is_never_given_to_another_subscriber() {
    let mut system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let (copy, copied_at) = (system.acme.db.copy(), system.now());
    system.sign_up(&system.acme, BOB, AccountChoice::New("bob@example.com")).await;
    let bob = system.pai_of("bob@example.com").await;
    post(&system, &charge_body(&bob, "b-1", 1599)).await;
    let stated = statement(&[Stated { charge: "b-1", pai: &bob, ..CHARGE }]);
    system.restore_acme_recovering(copy).await;
    let billed = extract(&system, &[BOB]).await;
    // The number has changed hands since.
    let line = ACME_ACCOUNTS.lines().find(|line| line.starts_with(BOB)).expect("has an account");
    let (before, _) = line.rsplit_once(',').expect("has a day");
    system.acme.import_accounts(&ACME_ACCOUNTS.replace(line, &format!("{before},2026-11-19"))).await;
    let report = adopt(&system, &stated, &billed, copied_at).await;
    let left: Vec<_> = report.left.iter().map(|(lost, id, why)| (*lost, id.as_str(), *why)).collect();
    assert_eq!(left, [(Lost::Pai, bob.as_str(), "other-subscriber"), (Lost::Charge, "b-1", "pai-not-found")]);
    system.restart_acme(|_| true).await;
    assert_eq!(post(&system, &charge_body(&bob, "b-2", 1599)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(amounts(&system, BOB).await, [1599]);
}
