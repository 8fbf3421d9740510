//! A job belongs to the holder of its lease: a late outcome may settle a charge, but it ends no
//! other lease.

use crate::outcome::{AttemptOutcome, dead_letter, declined, done, later, refused};
use crate::test_store::{TestStore, new_charge, new_flow, new_refund};
use crate::test_values::{NOW, fresh_nonce};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{LeasedJob, Queue, SettleResult};

on_each_database!(
    a_late_outcome_does_not_end_the_next_lease,
    a_late_response_to_a_post_does_not_end_the_next_lease,
    two_decisions_about_one_id_are_a_contradiction,
    the_next_job_is_due_when_its_lease_ends,
    what_a_clock_that_ran_ahead_put_off_is_due_again,
    what_an_hour_ahead_queued_is_due_now,
);

/// A job each for a charge, a PIN and a refund, leased from 60 to 180 seconds.
async fn lease_three_jobs(db: &TestStore) -> Vec<LeasedJob> {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.post_new_refund(new_refund("n-0", "r-1", Some(600))).await;
    db.store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works");
    let due = db.lease_due(60).await;
    assert_eq!(due.len(), 3);
    due
}

async fn a_late_outcome_does_not_end_the_next_lease(db: TestStore) {
    let first = lease_three_jobs(&db).await;
    let second = db.lease_due(180).await;
    assert_eq!(second.len(), 3);
    for outcome in [later::<AttemptOutcome>(181), dead_letter()] {
        for entry in first.clone() {
            let settling = db.settle_job(NOW, entry, outcome.clone()).await.expect("works");
            assert_eq!(settling, SettleResult::Late, "{outcome:?}");
        }
    }
    assert!(db.lease_due(299).await.is_empty(), "the second lease is whole");
    for entry in second {
        assert_eq!(db.settle_job(NOW, entry, later(250)).await.expect("works"), SettleResult::Written);
    }
    // The holder of the lease may end it early.
    let third = db.lease_due(250).await;
    assert_eq!(third.len(), 3);
    for entry in third {
        assert_eq!(db.settle_job(NOW, entry, dead_letter()).await.expect("works"), SettleResult::Written);
    }
    assert!(db.lease_due(1_000_000).await.is_empty());
}

async fn a_late_response_to_a_post_does_not_end_the_next_lease(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    let charged = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let refunded = db.post_new_refund(new_refund("n-0", "r-1", Some(600))).await;
    assert_eq!(db.lease_due(60).await.len(), 2);
    for outcome in [later::<AttemptOutcome>(61), dead_letter()] {
        let charge = db.store.answer_transaction(NOW, charged.clone(), outcome.clone().into()).await;
        let refund = db.store.answer_refund(NOW, refunded.clone(), outcome.into()).await;
        for (answer, settling) in [charge.expect("works"), refund.expect("works")] {
            assert_eq!(settling, SettleResult::Late);
            assert!(!answer.is_empty(), "the partner is answered all the same");
        }
    }
    assert!(db.lease_due(179).await.is_empty());
    assert_eq!(db.lease_due(180).await.len(), 2);
}

async fn two_decisions_about_one_id_are_a_contradiction(db: TestStore) {
    let first = lease_three_jobs(&db).await;
    let second = db.lease_due(180).await;
    let decisions = [Some(declined(DeclineReason::AccountClosed)), None, Some(refused())];
    for ((one, another), decision) in first.into_iter().zip(second).zip(decisions) {
        let Some(decision) = decision else { continue };
        assert_eq!(db.settle_job(NOW, one, done()).await.expect("works"), SettleResult::Written);
        assert_eq!(db.settle_job(NOW, another, decision).await.expect("works"), SettleResult::Contradicted);
    }
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
    // The PAI is open, the refund is approved, and each outcome is reported once.
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_new_charge(new_charge(pai, "n-2", 1599)).await;
    db.post_new_refund(new_refund("n-0", "r-2", Some(999))).await;
    assert_eq!(db.lease_due(0).await.len(), 2, "two notices");
}

async fn the_next_job_is_due_when_its_lease_ends(db: TestStore) {
    let next = async || {
        let next = db.store.next_due(Queue::All).await.expect("works");
        next.map(|at| at.seconds_since(NOW))
    };
    let subscriber = db.sign_up_subscriber(1).await;
    assert_eq!(next().await, None);
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    assert_eq!(next().await, None, "what is settled at once leaves nothing");
    let charged = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    assert_eq!(next().await, Some(60), "the post has it");
    let refunded = db.post_new_refund(new_refund("n-0", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refunded, later(40)).await.expect("works");
    assert_eq!(next().await, Some(40), "whichever kind it is");
    db.store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works");
    assert_eq!(next().await, Some(0));
    let leased = db.lease_due(60).await;
    assert_eq!((leased.len(), next().await), (3, Some(180)));
    // A dead letter is not due.
    db.store.answer_transaction(NOW, charged, dead_letter()).await.expect("works");
    for entry in leased {
        db.settle_job(NOW, entry, dead_letter()).await.expect("works");
    }
    assert_eq!(next().await, None);
}

async fn what_a_clock_that_ran_ahead_put_off_is_due_again(db: TestStore) {
    const YEAR_SECONDS: i64 = 365 * 86_400;
    lease_three_jobs(&db).await;
    let mut astray = db.lease_due(YEAR_SECONDS).await;
    // One stays leased, as when its program crashes; the others are postponed.
    for entry in astray.split_off(1) {
        db.settle_job(NOW, entry, later(YEAR_SECONDS + 300)).await.expect("works");
    }
    assert!(db.lease_due(30 * 86_400).await.is_empty());
    db.sweep(NOW).await;
    let back = db.lease_due(0).await;
    assert_eq!(back.len(), 3);
    // Jobs that a correct clock has postponed stay as they are, and so do dead letters.
    for (entry, outcome) in back.into_iter().zip([later(86_400), later(59), dead_letter()]) {
        db.settle_job(NOW, entry, outcome).await.expect("works");
    }
    db.sweep(NOW).await;
    assert!(db.lease_due(58).await.is_empty());
    assert_eq!(db.lease_due(59).await.len(), 1);
    assert_eq!(db.lease_due(86_400).await.len(), 2);
}

/// An hour is shorter than many a retry waits for, and still no job waits for its first attempt.
async fn what_an_hour_ahead_queued_is_due_now(db: TestStore) {
    let ahead = NOW.plus_seconds(3_600);
    db.store.start_flow(fresh_nonce(), ahead, new_flow(1, Some([1; 32]))).await.expect("works");
    db.sweep(NOW).await;
    let due = db.lease_due(0).await;
    assert_eq!(due.len(), 1);
}
