//! Files for billing: a job is in one of them, once; a line settles like any other outcome.

use crate::audit::stamp;
use crate::outcome::{dead_letter, declined, done, later, refused};
use crate::races::at_once;
use crate::test_store::{TestStore, new_charge, new_refund};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number, usd};
use crate::traces::leads_to;
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::config::FileColumns;
use onbill_origin::store::{
    AcceptResponseResult, BillingFileLine, BillingItem, ErasureState, Job, LeasedJob, LineDecision,
    NewAccountEvent, Queue, RecordEventResult, RedriveResult, RedriveTarget, SettleResult, Store, WebhookJob,
};
use std::collections::HashSet;

on_each_database!(
    what_is_in_a_file_is_in_the_outbox_no_more,
    each_queue_is_leased_by_itself,
    only_who_has_the_lease_files,
    settled_job_or_dead_letter_is_not_filed,
    line_is_settled_once_and_reported_to_the_partner,
    a_declined_line_gives_back_what_it_took,
    the_lines_of_a_file_stay_what_they_were,
    the_number_of_before_goes_when_the_file_is_written,
    no_number_of_before_is_kept_for_a_file_that_is_written_at_that_moment,
    one_response_to_a_file_is_ever_taken,
    a_file_waits_to_be_written_and_to_be_answered,
    what_is_in_a_file_is_not_put_back_into_the_outbox,
    the_same_entries_filed_at_two_origins_are_in_one_file,
    two_origins_that_lease_and_file_at_once_share_the_work,
);

/// Leases the bills that are due `at_seconds` from now.
async fn lease_due(db: &TestStore, at_seconds: i64) -> Vec<LeasedJob> {
    let now = NOW.plus_seconds(at_seconds);
    db.store.lease_due(Queue::Billing, now, now.plus_seconds(900), 1000).await.expect("works")
}

async fn file_jobs(db: &TestStore, name: &str, entries: Vec<LeasedJob>) -> u32 {
    db.store.create_billing_file(NOW, name.to_owned(), entries, FileColumns::default()).await.expect("works")
}

/// A charge that waits for a file; returns our id of it.
async fn post_waiting_charge(db: &TestStore, number: u8, ext_id: &str) -> String {
    let subscriber = db.sign_up_subscriber(number).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, ext_id, 1599)).await;
    db.store.answer_transaction(NOW, id.clone(), later(0)).await.expect("works");
    id
}

/// The subscriber of a number moves to another one.
async fn move_number(store: &Store, from: u8, to: u8) -> RecordEventResult {
    let moved = NewAccountEvent {
        event_id: parse_ext_id(&format!("e-{from}")),
        fingerprint: [from; 32],
        event: AccountEvent::NumberChanged,
        number: sealed_number(from).index,
        new_number: Some(sealed_number(to)),
        occurred_at: NOW,
    };
    store.record_account_event(Some(fresh_nonce()), NOW, moved).await.expect("works")
}

async fn filed_ids(db: &TestStore, name: &str) -> Vec<String> {
    let lines = db.store.list_file_lines(name.to_owned()).await.expect("works");
    assert!(lines.iter().zip(1..).all(|(line, n)| line.line == n), "{lines:?}");
    lines.iter().map(|line| line.bill.id().to_owned()).collect()
}

async fn settle_line(db: &TestStore, line: u32, decision: LineDecision) -> SettleResult {
    db.store.settle_line(NOW, "f-1".to_owned(), line, decision).await.expect("works")
}

async fn what_is_in_a_file_is_in_the_outbox_no_more(db: TestStore) {
    let subscriber = db.sign_up_subscriber(9).await;
    let charged = db.post_approved_charge(subscriber.pai, "n-9", 1599).await;
    let first = post_waiting_charge(&db, 1, "n-1").await;
    let refunded = db.post_new_refund(new_refund("n-9", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refunded.clone(), later(0)).await.expect("works");
    let second = post_waiting_charge(&db, 2, "n-2").await;

    assert_eq!(file_jobs(&db, "f-1", lease_due(&db, 0).await).await, 3);
    let db = db.reopen().await;
    assert_eq!(filed_ids(&db, "f-1").await, [first.clone(), refunded.clone(), second]);
    let lines = db.store.list_file_lines("f-1".to_owned()).await.expect("works");
    let filed = db.store.find_pending_charge(first).await.expect("works").expect("is on its way");
    assert_eq!(lines[0].bill, BillingItem::Charge(filed));
    let BillingItem::Refund(filed) = &lines[1].bill else { panic!("not a refund: {lines:?}") };
    assert_eq!((&filed.transaction_id, filed.amount), (&charged, usd(600)));
    let made = db.store.find_billing_file("f-1".to_owned()).await.expect("works").expect("is there");
    assert_eq!((made.lines, made.created_at, made.written_at), (3, NOW, None));
    assert_eq!(db.store.find_newest_file_time(NOW).await.expect("works"), Some(NOW));
    let behind = NOW.plus_seconds(-3_600);
    assert_eq!(db.store.find_newest_file_time(behind).await, Ok(None), "a clock ahead has made it");

    assert!(lease_due(&db, 1_000_000).await.is_empty());
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Pending);
}

async fn each_queue_is_leased_by_itself(db: TestStore) {
    post_waiting_charge(&db, 1, "n-1").await;
    let subscriber = db.sign_up_subscriber(2).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-2", 1599)).await;
    db.store.answer_transaction(NOW, id, later(0)).await.expect("works");
    for entry in lease_due(&db, 0).await.into_iter().skip(1) {
        db.settle_job(NOW, entry, done()).await.expect("works");
    }
    let next = db.store.next_due(Queue::PartnerWebhooks).await.expect("works");
    assert_eq!(next, Some(NOW), "the notice of the settled charge");
    for other in [Queue::Pins, Queue::Edge] {
        assert_eq!(db.store.next_due(other).await.expect("works"), None);
        assert!(db.store.lease_due(other, NOW, NOW.plus_seconds(120), 16).await.expect("works").is_empty());
    }
    let notices = db.store.lease_due(Queue::PartnerWebhooks, NOW, NOW.plus_seconds(120), 16).await;
    assert!(matches!(
        notices.expect("works")[..],
        [LeasedJob { job: Job::Webhook(WebhookJob::Charge { .. }), .. }]
    ));
    assert_eq!(db.store.next_due(Queue::Billing).await.expect("works"), Some(NOW.plus_seconds(900)));
}

async fn only_who_has_the_lease_files(db: TestStore) {
    let id = post_waiting_charge(&db, 1, "n-1").await;
    let first = lease_due(&db, 0).await;
    // The first worker was slow: another one has the lease now.
    let second = lease_due(&db, 900).await;
    assert_eq!(file_jobs(&db, "f-1", first.clone()).await, 0);
    assert_eq!(db.store.find_billing_file("f-1".to_owned()).await.expect("works"), None);
    assert_eq!(file_jobs(&db, "f-2", second).await, 1);
    assert_eq!(file_jobs(&db, "f-3", first).await, 0);
    assert_eq!(filed_ids(&db, "f-2").await, [id]);
}

async fn settled_job_or_dead_letter_is_not_filed(db: TestStore) {
    let kept = post_waiting_charge(&db, 1, "n-1").await;
    post_waiting_charge(&db, 2, "n-2").await;
    post_waiting_charge(&db, 3, "n-3").await;
    let entries = lease_due(&db, 0).await;
    let reason = declined(DeclineReason::AccountOnHold);
    db.settle_job(NOW, entries[1].clone(), reason).await.expect("works");
    db.settle_job(NOW, entries[2].clone(), dead_letter()).await.expect("works");
    assert_eq!(file_jobs(&db, "f-1", entries).await, 1);
    assert_eq!(filed_ids(&db, "f-1").await, [kept]);
}

async fn line_is_settled_once_and_reported_to_the_partner(db: TestStore) {
    let id = post_waiting_charge(&db, 1, "n-1").await;
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    assert_eq!(settle_line(&db, 1, done()).await, SettleResult::Written);
    assert_eq!(settle_line(&db, 1, done()).await, SettleResult::Late);
    let other = declined(DeclineReason::RiskDeclined);
    assert_eq!(settle_line(&db, 1, other).await, SettleResult::Contradicted);
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
    let due = db.lease_due(0).await;
    let [LeasedJob { job: Job::Webhook(WebhookJob::Charge { transaction_id }), .. }] = &due[..] else {
        panic!("{due:?}")
    };
    assert_eq!(*transaction_id, id);
    assert!(db.store.settle_line(NOW, "f-1".to_owned(), 2, done()).await.is_err(), "no such line");
}

async fn a_declined_line_gives_back_what_it_took(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charged = db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let refunded = db.post_new_refund(new_refund("n-1", "r-1", None)).await;
    db.store.answer_refund(NOW, refunded, later(0)).await.expect("works");
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    assert_eq!(settle_line(&db, 1, refused()).await, SettleResult::Written);
    let found = db.store.find_charge_webhook(charged).await.expect("works").expect("is there");
    assert_eq!(found.0, partner_id("netflix"));
    // All of it can be refunded again.
    db.post_new_refund(new_refund("n-1", "r-2", Some(1599))).await;
    assert!(matches!(
        db.lease_due(0).await[..],
        [LeasedJob { job: Job::Webhook(WebhookJob::Refund { .. }), .. }]
    ));
}

async fn the_lines_of_a_file_stay_what_they_were(db: TestStore) {
    post_waiting_charge(&db, 1, "n-1").await;
    post_waiting_charge(&db, 2, "n-2").await;
    post_waiting_charge(&db, 3, "n-3").await;
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    let before = db.store.list_file_lines("f-1".to_owned()).await.expect("works");
    settle_line(&db, 1, done()).await;
    settle_line(&db, 2, declined(DeclineReason::RiskDeclined)).await;
    // Number 1 is reassigned, too.
    let next = crate::test_store::new_signup("netflix", 1, "2026-11-01");
    db.store.issue_signup(fresh_nonce(), NOW, next).await.expect("works");
    assert_eq!(db.store.list_file_lines("f-1".to_owned()).await.expect("works"), before);
    // The subscriber of number 3 moves to another one while the file is being written.
    let sealed = |lines: &[BillingFileLine]| -> Vec<Vec<u8>> {
        let charges = lines.iter().filter_map(|line| match &line.bill {
            BillingItem::Charge(charge) => {
                charge.subscriber.as_ref().map(|subscriber| subscriber.number.sealed.clone())
            }
            BillingItem::Refund(_) => None,
        });
        charges.collect()
    };
    assert_eq!(move_number(&db.store, 3, 5).await, RecordEventResult::Recorded(AccountEventOutcome::Applied));
    let after = db.store.list_file_lines("f-1".to_owned()).await.expect("works");
    assert_eq!(sealed(&after), sealed(&before));
}

async fn the_number_of_before_goes_when_the_file_is_written(db: TestStore) {
    post_waiting_charge(&db, 0xae, "n-1").await;
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    move_number(&db.store, 0xae, 0xcd).await;
    db.store.mark_file_written(NOW, "f-1".to_owned(), [7; 32]).await.expect("works");
    assert!(!leads_to_after_erasing(&db, 0xae, 0xcd).await);
}

/// A subscriber who moves while their file is written has moved before it or after it.
async fn no_number_of_before_is_kept_for_a_file_that_is_written_at_that_moment(db: TestStore) {
    for n in 0xa0..=0xa9 {
        post_waiting_charge(&db, n, &format!("n-{n}")).await;
    }
    file_jobs(&db, "f-2", lease_due(&db, 0).await).await;
    at_once(&db, 12, |store, n| async move {
        match n {
            4 | 7 => store.mark_file_written(NOW, "f-2".to_owned(), [7; 32]).await.expect("works"),
            n => {
                let n = u8::try_from(n).expect("is small");
                let from = 0xa0 + n - u8::from(n > 4) - u8::from(n > 7);
                move_number(&store, from, from + 0x20).await;
            }
        }
    })
    .await;
    for n in 0xa0..=0xa9 {
        assert!(!leads_to_after_erasing(&db, n, n + 0x20).await, "{n:x}");
    }
}

/// Whether anything leads to a subscriber's previous number once the subscriber of the present one
/// is erased.
async fn leads_to_after_erasing(db: &TestStore, before: u8, now: u8) -> bool {
    let erased = db.store.erase_number(None, NOW, stamp("E-1"), None, sealed_number(now).index).await;
    assert_eq!(erased.expect("works"), ErasureState::Erased);
    // A decision about a number keeps its index for a day.
    db.sweep(NOW.plus_seconds(86_400)).await;
    leads_to(db, before).await
}

async fn one_response_to_a_file_is_ever_taken(db: TestStore) {
    post_waiting_charge(&db, 1, "n-1").await;
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    let calls = at_once(&db, 16, |store, n| async move {
        let response = [u8::from(n % 2 == 0); 32];
        (response, store.accept_response("f-1".to_owned(), response).await.expect("works"))
    });
    let takings = calls.await;
    let first =
        takings.iter().find(|(_, taking)| *taking == AcceptResponseResult::Accepted).expect("one is").0;
    for (response, taking) in takings {
        assert_eq!(taking == AcceptResponseResult::Accepted, response == first);
    }
}

async fn a_file_waits_to_be_written_and_to_be_answered(db: TestStore) {
    let names = async || -> Vec<String> {
        let files = db.store.list_unwritten_files().await.expect("works");
        files.into_iter().map(|file| file.file_id).collect()
    };
    let silent =
        async |since: i64| db.store.list_unacknowledged_files(NOW.plus_seconds(since)).await.expect("works");
    for (n, name) in [(1, "f-1"), (2, "f-2"), (3, "f-3")] {
        post_waiting_charge(&db, n, &format!("n-{n}")).await;
        file_jobs(&db, name, lease_due(&db, 0).await).await;
    }
    assert_eq!(names().await, ["f-1", "f-2", "f-3"]);
    let at = NOW.plus_seconds(5);
    db.store.mark_file_written(at, "f-1".to_owned(), [1; 32]).await.expect("works");
    // A file that billing has answered was written, whatever the database says.
    db.store.accept_response("f-2".to_owned(), [2; 32]).await.expect("works");
    assert_eq!(names().await, ["f-3"]);
    assert_eq!(silent(-1).await, [""; 0]);
    assert_eq!(silent(0).await, ["f-1", "f-2", "f-3"]);
    db.store.mark_file_acknowledged(at, "f-2".to_owned()).await.expect("works");
    assert_eq!(silent(0).await, ["f-1", "f-3"]);
    let file = db.store.find_billing_file("f-1".to_owned()).await.expect("works").expect("is there");
    assert_eq!((file.written_at, file.acknowledged_at), (Some(at), None));
}

async fn what_is_in_a_file_is_not_put_back_into_the_outbox(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let refunded = db.post_new_refund(new_refund("n-1", "r-1", None)).await;
    db.store.answer_refund(NOW, refunded.clone(), later(0)).await.expect("works");
    let charged = post_waiting_charge(&db, 2, "n-2").await;
    file_jobs(&db, "f-1", lease_due(&db, 0).await).await;
    for target in [RedriveTarget::Charge(charged.clone()), RedriveTarget::Refund(refunded)] {
        assert_eq!(db.store.redrive(NOW, target).await.expect("works"), RedriveResult::InProgress);
    }
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    // Billing's response to it is reported as usual.
    settle_line(&db, 2, done()).await;
    for notice in db.lease_due(0).await {
        db.settle_job(NOW, notice, done()).await.expect("works");
    }
    let target = RedriveTarget::ChargeWebhook(charged);
    assert_eq!(db.store.redrive(NOW, target).await.expect("works"), RedriveResult::Requeued);
}

async fn the_same_entries_filed_at_two_origins_are_in_one_file(db: TestStore) {
    for n in 1..=20 {
        post_waiting_charge(&db, n, &format!("n-{n}")).await;
    }
    let entries = lease_due(&db, 0).await;
    let calls = at_once(&db, 8, |store, n| {
        let mut entries = entries.clone();
        if n % 3 == 0 {
            entries.reverse();
        }
        async move {
            store
                .create_billing_file(NOW, format!("f-{n}"), entries, FileColumns::default())
                .await
                .expect("works")
        }
    });
    let mut lines = calls.await;
    lines.sort_unstable();
    assert_eq!(lines, [0, 0, 0, 0, 0, 0, 0, 20]);
}

async fn two_origins_that_lease_and_file_at_once_share_the_work(db: TestStore) {
    let mut ids = HashSet::new();
    for n in 1..=40 {
        ids.insert(post_waiting_charge(&db, n, &format!("n-{n}")).await);
    }
    let calls = at_once(&db, 8, |store, n| async move {
        let entries = store.lease_due(Queue::Billing, NOW, NOW.plus_seconds(900), 5).await.expect("works");
        store
            .create_billing_file(NOW, format!("f-{n}"), entries, FileColumns::default())
            .await
            .expect("works");
        store.list_file_lines(format!("f-{n}")).await.expect("works")
    });
    let filed: Vec<String> =
        calls.await.into_iter().flatten().map(|line| line.bill.id().to_owned()).collect();
    assert_eq!(filed.len(), 40, "none twice");
    assert_eq!(filed.into_iter().collect::<HashSet<_>>(), ids, "none lost");
}
