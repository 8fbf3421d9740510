//! Erasing a subscriber: what leads from the database back to the number is deleted, and everything
//! else stays.

use crate::audit::stamp;
use crate::outcome::{dead_letter, done, later};
use crate::test_store::{
    TestStore, new_charge, new_flow, new_refund, new_signup, new_subscription, subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number, usd};
use crate::traces::{dump_db, leads_to};
use onbill_domain::account_event::AccountEvent::{self, NumberChanged, SimSwapped, Suspended};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::limits::SIM_SWAP_HOLD_HOURS_MAX;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome::Applied;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_origin::config::FileColumns;
use onbill_origin::last_answer::{AnswerKind, LastAnswer};
use onbill_origin::store::{
    BillingItem, ErasureState, Hash, IssueSignupResult, Job, LeasedJob, NewAccountEvent, PostChargeResult,
    Queue, RecordEventResult, Store, StoreError, WebhookJob,
};

on_each_database!(
    nothing_leads_to_the_number_any_more,
    charges_and_totals_stay,
    the_words_of_answers_go_with_their_subscriber,
    an_erasure_takes_place_once,
    a_name_is_no_good_for_what_was_there_before_it,
    former_subscribers_of_the_number_are_erased_too,
    signup_afterwards_is_a_new_subscriber,
    a_charge_that_waits_is_decided_without_the_number,
    a_file_that_is_being_written_keeps_its_numbers,
    who_was_erased_is_in_no_later_file,
    events_of_before_are_answered_as_ever,
    a_swapped_sim_is_forgotten_when_it_has_no_effect_any_more,
    replayed_call_erases_no_subscriber,
);

pub(crate) async fn erase_subscriber(db: &TestStore, name: &str, n: u8) -> ErasureState {
    let name = Some(parse_ext_id(name));
    db.store
        .erase_number(Some(fresh_nonce()), NOW.plus_seconds(100), stamp("E-1"), name, sealed_number(n).index)
        .await
        .expect("works")
}

fn new_event(name: &str, event: AccountEvent, n: u8, to: Option<u8>) -> NewAccountEvent {
    NewAccountEvent {
        event_id: parse_ext_id(name),
        fingerprint: sha256(format!("{name} {n} {to:?}").as_bytes()),
        event,
        number: sealed_number(n).index,
        new_number: to.map(sealed_number),
        occurred_at: NOW.plus_seconds(10),
    }
}

async fn record_event(db: &TestStore, new: NewAccountEvent) -> RecordEventResult {
    db.store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works")
}

/// A charge that waits for a file; returns our id of it.
pub(crate) async fn post_waiting_charge(db: &TestStore, pai: Pai, ext_id: &str) -> String {
    let id = db.post_new_charge(new_charge(pai, ext_id, 1599)).await;
    db.store.answer_transaction(NOW, id.clone(), later(0)).await.expect("works");
    id
}

pub(crate) async fn lease_due(store: &Store) -> Vec<LeasedJob> {
    let now = NOW.plus_seconds(200);
    store.lease_due(Queue::Billing, now, now.plus_seconds(900), 100).await.expect("works")
}

async fn a_name_is_no_good_for_what_was_there_before_it(db: TestStore) {
    db.sign_up_subscriber(1).await;
    // A customer who has only started a sign-up, and one about whom an event was reported.
    let begun = new_flow(2, Some([1; 32]));
    db.store.start_flow(fresh_nonce(), NOW, begun.clone()).await.expect("works");
    record_event(&db, new_event("e-1", Suspended, 3, None)).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    for n in [2, 3] {
        assert_eq!(erase_subscriber(&db, "er-1", n).await, ErasureState::Conflict, "{n}");
    }
    assert_eq!(db.store.bind_pin(NOW, begun.flow, [1; 32]).await.expect("works"), Some([1; 32]));
    assert_eq!(erase_subscriber(&db, "er-2", 2).await, ErasureState::Erased);
    let bound = db.store.bind_pin(NOW, begun.flow, [1; 32]).await.expect("works");
    assert_eq!(bound, None, "and its PIN is sent to nobody");
    // A sign-up that was started since is no trace of before.
    let later = NOW.plus_seconds(101);
    db.store.start_flow(fresh_nonce(), later, new_flow(1, Some([2; 32]))).await.expect("works");
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
}

async fn nothing_leads_to_the_number_any_more(db: TestStore) {
    // An operator's own id, which the search can recognize, in place of an activation date.
    let mut new = new_signup("netflix", 0xab, "SUBSCRIBER-0815");
    new.return_url = "https://my.acme.example/done".to_owned();
    let IssueSignupResult::Issued(row) = db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works")
    else {
        panic!("not issued")
    };
    for n in 0..40 {
        db.sign_up_subscriber(n).await;
    }
    let of_today = new_flow(0xcd, Some([9; 32]));
    db.store.start_flow(fresh_nonce(), NOW, of_today).await.expect("works");
    assert_eq!(
        record_event(&db, new_event("e-1", Suspended, 0xab, None)).await,
        RecordEventResult::Recorded(Applied)
    );
    let moved = NewAccountEvent {
        occurred_at: NOW.plus_seconds(20),
        ..new_event("e-2", NumberChanged, 0xab, Some(0xcd))
    };
    assert_eq!(record_event(&db, moved).await, RecordEventResult::Recorded(Applied));
    for n in [0xab, 0xcd] {
        assert!(leads_to(&db, n).await, "{n:x} would be found");
    }
    assert!(dump_db(&db).await.0.to_lowercase().contains("subscriber-0815"));

    assert_eq!(erase_subscriber(&db, "er-1", 0xcd).await, ErasureState::Erased);
    assert!(!leads_to(&db, 0xcd).await);
    // A decision about a number keeps its index for a day, and nothing else.
    db.sweep(NOW.plus_seconds(86_400)).await;
    assert!(!leads_to(&db, 0xab).await, "the number of before as well");
    let (text, raw) = dump_db(&db).await;
    assert!(!text.to_lowercase().contains("subscriber-0815"));
    assert!(!raw.windows(15).any(|window| window == b"SUBSCRIBER-0815"));
    assert!(leads_to(&db, 0x07).await, "everybody else is there");
    let standing = db.store.find_pai_status(row.pai).await.expect("works").expect("is there");
    assert_eq!(
        (standing.state, standing.closed_reason),
        (PaiState::Closed, Some(DeclineReason::AccountClosed))
    );
}

async fn charges_and_totals_stay(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let record = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("netflix"),
        "ps-1".into(),
        new_subscription(row.pai, "s-1"),
        subscription_terms(),
    );
    record.await.expect("works");
    db.post_approved_charge(row.pai, "n-1", 1599).await;
    db.post_approved_charge(row.pai, "n-2", 700).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    let db = db.reopen().await;
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved);
    let refund = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    let answer =
        db.store.find_refund_response(partner_id("netflix"), parse_ext_id("n-1"), parse_ext_id("r-1")).await;
    assert_eq!(answer.expect("works").map(|answer| answer.remaining), Some(usd(999)));
    let posting = db.store.post_charge(fresh_nonce(), NOW, new_charge(row.pai, "n-3", 100)).await;
    let Ok(PostChargeResult::Declined(answer)) = posting else { panic!("not declined: {posting:?}") };
    let answer: TransactionResponse = serde_json::from_slice(&answer).expect("is an answer");
    assert_eq!(answer.decline_reason, Some(DeclineReason::AccountClosed));
    let due = db.store.lease_due(Queue::All, NOW.plus_seconds(200), NOW.plus_seconds(400), 16).await;
    let due = due.expect("works");
    let is_report = |entry: &LeasedJob| {
        matches!(entry.job, Job::Webhook(WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. }))
    };
    assert_eq!(due.iter().filter(|entry| is_report(entry)).count(), 2, "partner and edge are informed");
}

async fn the_words_of_answers_go_with_their_subscriber(db: TestStore) {
    for (n, ext_id) in [(1, "n-1"), (2, "n-2")] {
        let pai = db.sign_up_subscriber(n).await.pai;
        post_waiting_charge(&db, pai, ext_id).await;
    }
    for leased in lease_due(&db.store).await {
        let text = Some("The account of Robin is closed.".to_owned());
        let answer = LastAnswer { kind: AnswerKind::Http, code: Some("503".to_owned()), text };
        db.store.note_last_answer(leased.lease(), answer).await.expect("works");
        db.settle_job(NOW, leased, dead_letter()).await.expect("works");
    }
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    let letters = db.store.dead_letters(None, 9).await.expect("works");
    assert_eq!(letters.len(), 2, "both still wait for a person");
    for letter in letters {
        let answer = letter.last_answer.expect("its code stays");
        assert_eq!(answer.code.as_deref(), Some("503"));
        assert_eq!(answer.text.is_some(), letter.ext_id.as_str() == "n-2", "{}", letter.ext_id);
    }
}

async fn an_erasure_takes_place_once(db: TestStore) {
    let before = db.sign_up_subscriber(1).await;
    db.sign_up_subscriber(2).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    assert_eq!(erase_subscriber(&db, "er-1", 2).await, ErasureState::Conflict, "another number");
    // The same subscriber again, later: their new entries were not to be erased.
    let late = NOW.plus_seconds(200);
    let signup = new_signup("netflix", 1, "2024-01-01");
    let IssueSignupResult::Issued(after) =
        db.store.issue_signup(fresh_nonce(), late, signup).await.expect("works")
    else {
        panic!("not issued")
    };
    assert_ne!(after.pai, before.pai);
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    let standing = db.store.find_pai_status(after.pai).await.expect("works").expect("is there");
    assert_eq!(standing.state, PaiState::Active);
    let again = db
        .store
        .erase_number(
            Some(fresh_nonce()),
            late,
            stamp("E-1"),
            Some(parse_ext_id("er-2")),
            sealed_number(1).index,
        )
        .await;
    assert_eq!(again.expect("works"), ErasureState::Erased);
    let standing = db.store.find_pai_status(after.pai).await.expect("works").expect("is there");
    assert_eq!(standing.state, PaiState::Closed);
    // Nothing leads to a number of nobody's, and every repetition says so.
    for _ in 0..2 {
        assert_eq!(erase_subscriber(&db, "er-3", 9).await, ErasureState::NotFound);
    }
    assert_eq!(erase_subscriber(&db, "er-4", 1).await, ErasureState::NotFound, "it is erased already");
    db.sign_up_subscriber(9).await;
    assert_eq!(
        erase_subscriber(&db, "er-3", 9).await,
        ErasureState::Conflict,
        "somebody came in that second"
    );
}

async fn former_subscribers_of_the_number_are_erased_too(db: TestStore) {
    let first = db.sign_up_subscriber(0xae).await;
    let next = new_signup("netflix", 0xae, "2026-01-01");
    let IssueSignupResult::Issued(second) =
        db.store.issue_signup(fresh_nonce(), NOW, next).await.expect("works")
    else {
        panic!("not issued")
    };
    assert_eq!(erase_subscriber(&db, "er-1", 0xae).await, ErasureState::Erased);
    assert!(!leads_to(&db, 0xae).await);
    for (pai, reason) in
        [(first.pai, DeclineReason::AccountClosedTakenOver), (second.pai, DeclineReason::AccountClosed)]
    {
        let standing = db.store.find_pai_status(pai).await.expect("works").expect("is there");
        assert_eq!(standing.closed_reason, Some(reason), "the first reason stays");
    }
}

async fn signup_afterwards_is_a_new_subscriber(db: TestStore) {
    let before = db.sign_up_subscriber(1).await;
    let proven = new_flow(1, None);
    let flow: Hash = proven.flow;
    db.store.start_flow(fresh_nonce(), NOW, proven).await.expect("works");
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    assert!(db.store.find_proven_flow(NOW, flow).await.expect("works").is_none(), "and begins anew");
    let after = db.sign_up_subscriber(1).await;
    assert!(after.pai != before.pai && after.handle != before.handle);
    assert!(matches!(
        db.store.post_charge(fresh_nonce(), NOW, new_charge(after.pai, "n-1", 100)).await,
        Ok(PostChargeResult::Created(_))
    ));
}

async fn a_charge_that_waits_is_decided_without_the_number(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(row.pai, "n-1", 1599)).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    let waits = db.store.find_pending_charge(id.clone()).await.expect("works").expect("is pending");
    assert_eq!((waits.subscriber, waits.closed), (None, Some(DeclineReason::AccountClosed)));
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Approved, "it was on its way");
}

async fn a_file_that_is_being_written_keeps_its_numbers(db: TestStore) {
    let row = db.sign_up_subscriber(0xef).await;
    post_waiting_charge(&db, row.pai, "n-1").await;
    let made = db
        .store
        .create_billing_file(NOW, "f-1".into(), lease_due(&db.store).await, FileColumns::default())
        .await;
    assert_eq!(made.expect("works"), 1);
    assert_eq!(erase_subscriber(&db, "er-1", 0xef).await, ErasureState::Erasing);
    let late = NOW.plus_seconds(200);
    let again = db.store.issue_signup(fresh_nonce(), late, new_signup("netflix", 0xef, "2024-01-01")).await;
    assert!(matches!(again.expect("works"), IssueSignupResult::Issued(new) if new.pai != row.pai));
    db.sweep(NOW).await;
    assert_eq!(
        erase_subscriber(&db, "er-1", 0xef).await,
        ErasureState::Erasing,
        "as long as it is not written"
    );
    let lines = db.store.list_file_lines("f-1".into()).await.expect("works");
    let BillingItem::Charge(line) = &lines[0].bill else { panic!("not a charge") };
    assert_eq!(line.subscriber.as_ref().map(|subscriber| &subscriber.number), Some(&sealed_number(0xef)));

    db.store.mark_file_written(NOW, "f-1".into(), [7; 32]).await.expect("works");
    db.sweep(NOW).await;
    assert_eq!(erase_subscriber(&db, "er-1", 0xef).await, ErasureState::Erased);
    let ended = db
        .store
        .erase_number(
            None,
            NOW.plus_seconds(300),
            stamp("E-1"),
            Some(parse_ext_id("er-2")),
            sealed_number(0xef).index,
        )
        .await;
    assert_eq!(ended.expect("works"), ErasureState::Erased, "whoever has it since");
    assert!(!leads_to(&db, 0xef).await);
    let lines = db.store.list_file_lines("f-1".into()).await.expect("works");
    assert!(
        matches!(&lines[0].bill, BillingItem::Charge(line) if line.subscriber.is_none()),
        "the line itself is for ever"
    );
    let settling = db.store.settle_line(NOW, "f-1".into(), 1, done()).await;
    assert_eq!(settling.expect("works"), onbill_origin::store::SettleResult::Written);
}

async fn who_was_erased_is_in_no_later_file(db: TestStore) {
    let (gone, stays) = (db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await);
    post_waiting_charge(&db, gone.pai, "n-1").await;
    let filed = post_waiting_charge(&db, stays.pai, "n-2").await;
    let leased = lease_due(&db.store).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    assert_eq!(
        db.store.create_billing_file(NOW, "f-1".into(), leased, FileColumns::default()).await.expect("works"),
        1
    );
    let lines = db.store.list_file_lines("f-1".into()).await.expect("works");
    assert_eq!(lines.iter().map(|line| line.bill.id()).collect::<Vec<_>>(), [filed.as_str()]);
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Pending, "the outbox decides it");
}

async fn events_of_before_are_answered_as_ever(db: TestStore) {
    db.sign_up_subscriber(1).await;
    assert_eq!(
        record_event(&db, new_event("e-1", Suspended, 1, None)).await,
        RecordEventResult::Recorded(Applied)
    );
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    assert_eq!(
        record_event(&db, new_event("e-1", Suspended, 1, None)).await,
        RecordEventResult::Replayed(Applied)
    );
}

async fn a_swapped_sim_is_forgotten_when_it_has_no_effect_any_more(db: TestStore) {
    let swapped = NewAccountEvent { occurred_at: NOW, ..new_event("e-1", SimSwapped, 1, None) };
    record_event(&db, swapped).await;
    assert_eq!(erase_subscriber(&db, "er-1", 1).await, ErasureState::Erased);
    // A system that does not know the time has reported the first one.
    let first = Timestamp::parse("0001-01-01T00:00:00Z").expect("is a time");
    record_event(&db, NewAccountEvent { occurred_at: first, ..new_event("e-2", SimSwapped, 2, None) }).await;
    let last = NOW.plus_seconds(SIM_SWAP_HOLD_HOURS_MAX * 3_600);
    for (at, known) in [(last, Some(NOW)), (last.plus_seconds(1), None)] {
        db.sweep(at).await;
        assert_eq!(db.store.find_sim_swap_time(sealed_number(1).index).await.expect("works"), known);
        assert_eq!(db.store.find_sim_swap_time(sealed_number(2).index).await.expect("works"), None);
    }
}

async fn replayed_call_erases_no_subscriber(db: TestStore) {
    let (row, spent) = (db.sign_up_subscriber(1).await, fresh_nonce());
    db.store
        .erase_number(
            Some(spent.clone()),
            NOW,
            stamp("E-1"),
            Some(parse_ext_id("er-1")),
            sealed_number(2).index,
        )
        .await
        .expect("works");
    let replay = db
        .store
        .erase_number(Some(spent), NOW, stamp("E-1"), Some(parse_ext_id("er-2")), sealed_number(1).index)
        .await;
    assert!(matches!(replay, Err(StoreError::NonceReplayed)));
    let standing = db.store.find_pai_status(row.pai).await.expect("works").expect("is there");
    assert_eq!(standing.state, PaiState::Active);
}
