//! A job belongs to the holder of its lease: a late outcome may settle a charge, but it ends no
//! other lease.

use crate::outcome::{Outcome, dead_letter, declined, done, later, refused};
use crate::setting::{Books, NOW, charge, flow, nonce, refund};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{LeasedJob, PUT_OFF_SECONDS_MAX, Queue, SettleResult};

on_each_database!(
    a_late_outcome_does_not_end_the_next_lease,
    a_late_response_to_a_post_does_not_end_the_next_lease,
    two_verdicts_about_one_id_are_a_contradiction,
    the_next_job_is_due_when_its_lease_ends,
    what_a_clock_that_ran_ahead_put_off_is_due_again,
);

/// A job each for a charge, a PIN and a refund, leased from 60 to 180 seconds.
async fn three(books: &Books) -> Vec<LeasedJob> {
    let subscriber = books.subscriber(1).await;
    books.approved(subscriber.pai, "n-0", 1599).await;
    books.posted(charge(subscriber.pai, "n-1", 1599)).await;
    books.refunded(refund("n-0", "r-1", Some(600))).await;
    books.store.start_flow(nonce(), NOW, flow(1, Some([1; 32]))).await.expect("works");
    let due = books.lease(60).await;
    assert_eq!(due.len(), 3);
    due
}

async fn a_late_outcome_does_not_end_the_next_lease(books: Books) {
    let first = three(&books).await;
    let second = books.lease(180).await;
    assert_eq!(second.len(), 3);
    for outcome in [later::<Outcome>(181), dead_letter()] {
        for entry in first.clone() {
            let settling = books.settle(NOW, entry, outcome.clone()).await.expect("works");
            assert_eq!(settling, SettleResult::Late, "{outcome:?}");
        }
    }
    assert!(books.lease(299).await.is_empty(), "the second lease is whole");
    for entry in second {
        assert_eq!(books.settle(NOW, entry, later(250)).await.expect("works"), SettleResult::Written);
    }
    // The holder of the lease may end it early.
    let third = books.lease(250).await;
    assert_eq!(third.len(), 3);
    for entry in third {
        assert_eq!(books.settle(NOW, entry, dead_letter()).await.expect("works"), SettleResult::Written);
    }
    assert!(books.lease(1_000_000).await.is_empty());
}

async fn a_late_response_to_a_post_does_not_end_the_next_lease(books: Books) {
    let subscriber = books.subscriber(1).await;
    books.approved(subscriber.pai, "n-0", 1599).await;
    let charged = books.posted(charge(subscriber.pai, "n-1", 1599)).await;
    let refunded = books.refunded(refund("n-0", "r-1", Some(600))).await;
    assert_eq!(books.lease(60).await.len(), 2);
    for outcome in [later::<Outcome>(61), dead_letter()] {
        let charge = books.store.answer_transaction(NOW, charged.clone(), outcome.clone().into()).await;
        let refund = books.store.answer_refund(NOW, refunded.clone(), outcome.into()).await;
        for (answer, settling) in [charge.expect("works"), refund.expect("works")] {
            assert_eq!(settling, SettleResult::Late);
            assert!(!answer.is_empty(), "the partner is answered all the same");
        }
    }
    assert!(books.lease(179).await.is_empty());
    assert_eq!(books.lease(180).await.len(), 2);
}

async fn two_verdicts_about_one_id_are_a_contradiction(books: Books) {
    let first = three(&books).await;
    let second = books.lease(180).await;
    let verdicts = [Some(declined(DeclineReason::AccountClosed)), None, Some(refused())];
    for ((one, another), verdict) in first.into_iter().zip(second).zip(verdicts) {
        let Some(verdict) = verdict else { continue };
        assert_eq!(books.settle(NOW, one, done()).await.expect("works"), SettleResult::Written);
        assert_eq!(books.settle(NOW, another, verdict).await.expect("works"), SettleResult::Contradicted);
    }
    assert_eq!(books.standing("n-1").await.status, TransactionStatus::Approved);
    // The PAI is open, the refund is approved, and each outcome is reported once.
    let pai = books.subscriber(1).await.pai;
    books.posted(charge(pai, "n-2", 1599)).await;
    books.refunded(refund("n-0", "r-2", Some(999))).await;
    assert_eq!(books.lease(0).await.len(), 2, "two notices");
}

async fn the_next_job_is_due_when_its_lease_ends(books: Books) {
    let next = async || {
        let next = books.store.next_due(Queue::All).await.expect("works");
        next.map(|at| at.seconds_since(NOW))
    };
    let subscriber = books.subscriber(1).await;
    assert_eq!(next().await, None);
    books.approved(subscriber.pai, "n-0", 1599).await;
    assert_eq!(next().await, None, "what is settled at once leaves nothing");
    let charged = books.posted(charge(subscriber.pai, "n-1", 1599)).await;
    assert_eq!(next().await, Some(60), "the post has it");
    let refunded = books.refunded(refund("n-0", "r-1", Some(600))).await;
    books.store.answer_refund(NOW, refunded, later(40)).await.expect("works");
    assert_eq!(next().await, Some(40), "whichever kind it is");
    books.store.start_flow(nonce(), NOW, flow(1, Some([1; 32]))).await.expect("works");
    assert_eq!(next().await, Some(0));
    let leased = books.lease(60).await;
    assert_eq!((leased.len(), next().await), (3, Some(180)));
    // A dead letter is not due.
    books.store.answer_transaction(NOW, charged, dead_letter()).await.expect("works");
    for entry in leased {
        books.settle(NOW, entry, dead_letter()).await.expect("works");
    }
    assert_eq!(next().await, None);
}

async fn what_a_clock_that_ran_ahead_put_off_is_due_again(books: Books) {
    const YEAR_SECONDS: i64 = 365 * 86_400;
    three(&books).await;
    let mut astray = books.lease(YEAR_SECONDS).await;
    // One stays leased, as when its program crashes; the others are postponed.
    for entry in astray.split_off(1) {
        books.settle(NOW, entry, later(YEAR_SECONDS + 300)).await.expect("works");
    }
    assert!(books.lease(30 * 86_400).await.is_empty());
    books.store.sweep(NOW).await.expect("works");
    let back = books.lease(0).await;
    assert_eq!(back.len(), 3);
    // Jobs that a correct clock has postponed stay as they are, and so do dead letters.
    let mut outcomes = [later(PUT_OFF_SECONDS_MAX), later(86_400), dead_letter()].into_iter();
    for entry in back {
        let outcome = outcomes.next().expect("is one for each");
        books.settle(NOW, entry, outcome).await.expect("works");
    }
    books.store.sweep(NOW).await.expect("works");
    assert!(books.lease(86_399).await.is_empty());
    assert_eq!(books.lease(86_400).await.len(), 1);
}
