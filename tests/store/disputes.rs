//! Disputes: one open at a time for each charge, what was decided stays, the partner hears of fraud, and
//! each change is an entry in the audit.

use crate::audit::stamp;
use crate::races::{at_once, how_many};
use crate::test_store::{TestStore, new_charge, new_refund};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id};
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::dispute::{Dispute, DisputeReason, DisputeState};
use onbill_origin::audit::verify_ledger;
use onbill_origin::store::{
    DeliveryOutcome, DisputeChange, DisputeStep, Job, NextStep, Period, PostDisputeResult, Queue,
    SettleResult, WebhookJob, WebhookOutcome,
};

on_each_database!(
    a_dispute_is_opened_once_and_decided_once,
    a_charge_has_one_open_dispute,
    of_disputes_at_once_one_is_open,
    only_a_settled_charge_of_a_partner_is_disputed,
    the_partner_hears_of_fraud_and_of_nothing_else,
    a_decision_takes_the_place_of_a_report_under_way,
    the_report_of_a_decision_has_all_its_attempts,
    disputes_are_listed_page_by_page,
    a_dispute_moves_no_money,
);

const FRAUD: DisputeStep = DisputeStep::Open(DisputeReason::Fraud);
const DUPLICATE: DisputeStep = DisputeStep::Open(DisputeReason::Duplicate);
const ACCEPT: DisputeStep = DisputeStep::Decide(DisputeState::Accepted);
const REJECT: DisputeStep = DisputeStep::Decide(DisputeState::Rejected);

fn change(charge: &str, reference: &str, step: DisputeStep) -> DisputeChange {
    DisputeChange {
        dispute_id: format!("dp-{charge}-{reference}"),
        transaction_id: charge.to_owned(),
        reference: parse_ext_id(reference),
        step,
    }
}

async fn post(db: &TestStore, charge: &str, reference: &str, step: DisputeStep) -> PostDisputeResult {
    let request = change(charge, reference, step);
    db.store.post_dispute(Some(fresh_nonce()), NOW, stamp("T-1"), request).await.expect("works")
}

async fn open(db: &TestStore, charge: &str, reference: &str, step: DisputeStep) -> Dispute {
    match post(db, charge, reference, step).await {
        PostDisputeResult::Opened(dispute) => dispute,
        other => panic!("not opened: {other:?}"),
    }
}

async fn charge(db: &TestStore, ext_id: &str) -> String {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, ext_id, 1000).await
}

async fn a_dispute_is_opened_once_and_decided_once(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    let opened = open(&db, &charge, "D-1", FRAUD).await;
    assert_eq!((opened.state, opened.reason), (DisputeState::Open, DisputeReason::Fraud));
    assert_eq!((opened.opened_at, opened.decided_at), (NOW, None));
    assert_eq!(post(&db, &charge, "D-1", FRAUD).await, PostDisputeResult::Unchanged(opened.clone()));
    assert_eq!(post(&db, &charge, "D-1", DUPLICATE).await, PostDisputeResult::Conflict);
    let accepted = Dispute { state: DisputeState::Accepted, decided_at: Some(NOW), ..opened };
    assert_eq!(post(&db, &charge, "D-1", ACCEPT).await, PostDisputeResult::Decided(accepted.clone()));
    assert_eq!(post(&db, &charge, "D-1", ACCEPT).await, PostDisputeResult::Unchanged(accepted.clone()));
    let otherwise = PostDisputeResult::DecidedOtherwise(DisputeState::Accepted);
    assert_eq!(post(&db, &charge, "D-1", REJECT).await, otherwise);
    assert_eq!(post(&db, &charge, "D-2", REJECT).await, PostDisputeResult::DisputeNotFound);

    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let said: Vec<_> = entries.iter().map(|entry| (entry.act, entry.outcome)).collect();
    assert_eq!(
        said,
        [
            (AuditAct::DisputeOpened, AuditOutcome::Done),
            (AuditAct::DisputeOpened, AuditOutcome::Unchanged),
            (AuditAct::DisputeOpened, AuditOutcome::Refused),
            (AuditAct::DisputeDecided, AuditOutcome::Done),
            (AuditAct::DisputeDecided, AuditOutcome::Unchanged),
            (AuditAct::DisputeDecided, AuditOutcome::Refused),
            (AuditAct::DisputeDecided, AuditOutcome::NotFound),
        ]
    );
    assert_eq!(entries[0].subject, Some(format!("{charge} dp-{charge}-D-1")));
    assert_eq!(entries[3].reason.as_deref(), Some("accepted"));
    assert!(entries.iter().all(|entry| entry.subscriber.is_some()));
}

async fn a_charge_has_one_open_dispute(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    open(&db, &charge, "D-1", FRAUD).await;
    assert_eq!(post(&db, &charge, "D-2", DUPLICATE).await, PostDisputeResult::AnotherIsOpen);
    post(&db, &charge, "D-1", DisputeStep::Decide(DisputeState::Withdrawn)).await;
    open(&db, &charge, "D-2", DUPLICATE).await;
    let listed = db.store.list_disputes_of_charges(vec![charge.clone()], 10).await.expect("works");
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(db.store.list_disputes_of_charges(vec![charge], 1).await.expect("works").len(), 1);
}

async fn of_disputes_at_once_one_is_open(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    let posted = at_once(&db, 16, |store, n| {
        let request = change(&charge, &format!("D-{}", n % 4), FRAUD);
        async move {
            let posted = store.post_dispute(Some(fresh_nonce()), NOW, stamp("T-1"), request);
            posted.await.expect("works")
        }
    })
    .await;
    assert_eq!(how_many(&posted, |posted| matches!(posted, PostDisputeResult::Opened(_))), 1);
    assert_eq!(how_many(&posted, |posted| matches!(posted, PostDisputeResult::Unchanged(_))), 3);
    assert_eq!(how_many(&posted, |posted| *posted == PostDisputeResult::AnotherIsOpen), 12);
    assert_eq!(db.place.count_rows("disputes").await, 1);
    assert_eq!(verify_ledger(&db.store).await.expect("reads").expect("is whole").lines, 16);
}

async fn only_a_settled_charge_of_a_partner_is_disputed(db: TestStore) {
    assert_eq!(post(&db, "tx-none", "D-1", FRAUD).await, PostDisputeResult::TransactionNotFound);
    let subscriber = db.sign_up_subscriber(1).await;
    let pending = db.post_new_charge(new_charge(subscriber.pai, "c-1", 1000)).await;
    assert_eq!(post(&db, &pending, "D-1", FRAUD).await, PostDisputeResult::ChargePending);
    let coupons = db.redeem_new_coupon(1, "k-1", "r-1").await;
    assert_eq!(post(&db, &coupons, "D-1", FRAUD).await, PostDisputeResult::CouponsCharge);
    let declined = format!(
        "UPDATE transactions SET status = 'DECLINED', decline_reason = 'risk-declined', settled_at = {}
         WHERE transaction_id = '{pending}'",
        NOW.unix_seconds()
    );
    db.place.run_sql(&declined).await;
    assert_eq!(post(&db, &pending, "D-1", FRAUD).await, PostDisputeResult::ChargeDeclined);
    assert_eq!(db.place.count_rows("disputes").await, 0);
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    assert_eq!(
        (entries[0].subscriber.as_ref(), entries[0].subject.as_ref()),
        (None, None),
        "it may be anything"
    );
}

async fn the_partner_hears_of_fraud_and_of_nothing_else(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    let count = async || db.place.count_rows("outbox WHERE kind = 'dispute-notice'").await;
    open(&db, &charge, "D-1", DUPLICATE).await;
    post(&db, &charge, "D-1", REJECT).await;
    assert_eq!(count().await, 0);
    let dispute = open(&db, &charge, "D-2", FRAUD).await;
    assert_eq!(count().await, 1);
    let reported = db.store.find_dispute_webhook(dispute.dispute_id.clone()).await.expect("works");
    let (partner, reported) = reported.expect("is there");
    assert_eq!((partner, reported.ext_transaction_id), (dispute.partner, parse_ext_id("c-1")));
    assert_eq!((reported.state, reported.sequence), (DisputeState::Open, 1));
    post(&db, &charge, "D-2", ACCEPT).await;
    post(&db, &charge, "D-2", ACCEPT).await;
    assert_eq!(count().await, 1, "one report for both changes");
    let (_, reported) =
        db.store.find_dispute_webhook(dispute.dispute_id).await.expect("works").expect("is there");
    assert_eq!((reported.state, reported.sequence), (DisputeState::Accepted, 2));
}

async fn a_decision_takes_the_place_of_a_report_under_way(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    let dispute = open(&db, &charge, "D-1", FRAUD).await;
    let until = NOW.plus_seconds(60);
    let leased = db.store.lease_due(Queue::PartnerWebhooks, NOW, until, 16).await.expect("works");
    let is_it = |job: &Job| matches!(job, Job::Webhook(WebhookJob::Dispute { dispute_id }) if *dispute_id == dispute.dispute_id);
    let leased = leased.into_iter().find(|leased| is_it(&leased.job)).expect("is due");
    post(&db, &charge, "D-1", REJECT).await;
    // The report that was under way said that it is open.
    let Job::Webhook(job) = leased.job.clone() else { panic!("is no webhook") };
    let outcome = DeliveryOutcome::Webhook { job: job.clone(), outcome: WebhookOutcome::Delivered };
    let settled = db.store.settle(NOW, leased.lease(), outcome).await.expect("works");
    assert_eq!(settled, SettleResult::Late);
    let again = db.store.lease_due(Queue::PartnerWebhooks, NOW, until, 16).await.expect("works");
    let again = again.into_iter().find(|leased| is_it(&leased.job)).expect("is due again");
    // As a dead letter it can be found by the operator's reference.
    let outcome =
        DeliveryOutcome::Webhook { job, outcome: WebhookOutcome::NotDelivered(NextStep::DeadLetter) };
    db.store.settle(NOW, again.lease(), outcome).await.expect("works");
    let dead = db.store.dead_letters(None, 10).await.expect("works");
    assert_eq!((dead[0].id.as_str(), &dead[0].ext_id), (dispute.dispute_id.as_str(), &parse_ext_id("D-1")));
    assert_eq!(dead[0].partner, dispute.partner);
}

/// The report that it is open may be a dead letter by then, or be at its last attempt.
async fn the_report_of_a_decision_has_all_its_attempts(db: TestStore) {
    let opened = charge(&db, "c-1").await;
    open(&db, &opened, "D-1", FRAUD).await;
    let used = format!("UPDATE outbox SET attempts = 9, dead_lettered_at = {}", NOW.unix_seconds());
    db.place.run_sql(&format!("{used} WHERE kind = 'dispute-notice'")).await;
    post(&db, &opened, "D-1", ACCEPT).await;
    let fresh = "outbox WHERE kind = 'dispute-notice' AND attempts = 0 AND dead_lettered_at IS NULL";
    assert_eq!(db.place.count_rows(fresh).await, 1);
    open(&db, &opened, "D-2", FRAUD).await;
    db.place.run_sql("UPDATE outbox SET attempts = 9 WHERE dispute_id LIKE '%-D-2'").await;
    post(&db, &opened, "D-2", REJECT).await;
    assert_eq!(db.place.count_rows(fresh).await, 2);
}

async fn disputes_are_listed_page_by_page(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    for n in 1..=5 {
        let charge = db.post_approved_charge(subscriber.pai, &format!("c-{n}"), 1000).await;
        open(&db, &charge, "D-1", FRAUD).await;
        if n > 3 {
            post(&db, &charge, "D-1", ACCEPT).await;
        }
    }
    let period = Period { from: NOW, until: NOW.plus_seconds(1) };
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = db.store.list_disputes(period, None, after, 2).await.expect("works");
        seen.extend(page.lines.into_iter().map(|dispute| dispute.ext_transaction_id.as_str().to_owned()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["c-1", "c-2", "c-3", "c-4", "c-5"]);
    let count = async |period, state| {
        db.store.list_disputes(period, state, None, 10).await.expect("works").lines.len()
    };
    assert_eq!(count(period, Some(DisputeState::Open)).await, 3);
    assert_eq!(count(period, Some(DisputeState::Accepted)).await, 2);
    assert_eq!(count(period, Some(DisputeState::Withdrawn)).await, 0);
    let later = Period { from: NOW.plus_seconds(1), until: NOW.plus_seconds(9) };
    assert_eq!(count(later, None).await, 0);
}

async fn a_dispute_moves_no_money(db: TestStore) {
    let charge = charge(&db, "c-1").await;
    open(&db, &charge, "D-1", FRAUD).await;
    post(&db, &charge, "D-1", ACCEPT).await;
    assert_eq!(db.place.count_rows("refunds").await, 0);
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 0").await, 1);
    db.post_new_refund(new_refund("c-1", "r-1", Some(1000))).await;
}
