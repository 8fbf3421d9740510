//! The partner gets a webhook about an outcome that came after its post was answered: one, however
//! many attempts learn it.

use crate::outcome::{dead_letter, declined, done, dropped, later, refused};
use crate::test_store::{TestStore, job_name, new_charge, new_flow, new_refund};
use crate::test_values::{NOW, fresh_nonce, partner_id, usd};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{LeasedJob, Queue, SettleResult};

on_each_database!(
    an_outcome_after_the_response_is_reported_once,
    an_outcome_in_the_response_is_not_reported,
    an_attempt_without_an_outcome_is_not_reported,
    two_leases_with_the_same_outcome_report_it_once,
    a_webhook_has_the_present_state_and_its_partner,
    a_webhook_is_retried_until_it_is_delivered_or_a_dead_letter,
    webhooks_do_not_wait_behind_charges,
);

/// A charge `n-1` and a refund `r-1` of another, both answered PENDING and leased for their second
/// attempt.
async fn post_pending_charge(db: &TestStore) -> (String, String, Vec<LeasedJob>) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    let charged = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, charged.clone(), later(60)).await.expect("works");
    let refunded = db.post_new_refund(new_refund("n-0", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refunded.clone(), later(60)).await.expect("works");
    let due = db.lease_due(60).await;
    assert_eq!(due.len(), 2);
    (charged, refunded, due)
}

fn job_names(entries: &[LeasedJob]) -> Vec<(&'static str, &str)> {
    entries.iter().map(job_name).collect()
}

async fn an_outcome_after_the_response_is_reported_once(db: TestStore) {
    for decisions in [[done(), done()], [declined(DeclineReason::InsufficientBalance), refused()]] {
        let db = TestStore::open_beside(&db).await;
        let (charged, refunded, due) = post_pending_charge(&db).await;
        let at = NOW.plus_seconds(70);
        for (entry, decision) in due.into_iter().zip(decisions) {
            assert_eq!(db.settle_job(at, entry, decision).await.expect("works"), SettleResult::Written);
        }
        assert_eq!(db.store.next_due(Queue::All).await.expect("works"), Some(at), "at once");
        let webhooks = db.lease_due(70).await;
        let expected = [("charge-notice", charged.as_str()), ("refund-notice", refunded.as_str())];
        assert_eq!(job_names(&webhooks), expected);
        assert!(webhooks.iter().all(|webhook| webhook.attempts == 1));
        for webhook in webhooks {
            assert_eq!(db.settle_job(at, webhook, done()).await.expect("works"), SettleResult::Written);
        }
        assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None, "it was taken");
    }
}

async fn an_outcome_in_the_response_is_not_reported(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-2", 1599)).await;
    let decision = declined(DeclineReason::InsufficientBalance);
    db.store.answer_transaction(NOW, id, decision).await.expect("works");
    for (ext_id, decision) in [("r-1", done()), ("r-2", refused())] {
        let id = db.post_new_refund(new_refund("n-1", ext_id, Some(600))).await;
        db.store.answer_refund(NOW, id, decision).await.expect("works");
    }
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
}

async fn an_attempt_without_an_outcome_is_not_reported(db: TestStore) {
    let (charged, refunded, due) = post_pending_charge(&db).await;
    for entry in due {
        assert_eq!(db.settle_job(NOW, entry, later(200)).await.expect("works"), SettleResult::Written);
    }
    let due = db.lease_due(200).await;
    assert_eq!(job_names(&due), [("charge", charged.as_str()), ("refund", refunded.as_str())]);
    for entry in due {
        assert_eq!(db.settle_job(NOW, entry, dead_letter()).await.expect("works"), SettleResult::Written);
    }
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
}

async fn two_leases_with_the_same_outcome_report_it_once(db: TestStore) {
    let (charged, refunded, first) = post_pending_charge(&db).await;
    let second = db.lease_due(180).await;
    assert_eq!(second.len(), 2, "the first lease is over");
    // The late one is right after all: billing's response counts, whichever attempt got it.
    for entry in first {
        assert_eq!(db.settle_job(NOW, entry, done()).await.expect("works"), SettleResult::Written);
    }
    for entry in second {
        assert_eq!(db.settle_job(NOW, entry, done()).await.expect("works"), SettleResult::Late);
    }
    let expected = [("charge-notice", charged.as_str()), ("refund-notice", refunded.as_str())];
    assert_eq!(job_names(&db.lease_due(1_000_000).await), expected);
}

async fn a_webhook_has_the_present_state_and_its_partner(db: TestStore) {
    let (charged, refunded, due) = post_pending_charge(&db).await;
    for (status, outcomes) in [
        (TransactionStatus::Pending, None),
        (TransactionStatus::Declined, Some([declined(DeclineReason::AccountOnHold), refused()])),
    ] {
        for (entry, outcome) in due.iter().cloned().zip(outcomes.into_iter().flatten()) {
            db.settle_job(NOW, entry, outcome).await.expect("works");
        }
        let (who, reported) =
            db.store.find_charge_webhook(charged.clone()).await.expect("works").expect("is there");
        assert_eq!((who, reported.status), (partner_id("netflix"), status));
        assert_eq!(reported, db.find_charge("n-1").await);
        let (who, reported) =
            db.store.find_refund_webhook(refunded.clone()).await.expect("works").expect("is there");
        let left = if status == TransactionStatus::Declined { usd(1599) } else { usd(999) };
        assert_eq!(
            (who, reported.status, reported.amount, reported.remaining),
            (partner_id("netflix"), status, usd(600), left)
        );
    }
    let (_, reported) = db.store.find_charge_webhook(charged).await.expect("works").expect("is there");
    assert_eq!(reported.decline_reason, Some(DeclineReason::AccountOnHold));
    let (_, reported) = db.store.find_refund_webhook(refunded).await.expect("works").expect("is there");
    assert_eq!(reported.raw_result.map(|raw| raw.raw_code).as_deref(), Some("17"));
    assert!(db.store.find_charge_webhook("tx-unknown".to_owned()).await.expect("works").is_none());
    assert!(db.store.find_refund_webhook("rf-unknown".to_owned()).await.expect("works").is_none());
}

async fn a_webhook_is_retried_until_it_is_delivered_or_a_dead_letter(db: TestStore) {
    let (charged, refunded, due) = post_pending_charge(&db).await;
    for entry in due {
        db.settle_job(NOW, entry, done()).await.expect("works");
    }
    for webhook in db.lease_due(60).await {
        assert_eq!(db.settle_job(NOW, webhook, later(400)).await.expect("works"), SettleResult::Written);
    }
    assert!(db.lease_due(399).await.is_empty());
    let again = db.lease_due(400).await;
    assert_eq!(
        job_names(&again),
        [("charge-notice", charged.as_str()), ("refund-notice", refunded.as_str())]
    );
    assert!(again.iter().all(|webhook| webhook.attempts == 2));
    for (webhook, end) in again.into_iter().zip([dead_letter(), dropped()]) {
        assert_eq!(db.settle_job(NOW, webhook, end).await.expect("works"), SettleResult::Written);
    }
    assert!(db.lease_due(1_000_000).await.is_empty());
    // The outcome itself is unchanged.
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
}

async fn webhooks_do_not_wait_behind_charges(db: TestStore) {
    let (charged, refunded, due) = post_pending_charge(&db).await;
    let pai = db.sign_up_subscriber(2).await.pai;
    for n in 0..20 {
        db.post_new_charge(new_charge(pai, &format!("m-{n}"), 1599)).await;
    }
    db.post_approved_charge(pai, "m-20", 1599).await;
    let waiting = db.post_new_refund(new_refund("m-20", "r-2", None)).await;
    for entry in due {
        db.settle_job(NOW.plus_seconds(70), entry, done()).await.expect("works");
    }
    db.store.start_flow(fresh_nonce(), NOW, new_flow(3, Some([1; 32]))).await.expect("works");
    let leased = db.lease_due(70).await;
    assert_eq!(leased.len(), 16 + 4);
    let named = job_names(&leased);
    for one in
        [("charge-notice", &*charged), ("refund-notice", &*refunded), ("refund", &*waiting), ("pin", "")]
    {
        assert!(named.contains(&one), "{one:?}");
    }
}
