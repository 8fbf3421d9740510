//! The queue of jobs: none is lost, none is leased twice, and settled ones are deleted.

use crate::outcome::{dead_letter, declined, done, later};
use crate::test_store::{TestStore, new_charge, new_flow};
use crate::test_values::{NOW, fresh_nonce, partner_id};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::last_answer::{AnswerKind, LastAnswer};
use onbill_origin::store::{Job, PostChargeResult, Queue, SmsJob, WebhookJob};

on_each_database!(
    a_lease_is_exclusive_until_it_ends,
    a_post_has_the_lease_of_its_own_charge,
    a_pin_does_not_wait_behind_a_backlog_of_charges,
    a_dead_letter_waits_for_a_person,
    a_dead_letter_has_the_last_answer_of_its_own_lease,
);

async fn a_lease_is_exclusive_until_it_ends(db: TestStore) {
    db.store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works");
    let first = db.lease_due(0).await;
    assert_eq!(first.len(), 1);
    assert!(matches!(&first[0].job, Job::Sms(SmsJob::Pin { message }) if message == &vec![1; 8]));
    assert!(db.lease_due(119).await.is_empty());
    // The worker with the lease has crashed: the job is leased again, and counted.
    let second = db.lease_due(120).await;
    assert_eq!((first[0].attempts, second[0].attempts), (1, 2));
    db.settle_job(NOW, second[0].clone(), done()).await.expect("works");
    db.settle_job(NOW, first[0].clone(), done()).await.expect("a late outcome changes nothing");
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
}

async fn a_post_has_the_lease_of_its_own_charge(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    assert!(db.lease_due(59).await.is_empty());
    db.store.answer_transaction(NOW, id, later(300)).await.expect("works");
    assert!(db.lease_due(299).await.is_empty());
    let db = db.reopen().await;
    let due = db.lease_due(300).await;
    assert_eq!(due[0].attempts, 2, "the post's own attempt was the first");
    let reason = DeclineReason::AccountClosed;
    db.settle_job(NOW, due[0].clone(), declined(reason)).await.expect("works");
    let now = db.find_charge("n-1").await;
    assert_eq!((now.status, now.decline_reason), (TransactionStatus::Declined, Some(reason)));
    let left = db.lease_due(300).await;
    let count_jobs = |is: fn(&Job) -> bool| left.iter().filter(|entry| is(&entry.job)).count();
    assert_eq!(count_jobs(|job| matches!(job, Job::Webhook(WebhookJob::Charge { .. }))), 1, "{left:?}");
    assert_eq!(count_jobs(|job| matches!(job, Job::Webhook(WebhookJob::PaiMapping { .. }))), 1, "{left:?}");
    assert_eq!(left.len(), 2, "{left:?}");
    // This reason closes the PAI, and declines every later charge.
    let row =
        db.store.find_pai(partner_id("netflix"), subscriber.pai).await.expect("works").expect("is there");
    assert_eq!((row.state, row.version), (PaiState::Closed, 2));
    let posting = db.store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-2", 1)).await;
    assert!(matches!(posting, Ok(PostChargeResult::Declined(_))));
}

async fn a_pin_does_not_wait_behind_a_backlog_of_charges(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    for n in 0..20 {
        db.post_new_charge(new_charge(subscriber.pai, &format!("n-{n}"), 1599)).await;
    }
    let at = NOW.plus_seconds(100);
    db.store.start_flow(fresh_nonce(), at, new_flow(2, Some([1; 32]))).await.expect("works");
    let first = db.lease_due(100).await;
    let messages = first.iter().filter(|entry| matches!(entry.job, Job::Sms(SmsJob::Pin { .. }))).count();
    assert_eq!((first.len(), messages), (17, 1));
    assert_eq!(db.lease_due(100).await.len(), 4, "the rest comes after them");
}

async fn a_dead_letter_waits_for_a_person(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, dead_letter()).await.expect("works");
    assert!(db.lease_due(1_000_000).await.is_empty());
    assert_eq!(
        db.find_charge("n-1").await.status,
        TransactionStatus::Pending,
        "a dead letter is not a decline"
    );
}

async fn a_dead_letter_has_the_last_answer_of_its_own_lease(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, later(0)).await.expect("works");
    let [first, second] = [db.lease_due(0).await, db.lease_due(1_000_000).await];
    let answer = |text: &str| LastAnswer {
        kind: AnswerKind::Http,
        code: Some("503".to_owned()),
        text: Some(text.to_owned()),
    };
    db.store.note_last_answer(second[0].lease(), answer("newer")).await.expect("works");
    db.store.note_last_answer(first[0].lease(), answer("late")).await.expect("works");
    db.settle_job(NOW, second[0].clone(), dead_letter()).await.expect("works");
    let db = db.reopen().await;
    let letters = db.store.dead_letters(None, 9).await.expect("works");
    assert_eq!(letters[0].last_answer, Some(answer("newer")));
    assert!(db.store.redrive_dead_letter(NOW, letters[0].job_id).await.expect("works"));
    let again = db.lease_due(1_000_000).await;
    db.settle_job(NOW, again[0].clone(), dead_letter()).await.expect("works");
    let letters = db.store.dead_letters(None, 9).await.expect("works");
    assert_eq!(letters[0].last_answer, None, "this attempt had none that is known");
    assert!(db.store.redrive_dead_letter(NOW, letters[0].job_id).await.expect("works"));
    let again = db.lease_due(1_000_000).await;
    db.store.note_last_answer(again[0].lease(), LastAnswer::none()).await.expect("works");
    db.settle_job(NOW, again[0].clone(), dead_letter()).await.expect("works");
    let letters = db.store.dead_letters(None, 9).await.expect("works");
    assert_eq!(letters[0].last_answer, Some(LastAnswer::none()));
}
