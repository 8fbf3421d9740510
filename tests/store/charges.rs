//! A charge is recorded once, permanently, and its response never changes.

use crate::outcome::{declined, done, later};
use crate::test_store::{
    TestStore, new_charge, new_coupon, new_flow, new_redemption, new_refund, new_signup,
};
use crate::test_values::{NOW, fresh_nonce, fresh_pai, parse_ext_id, partner_id};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_origin::store::{
    IssueSignupResult, Job, LeasedJob, NewCharge, NewRedemption, NewRefund, PostChargeResult,
    PostRefundResult, Queue, RedeemResult, SettleResult, StartFlowResult, StoreError, WebhookJob,
};
use std::sync::Arc;

on_each_database!(
    replaying_a_posted_transaction_gives_the_first_answer_byte_for_byte,
    the_same_id_with_other_contents_is_refused,
    one_of_many_posts_at_once_creates_the_charge,
    unanswered_charge_is_answered_from_the_ledger,
    outcome_missing_in_a_replay_is_reported_by_webhook,
    a_spent_nonce_changes_nothing,
    unknown_and_foreign_pais_leave_nothing,
    charge_is_shown_to_its_partner_alone,
    next_subscriber_of_a_number_is_never_charged,
    a_settled_charge_never_changes,
    charge_of_a_clock_ahead_is_in_progress_briefly,
);

fn parse_charge_response(answer: &[u8]) -> TransactionResponse {
    serde_json::from_slice(answer).expect("is an answer")
}

async fn replaying_a_posted_transaction_gives_the_first_answer_byte_for_byte(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let again = || db.store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 1599));
    assert_eq!(again().await.expect("works"), PostChargeResult::InProgress);

    let (answer, settling) = db.store.answer_transaction(NOW, id.clone(), later(300)).await.expect("works");
    assert_eq!(settling, SettleResult::Written);
    assert_eq!(parse_charge_response(&answer).status, TransactionStatus::Pending);
    assert_eq!(again().await.expect("works"), PostChargeResult::Replayed(answer.clone()));

    // The outcome comes later: GET reports it, the replay stays what it was.
    let again = db.store.answer_transaction(NOW, id, done()).await.expect("works");
    assert_eq!(again, (answer.clone(), SettleResult::Written));
    let db = db.reopen().await;
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
    let again = db.store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 1599)).await;
    assert_eq!(again.expect("works"), PostChargeResult::Replayed(answer));
}

async fn the_same_id_with_other_contents_is_refused(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let other = db.sign_up_subscriber(2).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    for different in [new_charge(subscriber.pai, "n-1", 1600), new_charge(other.pai, "n-1", 1599)] {
        let posting = db.store.post_charge(fresh_nonce(), NOW, different).await.expect("works");
        assert_eq!(posting, PostChargeResult::Conflict);
    }
    // Identifiers are compared byte for byte: another case is another charge.
    db.post_new_charge(new_charge(subscriber.pai, "N-1", 1599)).await;
}

async fn one_of_many_posts_at_once_creates_the_charge(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let posts = (0..64).map(|_| {
        let store = Arc::clone(&db.store);
        let new = new_charge(subscriber.pai, "n-1", 1599);
        tokio::spawn(async move { store.post_charge(fresh_nonce(), NOW, new).await.expect("works") })
    });
    let mut created = 0;
    for post in posts.collect::<Vec<_>>() {
        match post.await.expect("ends") {
            PostChargeResult::Created(_) => created += 1,
            other => assert_eq!(other, PostChargeResult::InProgress),
        }
    }
    assert_eq!(created, 1);
}

async fn unanswered_charge_is_answered_from_the_ledger(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let db = db.reopen().await;
    let after = NOW.plus_seconds(60);
    let posting = db.store.post_charge(fresh_nonce(), after, new_charge(subscriber.pai, "n-1", 1599)).await;
    let Ok(PostChargeResult::Replayed(answer)) = posting else { panic!("not answered: {posting:?}") };
    assert_eq!(parse_charge_response(&answer).status, TransactionStatus::Pending);
    assert_eq!(db.lease_due(60).await.len(), 1, "its hand-off is due");
}

/// The first post took so long that a replay was answered before it: its outcome is in no response.
async fn outcome_missing_in_a_replay_is_reported_by_webhook(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let after = NOW.plus_seconds(60);
    let posting = db.store.post_charge(fresh_nonce(), after, new_charge(subscriber.pai, "n-1", 1599)).await;
    let Ok(PostChargeResult::Replayed(replayed)) = posting else { panic!("not answered: {posting:?}") };
    let (answer, settling) = db.store.answer_transaction(after, id.clone(), done()).await.expect("works");
    assert_eq!((&answer, settling), (&replayed, SettleResult::Written));
    assert_eq!(parse_charge_response(&answer).status, TransactionStatus::Pending);
    let due = db.lease_due(60).await;
    assert!(
        matches!(&due[..], [LeasedJob { job: Job::Webhook(WebhookJob::Charge { transaction_id }), .. }] if *transaction_id == id)
    );
}

async fn a_spent_nonce_changes_nothing(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let once = fresh_nonce();
    db.store.post_charge(once.clone(), NOW, new_charge(subscriber.pai, "n-1", 1599)).await.expect("works");
    let replayed = db.store.post_charge(once.clone(), NOW, new_charge(subscriber.pai, "n-2", 1599)).await;
    assert!(matches!(replayed, Err(StoreError::NonceReplayed)));
    assert_eq!(
        db.store.find_charge_response(partner_id("netflix"), parse_ext_id("n-2")).await.expect("works"),
        None
    );
    // It is remembered as long as its signature could pass, also across a restart.
    let db = db.reopen().await;
    db.sweep(once.expires_at().plus_seconds(-1)).await;
    let replayed = db.store.post_charge(once.clone(), NOW, new_charge(subscriber.pai, "n-2", 1599)).await;
    assert!(matches!(replayed, Err(StoreError::NonceReplayed)));
    // Then it is deleted, however many there are: the database does not grow by it.
    for _ in 0..33 {
        let many = (0..64).map(|_| db.store.start_flow(fresh_nonce(), NOW, new_flow(1, None)));
        for started in futures_util::future::join_all(many).await {
            assert_eq!(started.expect("works"), StartFlowResult::Started);
        }
    }
    db.sweep(once.expires_at()).await;
    let again = db.store.post_charge(once, NOW, new_charge(subscriber.pai, "n-2", 1599)).await;
    assert!(matches!(again, Ok(PostChargeResult::Created(_))), "{again:?}");
}

async fn unknown_and_foreign_pais_leave_nothing(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let posting = db.store.post_charge(fresh_nonce(), NOW, new_charge(fresh_pai(), "n-1", 1599)).await;
    assert_eq!(posting.expect("works"), PostChargeResult::PaiNotFound);
    let mut foreign = new_charge(subscriber.pai, "n-1", 1599);
    foreign.partner = partner_id("other");
    let posting = db.store.post_charge(fresh_nonce(), NOW, foreign).await;
    assert_eq!(posting.expect("works"), PostChargeResult::PaiNotFound);
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    // The id is still free.
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
}

async fn charge_is_shown_to_its_partner_alone(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let issued = db.store.issue_signup(fresh_nonce(), NOW, new_signup("other", 1, "2024-01-01")).await;
    let Ok(IssueSignupResult::Issued(others)) = issued else { panic!("no PAI: {issued:?}") };
    let find = async |name: &str| {
        let found = db.store.find_charge_response(partner_id(name), parse_ext_id("n-1")).await;
        found.expect("works").map(|charge| charge.transaction_id)
    };
    let own = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    assert_eq!((find("netflix").await, find("other").await), (Some(own.clone()), None));
    // Each partner has its own ids.
    let theirs = NewCharge { partner: partner_id("other"), ..new_charge(others.pai, "n-1", 899) };
    let theirs = db.post_new_charge(theirs).await;
    assert_eq!((find("netflix").await, find("other").await), (Some(own), Some(theirs)));
}

async fn next_subscriber_of_a_number_is_never_charged(db: TestStore) {
    let old = db.sign_up_subscriber(1).await;
    let pending_id = db.post_new_charge(new_charge(old.pai, "n-1", 1599)).await;

    let next = db
        .store
        .issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01"))
        .await
        .expect("works");
    let IssueSignupResult::Issued(new) = next else { panic!("no PAI for the new subscriber") };
    assert_ne!(new.pai, old.pai);
    assert_ne!(new.handle, old.handle);

    let posting =
        db.store.post_charge(fresh_nonce(), NOW, new_charge(old.pai, "n-2", 1599)).await.expect("works");
    let PostChargeResult::Declined(answer) = posting else { panic!("not decided: {posting:?}") };
    assert_eq!(parse_charge_response(&answer).decline_reason, Some(DeclineReason::AccountClosedTakenOver));
    // An accepted charge keeps its subscriber_ref: the submission compares it with the account.
    let charge = db.store.find_pending_charge(pending_id).await.expect("works").expect("is pending");
    assert_eq!(charge.subscriber.expect("is known").subscriber_ref, "2024-01-01");
}

async fn a_settled_charge_never_changes(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let answer = async |outcome| db.store.answer_transaction(NOW, id.clone(), outcome).await.expect("works");
    let (first, settling) = answer(done()).await;
    assert_eq!(settling, SettleResult::Written);
    assert_eq!(answer(done()).await, (first.clone(), SettleResult::Late), "the same again");
    let closed = answer(declined(DeclineReason::AccountClosed)).await;
    assert_eq!(closed, (first, SettleResult::Contradicted), "the first decision stays");
    let now = db.find_charge("n-1").await;
    assert_eq!((now.status, now.decline_reason), (TransactionStatus::Approved, None));
    // Nor did the late decline close the PAI.
    db.post_new_charge(new_charge(subscriber.pai, "n-2", 1599)).await;
}

/// A charge, a refund and a redemption that were recorded and not answered, as when the program
/// crashed, by a clock that was forty days ahead.
async fn charge_of_a_clock_ahead_is_in_progress_briefly(db: TestStore) {
    let ahead = NOW.plus_seconds(40 * 86_400);
    let responding_until = ahead.plus_seconds(60);
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    let bought = new_coupon(2, "coupon-1");
    let code = bought.text.code;
    db.issue_new_coupon(bought).await;

    let new = NewCharge { responding_until, ..new_charge(subscriber.pai, "n-1", 1599) };
    let post = async |now| db.store.post_charge(fresh_nonce(), now, new.clone()).await.expect("works");
    assert!(matches!(post(ahead).await, PostChargeResult::Created(_)));
    assert_eq!(post(ahead.plus_seconds(59)).await, PostChargeResult::InProgress);
    assert!(matches!(post(NOW).await, PostChargeResult::Replayed(_)));

    let new = NewRefund { responding_until, ..new_refund("n-0", "r-1", None) };
    let post = async |now| db.store.post_refund(fresh_nonce(), now, new.clone()).await.expect("works");
    assert!(matches!(post(ahead).await, PostRefundResult::Created(_)));
    assert_eq!(post(ahead.plus_seconds(59)).await, PostRefundResult::InProgress);
    assert!(matches!(post(NOW).await, PostRefundResult::Replayed(_)));

    let new = NewRedemption { responding_until, ..new_redemption("r-1", code) };
    let redeem = async |now| db.store.redeem_coupon(fresh_nonce(), now, new.clone()).await.expect("works");
    assert!(matches!(redeem(ahead).await, RedeemResult::Created(_)));
    assert_eq!(redeem(ahead.plus_seconds(59)).await, RedeemResult::InProgress);
    assert!(matches!(redeem(NOW).await, RedeemResult::Decided(_)));
}
