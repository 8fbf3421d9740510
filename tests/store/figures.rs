//! Figures for the metrics: what waits in the queues, at billing and at customers.

use crate::outcome::{dead_letter, done, later, sent};
use crate::test_store::{TestStore, new_charge, new_coupon, new_flow};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id};
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::config::FileColumns;
use onbill_origin::store::{
    CouponFigure, FileFigures, Job, LedgerFigures, PoolStatus, Queue, QueueFigures, SmsReceipt,
};

on_each_database!(
    empty_ledger_has_nothing_that_waits,
    age_of_a_job_counts_from_when_it_was_queued,
    dead_letters_are_counted_by_themselves,
    file_waits_until_it_is_acknowledged,
    coupon_is_counted_while_it_is_awaited,
    two_origins_read_the_same_figures,
    amount_of_a_charge_is_found_by_its_id,
    pool_is_idle_when_nothing_runs,
);

async fn read(db: &TestStore, at_seconds: i64) -> LedgerFigures {
    db.store.read_figures(NOW.plus_seconds(at_seconds)).await.expect("works")
}

fn of_queue(figures: &LedgerFigures, wanted: Queue) -> QueueFigures {
    figures.queues.iter().find(|(queue, _)| *queue == wanted).expect("is there").1
}

fn of_coupons(figures: &LedgerFigures, wanted: CouponFigure) -> i64 {
    figures.coupons.iter().find(|(state, _)| *state == wanted).expect("is there").1
}

async fn empty_ledger_has_nothing_that_waits(db: TestStore) {
    let figures = read(&db, 0).await;
    assert!(figures.queues.iter().all(|(_, queue)| *queue == QueueFigures::default()), "{figures:?}");
    assert_eq!(figures.files, FileFigures::default());
    assert!(figures.coupons.iter().all(|(_, count)| *count == 0), "{figures:?}");
}

async fn age_of_a_job_counts_from_when_it_was_queued(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let at = NOW.plus_seconds(40);
    db.store.start_flow(fresh_nonce(), at, new_flow(2, Some([1; 32]))).await.expect("works");
    // Retries put off when it is due, and make it no younger.
    db.store.answer_transaction(NOW, id, later(300)).await.expect("works");
    db.lease_due(300).await;
    let figures = read(&db, 400).await;
    let expected = |oldest_age_seconds| QueueFigures { entries: 1, oldest_age_seconds, dead_letters: 0 };
    assert_eq!(of_queue(&figures, Queue::Billing), expected(400));
    assert_eq!(of_queue(&figures, Queue::Pins), expected(360));
    let behind = read(&db, -60).await;
    assert_eq!(of_queue(&behind, Queue::Billing).oldest_age_seconds, 0, "a clock that was set back");
}

async fn dead_letters_are_counted_by_themselves(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, dead_letter()).await.expect("works");
    let billing = of_queue(&read(&db, 60).await, Queue::Billing);
    assert_eq!(billing, QueueFigures { entries: 0, oldest_age_seconds: 0, dead_letters: 1 });
}

async fn file_waits_until_it_is_acknowledged(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, later(0)).await.expect("works");
    let leased = db.store.lease_due(Queue::Billing, NOW, NOW.plus_seconds(60), 10).await.expect("works");
    let columns = FileColumns::default();
    db.store.create_billing_file(NOW, "f-1".to_owned(), leased, columns).await.expect("works");
    let figures = read(&db, 90).await;
    assert_eq!(figures.files, FileFigures { unacknowledged: 1, oldest_age_seconds: 90 });
    assert_eq!(of_queue(&figures, Queue::Billing).entries, 0, "it left the queue");
    db.store.accept_response("f-1".to_owned(), [7; 32]).await.expect("works");
    db.store.mark_file_acknowledged(NOW, "f-1".to_owned()).await.expect("works");
    assert_eq!(read(&db, 90).await.files, FileFigures::default());
}

async fn coupon_is_counted_while_it_is_awaited(db: TestStore) {
    let first = db.issue_new_coupon(new_coupon(1, "c-1")).await;
    db.issue_new_coupon(new_coupon(2, "c-2")).await;
    assert_eq!(of_coupons(&read(&db, 0).await, CouponFigure::Issued), 2);
    let due = db.lease_due(0).await;
    for (n, leased) in due.into_iter().filter(|leased| matches!(leased.job, Job::Sms(_))).enumerate() {
        db.settle_job(NOW, leased, sent(&format!("m-{n}"))).await.expect("works");
    }
    let figures = read(&db, 0).await;
    assert_eq!([CouponFigure::Issued, CouponFigure::Sent].map(|state| of_coupons(&figures, state)), [0, 2]);
    let message = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there");
    assert!(message.sent_at.is_some());
    for n in 0..8 {
        let receipt = db.store.record_sms_receipt(NOW, format!("m-{n}"), SmsReceipt::Delivered);
        receipt.await.expect("works");
    }
    assert_eq!(of_coupons(&read(&db, 0).await, CouponFigure::Delivered), 2);
    let expired = first.expires_at.seconds_since(NOW);
    let later = read(&db, expired).await;
    assert!(
        later.coupons.iter().all(|(_, count)| *count == 0),
        "nobody waits for what has expired: {later:?}"
    );
}

async fn two_origins_read_the_same_figures(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let other = db.second_origin().await;
    assert_eq!(other.read_figures(NOW).await, db.store.read_figures(NOW).await);
}

async fn amount_of_a_charge_is_found_by_its_id(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id.clone(), done()).await.expect("works");
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
    let posted = db.store.find_posted_amount(id).await.expect("works").expect("is there");
    assert_eq!(
        (posted.amount.amount_minor, posted.partner.as_str(), posted.posted_at),
        (1599, "netflix", NOW)
    );
    assert_eq!(db.store.find_posted_amount("unknown".to_owned()).await, Ok(None));
}

async fn pool_is_idle_when_nothing_runs(db: TestStore) {
    read(&db, 0).await;
    let PoolStatus { in_use, idle, waiting } = db.store.pool_status();
    assert_eq!((in_use, waiting), (0, 0));
    assert!(idle >= 1, "{idle}");
}
