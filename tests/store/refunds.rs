//! A refund is recorded once, permanently, its response never changes, and it never exceeds what is
//! left.

use crate::outcome::{declined, done, dropped, later, refused};
use crate::test_store::{TestStore, new_charge, new_refund};
use crate::test_values::{NOW, euro, fresh_nonce, parse_ext_id, partner_id, usd};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use onbill_origin::store::{
    Job, LeasedJob, NewRefund, PostRefundResult, Queue, RefundOutcome, SettleResult, StoreError, WebhookJob,
};

on_each_database!(
    a_charge_is_given_back_in_parts_until_nothing_is_left,
    without_an_amount_all_that_is_left_is_given_back,
    replaying_a_posted_refund_gives_the_first_answer_byte_for_byte,
    the_same_id_with_other_contents_or_for_another_charge_is_refused,
    unanswered_refund_is_answered_from_the_ledger,
    outcome_missing_in_a_replay_is_reported_by_webhook,
    what_was_not_charged_cannot_be_given_back,
    no_more_is_given_back_than_is_left_and_in_no_other_currency,
    a_refused_refund_is_off_its_charge_no_more,
    a_refund_of_a_closed_pai_is_taken,
    a_settled_refund_never_changes,
    an_attempt_that_is_dropped_changes_nothing,
    a_refund_is_seen_by_its_own_partner_under_its_own_charge,
    a_spent_nonce_refunds_nothing,
);

fn parse_refund_response(answer: &[u8]) -> RefundResponse {
    serde_json::from_slice(answer).expect("is an answer")
}

async fn post_refund(db: &TestStore, new: NewRefund) -> PostRefundResult {
    db.store.post_refund(fresh_nonce(), NOW, new).await.expect("works")
}

/// The response to a refund with that outcome, which is recorded.
async fn settle_refund(db: &TestStore, refund_id: String, outcome: RefundOutcome) -> Vec<u8> {
    let (answer, settling) = db.store.answer_refund(NOW, refund_id, outcome).await.expect("works");
    assert_eq!(settling, SettleResult::Written);
    answer
}

/// The status of a refund of the charge `n-1`.
async fn find_refund(db: &TestStore, ext_id: &str) -> RefundResponse {
    let found =
        db.store.find_refund_response(partner_id("netflix"), parse_ext_id("n-1"), parse_ext_id(ext_id)).await;
    found.expect("works").expect("is there")
}

async fn a_charge_is_given_back_in_parts_until_nothing_is_left(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let transaction_id = db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let PostRefundResult::Created(first) = post_refund(&db, new_refund("n-1", "r-1", Some(600))).await else {
        panic!("not created")
    };
    assert_eq!((first.transaction_id.as_str(), first.amount), (transaction_id.as_str(), usd(600)));
    let on_its_way = db.store.find_pending_refund(first.refund_id.clone()).await.expect("works");
    assert_eq!(on_its_way.as_ref(), Some(&first));
    // A refund in progress already reduces the charge.
    assert_eq!(find_refund(&db, "r-1").await.remaining, usd(999));

    let reported = parse_refund_response(&settle_refund(&db, first.refund_id.clone(), done()).await);
    assert_eq!(
        (reported.status, reported.amount, reported.remaining),
        (TransactionStatus::Approved, usd(600), usd(999))
    );
    assert_eq!((reported.ext_refund_id.as_str(), reported.ext_transaction_id.as_str()), ("r-1", "n-1"));
    assert_eq!(reported.raw_result.map(|raw| raw.raw_code).as_deref(), Some("0"));
    assert_eq!(db.store.find_pending_refund(first.refund_id).await.expect("works"), None, "it is settled");

    let second = db.post_new_refund(new_refund("n-1", "r-2", Some(999))).await;
    assert_eq!(parse_refund_response(&settle_refund(&db, second, done()).await).remaining, usd(0));
    let third = post_refund(&db, new_refund("n-1", "r-3", Some(1))).await;
    assert_eq!(third, PostRefundResult::NotWithinRemainder { remaining: usd(0) });
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved, "the charge is what it was");
}

async fn without_an_amount_all_that_is_left_is_given_back(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    db.post_new_refund(new_refund("n-1", "r-2", None)).await;
    let rest = find_refund(&db, "r-2").await;
    assert_eq!((rest.amount, rest.remaining), (usd(999), usd(0)));
    let none = post_refund(&db, new_refund("n-1", "r-3", None)).await;
    assert_eq!(none, PostRefundResult::NotWithinRemainder { remaining: usd(0) });
}

async fn replaying_a_posted_refund_gives_the_first_answer_byte_for_byte(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    let again = || post_refund(&db, new_refund("n-1", "r-1", Some(600)));
    assert_eq!(again().await, PostRefundResult::InProgress);

    let first = settle_refund(&db, id.clone(), later(300)).await;
    assert_eq!(parse_refund_response(&first).status, TransactionStatus::Pending);
    assert_eq!(again().await, PostRefundResult::Replayed(first.clone()));

    // The outcome comes later: GET reports it, the replay stays what it was, also when nothing is
    // left to refund.
    assert_eq!(settle_refund(&db, id, done()).await, first);
    db.post_new_refund(new_refund("n-1", "r-2", None)).await;
    let db = db.reopen().await;
    let now = find_refund(&db, "r-1").await;
    assert_eq!((now.status, now.remaining), (TransactionStatus::Approved, usd(0)));
    let again = post_refund(&db, new_refund("n-1", "r-1", Some(600))).await;
    assert_eq!(again, PostRefundResult::Replayed(first));
}

async fn the_same_id_with_other_contents_or_for_another_charge_is_refused(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    db.post_approved_charge(subscriber.pai, "n-2", 1599).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-pending", 1599)).await;
    db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    for different in [
        new_refund("n-1", "r-1", Some(601)),
        new_refund("n-1", "r-1", None),
        new_refund("n-2", "r-1", Some(600)),
        new_refund("n-pending", "r-1", Some(600)),
        new_refund("n-unknown", "r-1", Some(600)),
    ] {
        assert_eq!(post_refund(&db, different).await, PostRefundResult::Conflict);
    }
    // Identifiers are compared byte for byte, and the other charge has all of it left.
    db.post_new_refund(new_refund("n-2", "R-1", Some(1599))).await;
}

async fn unanswered_refund_is_answered_from_the_ledger(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    assert!(db.lease_due(59).await.is_empty());
    let db = db.reopen().await;
    let after = NOW.plus_seconds(60);
    let posting = db.store.post_refund(fresh_nonce(), after, new_refund("n-1", "r-1", Some(600))).await;
    let Ok(PostRefundResult::Replayed(first)) = posting else { panic!("not answered: {posting:?}") };
    assert_eq!(
        (parse_refund_response(&first).status, parse_refund_response(&first).remaining),
        (TransactionStatus::Pending, usd(999))
    );
    let due = db.lease_due(60).await;
    assert!(
        matches!(&due[..], [entry] if matches!(&entry.job, Job::Refund { refund_id } if *refund_id == id))
    );
    assert_eq!(due[0].attempts, 2, "the post's own attempt was the first");
}

/// As with a charge: the first post took so long that a replay was answered before it.
async fn outcome_missing_in_a_replay_is_reported_by_webhook(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    let after = NOW.plus_seconds(60);
    let posting = db.store.post_refund(fresh_nonce(), after, new_refund("n-1", "r-1", Some(600))).await;
    let Ok(PostRefundResult::Replayed(replayed)) = posting else { panic!("not answered: {posting:?}") };
    let (answer, settling) = db.store.answer_refund(after, id.clone(), done()).await.expect("works");
    assert_eq!((&answer, settling), (&replayed, SettleResult::Written));
    assert_eq!(parse_refund_response(&answer).status, TransactionStatus::Pending);
    let due = db.lease_due(60).await;
    assert!(
        matches!(&due[..], [LeasedJob { job: Job::Webhook(WebhookJob::Refund { refund_id }), .. }] if *refund_id == id)
    );
}

async fn what_was_not_charged_cannot_be_given_back(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-pending", 1599)).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-declined", 1599)).await;
    let reason = DeclineReason::InsufficientBalance;
    db.store.answer_transaction(NOW, id, declined(reason)).await.expect("works");

    let mut foreign = new_refund("n-1", "r-1", Some(1));
    foreign.partner = partner_id("other");
    for (new, posting) in [
        (new_refund("n-unknown", "r-1", Some(1)), PostRefundResult::TransactionNotFound),
        (foreign, PostRefundResult::TransactionNotFound),
        (new_refund("n-pending", "r-1", Some(1)), PostRefundResult::ChargePending),
        (
            new_refund("n-declined", "r-1", Some(1)),
            PostRefundResult::NotWithinRemainder { remaining: usd(0) },
        ),
        (new_refund("n-declined", "r-1", None), PostRefundResult::NotWithinRemainder { remaining: usd(0) }),
    ] {
        assert_eq!(post_refund(&db, new).await, posting);
    }
    let due = db.lease_due(60).await;
    assert!(matches!(&due[..], [entry] if matches!(entry.job, Job::Charge { .. })), "no refund: {due:?}");
    // The id is still free.
    db.post_new_refund(new_refund("n-1", "r-1", Some(1))).await;
}

async fn no_more_is_given_back_than_is_left_and_in_no_other_currency(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let posting = post_refund(&db, new_refund("n-1", "r-1", Some(1600))).await;
    assert_eq!(posting, PostRefundResult::NotWithinRemainder { remaining: usd(1599) });
    let mut other = new_refund("n-1", "r-1", None);
    other.request.amount = Some(euro(100));
    assert_eq!(post_refund(&db, other).await, PostRefundResult::NotWithinRemainder { remaining: usd(1599) });
    let posting = post_refund(&db, new_refund("n-1", "r-1", Some(0))).await;
    assert_eq!(posting, PostRefundResult::NotWithinRemainder { remaining: usd(1599) });
    // Nothing was deducted.
    db.post_new_refund(new_refund("n-1", "r-1", Some(1599))).await;
}

async fn a_refused_refund_is_off_its_charge_no_more(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_refund(new_refund("n-1", "r-1", None)).await;
    let reported = parse_refund_response(&settle_refund(&db, id.clone(), refused()).await);
    assert_eq!((reported.status, reported.remaining), (TransactionStatus::Declined, usd(1599)));
    assert_eq!(reported.raw_result.map(|raw| raw.raw_code).as_deref(), Some("17"));
    assert_eq!(db.store.find_pending_refund(id).await.expect("works"), None);
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    db.post_new_refund(new_refund("n-1", "r-2", Some(1599))).await;
}

async fn a_refund_of_a_closed_pai_is_taken(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-2", 1599)).await;
    let closed = declined(DeclineReason::AccountClosed);
    db.store.answer_transaction(NOW, id, closed).await.expect("works");
    let row =
        db.store.find_pai(partner_id("netflix"), subscriber.pai).await.expect("works").expect("is there");
    assert_eq!(row.state, PaiState::Closed);
    let id = db.post_new_refund(new_refund("n-1", "r-1", None)).await;
    assert_eq!(
        parse_refund_response(&settle_refund(&db, id, done()).await).status,
        TransactionStatus::Approved
    );
}

async fn a_settled_refund_never_changes(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let settle =
        async |id: &String, outcome| db.store.answer_refund(NOW, id.clone(), outcome).await.expect("works");
    let id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    let first = settle_refund(&db, id.clone(), done()).await;
    assert_eq!(settle(&id, done()).await, (first.clone(), SettleResult::Late), "the same again");
    assert_eq!(settle(&id, refused()).await, (first, SettleResult::Contradicted), "the first decision stays");
    assert_eq!(find_refund(&db, "r-1").await.status, TransactionStatus::Approved);

    let id = db.post_new_refund(new_refund("n-1", "r-2", Some(900))).await;
    let second = settle_refund(&db, id.clone(), refused()).await;
    assert_eq!(settle(&id, refused()).await, (second.clone(), SettleResult::Late));
    assert_eq!(settle(&id, done()).await, (second, SettleResult::Contradicted));
    // Neither was added back twice, or deducted again.
    let refused = find_refund(&db, "r-2").await;
    assert_eq!((refused.status, refused.remaining), (TransactionStatus::Declined, usd(999)));
}

async fn an_attempt_that_is_dropped_changes_nothing(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    let (response, result) = db.store.answer_refund(NOW, id.clone(), dropped()).await.expect("works");
    assert_eq!(
        (parse_refund_response(&response).status, result),
        (TransactionStatus::Pending, SettleResult::Late)
    );
    assert!(db.store.find_pending_refund(id).await.expect("works").is_some());
    assert_eq!(db.lease_due(60).await.len(), 1, "it is still in the queue");
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-2", 1599)).await;
    let (_, result) = db.store.answer_transaction(NOW, id, dropped()).await.expect("works");
    assert_eq!(result, SettleResult::Late);
}

async fn a_refund_is_seen_by_its_own_partner_under_its_own_charge(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    db.post_approved_charge(subscriber.pai, "n-2", 1599).await;
    db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    for (who, of, id) in [("other", "n-1", "r-1"), ("netflix", "n-2", "r-1"), ("netflix", "n-1", "r-2")] {
        let found = db
            .store
            .find_refund_response(partner_id(who), parse_ext_id(of), parse_ext_id(id))
            .await
            .expect("works");
        assert_eq!(found, None, "{who} {of} {id}");
    }
    assert_eq!(find_refund(&db, "r-1").await.amount, usd(600));
}

async fn a_spent_nonce_refunds_nothing(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let once = fresh_nonce();
    let posting = db.store.post_refund(once.clone(), NOW, new_refund("n-1", "r-1", Some(600))).await;
    assert!(matches!(posting, Ok(PostRefundResult::Created(_))));
    let replayed = db.store.post_refund(once, NOW, new_refund("n-1", "r-2", Some(600))).await;
    assert!(matches!(replayed, Err(StoreError::NonceReplayed)));
    assert_eq!(find_refund(&db, "r-1").await.remaining, usd(999));
}
