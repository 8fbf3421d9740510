//! Sessions of the console, and refunds that wait for a second person.

use crate::audit::stamp;
use crate::desks::new_desk_refund;
use crate::races::{at_once, how_many};
use crate::test_store::TestStore;
use crate::test_values::{NOW, fresh_hash, fresh_nonce, parse_ext_id, partner_id, usd};
use onbill_domain::wire::audit::ActorRole;
use onbill_domain::wire::care::BorneBy;
use onbill_origin::store::{
    AskRefundResult, AskedBy, AuditStamp, ConsoleSession, DecideRefundResult, IDLE_SECONDS,
    NewConsoleSession, NewRefundRequest, PostRefundResult, RefundRequestCursor, RefundRequestDecision,
    RefundRequestRow, RefundRequestState, SESSION_SECONDS, Store,
};
use onbill_test_harness::database::TestDb;
use std::sync::Arc;

on_each_database!(
    session_lasts_while_it_is_used,
    a_session_ends_after_its_longest_time,
    session_lasts_while_the_database_takes_no_writes,
    a_sign_in_makes_one_session,
    an_old_session_is_forgotten,
    a_request_is_decided_by_another_person,
    a_request_is_rejected_once,
    an_id_names_one_request,
    requests_of_others_come_in_pages,
    a_request_is_taken_back_by_its_asker,
    an_approved_request_is_open_until_its_refund_is_made,
    an_approved_request_is_rejected_while_no_refund_is_made,
    rejected_request_is_not_ended_otherwise,
    a_refund_that_is_made_is_not_rejected,
    a_refund_that_is_made_while_its_request_waits_is_not_rejected,
    a_refund_is_made_or_rejected,
);

fn new_session() -> NewConsoleSession {
    NewConsoleSession {
        session: fresh_hash(),
        sign_in: fresh_hash(),
        actor: parse_ext_id("robin-17"),
        display_name: "Robin".to_owned(),
        roles: vec![ActorRole::Care, ActorRole::Billing],
    }
}

async fn begin(db: &TestStore, new: &NewConsoleSession) -> bool {
    db.store.begin_console_session(NOW, new.clone(), None).await.expect("works")
}

async fn find_after(db: &TestStore, session: [u8; 32], seconds: i64) -> Option<ConsoleSession> {
    db.store.use_console_session(NOW.plus_seconds(seconds), session).await.expect("works")
}

async fn session_lasts_while_it_is_used(db: TestStore) {
    let new = new_session();
    assert!(begin(&db, &new).await);
    let found = find_after(&db, new.session, IDLE_SECONDS - 1).await.expect("goes on");
    assert_eq!((found.actor, found.roles), (new.actor.clone(), new.roles.clone()));
    assert!(find_after(&db, new.session, 2 * IDLE_SECONDS - 2).await.is_some(), "it was used");
    assert!(find_after(&db, new.session, 3 * IDLE_SECONDS - 2).await.is_none());
    assert!(find_after(&db, fresh_hash(), 0).await.is_none());
    // Signing in again ends the session that the browser had.
    let (other, next) = (new_session(), new_session());
    assert!(begin(&db, &other).await);
    let began = db.store.begin_console_session(NOW, next.clone(), Some(other.session)).await;
    assert!(began.expect("works") && find_after(&db, other.session, 0).await.is_none());
    db.store.end_console_session(NOW, next.session).await.expect("works");
    assert!(find_after(&db, next.session, 0).await.is_none());
}

async fn a_session_ends_after_its_longest_time(db: TestStore) {
    let new = new_session();
    begin(&db, &new).await;
    for seconds in (0..SESSION_SECONDS).step_by(usize::try_from(IDLE_SECONDS / 2).expect("is small")) {
        assert!(find_after(&db, new.session, seconds).await.is_some(), "{seconds}");
    }
    assert!(find_after(&db, new.session, SESSION_SECONDS).await.is_none());
}

async fn session_lasts_while_the_database_takes_no_writes(db: TestStore) {
    let new = new_session();
    begin(&db, &new).await;
    let refuse_writes = match &db.place {
        TestDb::Sqlite(_) => {
            "CREATE TRIGGER read_only BEFORE UPDATE ON console_sessions BEGIN SELECT RAISE(ABORT, 'read-only'); END"
        }
        TestDb::Postgres { .. } => {
            "ALTER TABLE console_sessions ADD CONSTRAINT read_only CHECK (false) NOT VALID"
        }
    };
    db.place.run_sql(refuse_writes).await;
    assert!(find_after(&db, new.session, IDLE_SECONDS - 1).await.is_some(), "the page is shown");
    assert!(find_after(&db, new.session, IDLE_SECONDS).await.is_none(), "it could not be noted as used");
}

async fn a_sign_in_makes_one_session(db: TestStore) {
    let first = new_session();
    assert!(begin(&db, &first).await);
    let again = NewConsoleSession { sign_in: first.sign_in, ..new_session() };
    let began = db.store.begin_console_session(NOW, again.clone(), Some(first.session)).await;
    assert!(!began.expect("works"), "it was completed before");
    assert!(find_after(&db, again.session, 0).await.is_none());
    assert!(find_after(&db, first.session, 0).await.is_some(), "nobody is signed out by a repetition");
    db.store.end_console_session(NOW, first.session).await.expect("works");
    assert!(!begin(&db, &again).await, "nor after the session has ended");
}

async fn an_old_session_is_forgotten(db: TestStore) {
    let (old, new) = (new_session(), new_session());
    begin(&db, &old).await;
    let later = NOW.plus_seconds(86_401);
    db.store.begin_console_session(later, new.clone(), None).await.expect("works");
    db.sweep(later).await;
    assert!(begin(&db, &old).await, "nothing is left of it");
    assert!(!begin(&db, &new).await);
}

fn new_request(transaction_id: &str, id: &str) -> NewRefundRequest {
    NewRefundRequest {
        request_id: id.to_owned(),
        transaction_id: transaction_id.to_owned(),
        amount: Some(usd(1599)),
        reason: "Billed twice".to_owned(),
        borne_by: BorneBy::Operator,
        reference: parse_ext_id("T-1"),
    }
}

fn stamp_of(actor: &str) -> AuditStamp {
    AuditStamp { actor: parse_ext_id(actor), role: ActorRole::Supervisor, ..stamp("T-1") }
}

async fn decide(
    db: &TestStore,
    actor: &str,
    id: &str,
    decision: RefundRequestDecision,
) -> DecideRefundResult {
    db.store.decide_refund_request(NOW, stamp_of(actor), id.to_owned(), decision).await.expect("works")
}

/// The charge that is to be refunded.
async fn ask(db: &TestStore, id: &str) -> String {
    let pai = db.sign_up_subscriber(1).await.pai;
    let transaction_id = db.post_approved_charge(pai, "c-1", 1599).await;
    let asked = db.store.ask_for_refund(NOW, stamp_of("lead-3"), new_request(&transaction_id, id)).await;
    assert_eq!(asked.expect("works"), AskRefundResult::Asked);
    transaction_id
}

/// What this person may decide about.
async fn list_open(db: &TestStore, person: &str) -> Vec<RefundRequestRow> {
    let others = AskedBy::Others(parse_ext_id(person));
    db.store.list_open_refund_requests(others, None, 10).await.expect("reads")
}

async fn requests_of_others_come_in_pages(db: TestStore) {
    let transaction_id = ask(&db, "rq-3").await;
    for (id, actor, seconds) in [("rq-1", "lead-3", 0), ("rq-2", "lead-4", 0), ("rq-0", "lead-3", 1)] {
        let new = new_request(&transaction_id, id);
        let asked = db.store.ask_for_refund(NOW.plus_seconds(seconds), stamp_of(actor), new).await;
        assert_eq!(asked.expect("works"), AskRefundResult::Asked);
    }
    let mut after = None;
    for ids in [&["rq-1", "rq-3"][..], &["rq-0"], &[]] {
        let others = AskedBy::Others(parse_ext_id("lead-4"));
        let page = db.store.list_open_refund_requests(others, after.clone(), 2).await.expect("reads");
        assert_eq!(page.iter().map(|row| row.request_id.as_str()).collect::<Vec<_>>(), ids);
        after = page.last().map(|row| RefundRequestCursor {
            asked_at: row.asked_at.unix_seconds(),
            request_id: row.request_id.clone(),
        });
    }
    let own = db.store.list_open_refund_requests(AskedBy::Person(parse_ext_id("lead-4")), None, 2).await;
    assert_eq!(own.expect("reads").iter().map(|row| row.request_id.as_str()).collect::<Vec<_>>(), ["rq-2"]);
}

async fn an_id_names_one_request(db: TestStore) {
    let transaction_id = ask(&db, "rq-1").await;
    let same = new_request(&transaction_id, "rq-1");
    let ask_again = async |new| db.store.ask_for_refund(NOW, stamp_of("lead-3"), new).await.expect("works");
    let others = [
        NewRefundRequest { amount: Some(usd(1)), ..same.clone() },
        NewRefundRequest { amount: None, ..same.clone() },
        NewRefundRequest { reason: "Another".to_owned(), ..same.clone() },
        NewRefundRequest { borne_by: BorneBy::Partner, ..same.clone() },
    ];
    assert_eq!(ask_again(same.clone()).await, AskRefundResult::SameOpen, "it waits already");
    for other in &others {
        let result = ask_again(other.clone()).await;
        assert_eq!(result, AskRefundResult::Other(RefundRequestState::Waiting), "{other:?}");
    }
    assert_eq!(list_open(&db, "lead-4").await.len(), 1);
    assert_eq!(
        decide(&db, "lead-4", "rq-1", RefundRequestDecision::Reject).await,
        DecideRefundResult::Rejected
    );
    for new in others.into_iter().chain([same]) {
        let result = ask_again(new).await;
        assert_eq!(result, AskRefundResult::Other(RefundRequestState::Rejected), "a no stays a no");
    }
    assert!(list_open(&db, "lead-4").await.is_empty());
}

async fn a_request_is_taken_back_by_its_asker(db: TestStore) {
    let (approve, reject) = (RefundRequestDecision::Approve, RefundRequestDecision::Reject);
    ask(&db, "rq-1").await;
    assert_eq!(decide(&db, "lead-3", "rq-1", reject).await, DecideRefundResult::Rejected);
    assert_eq!(decide(&db, "lead-3", "rq-1", reject).await, DecideRefundResult::RejectedBefore);
    assert_eq!(decide(&db, "lead-4", "rq-1", reject).await, DecideRefundResult::AlreadyDecided);
    assert_eq!(decide(&db, "lead-3", "rq-1", approve).await, DecideRefundResult::OwnRequest);
    assert_eq!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::AlreadyDecided);
}

async fn a_request_is_decided_by_another_person(db: TestStore) {
    ask(&db, "rq-1").await;
    let approve = RefundRequestDecision::Approve;
    assert_eq!(decide(&db, "lead-3", "rq-1", approve).await, DecideRefundResult::OwnRequest);
    assert_eq!(decide(&db, "lead-4", "rq-2", approve).await, DecideRefundResult::NotFound);
    let DecideRefundResult::Approved(row) = decide(&db, "lead-4", "rq-1", approve).await else {
        panic!("another person decides")
    };
    assert_eq!(
        (row.asked_by.as_str(), row.amount, row.borne_by),
        ("lead-3", Some(usd(1599)), BorneBy::Operator)
    );
    assert_eq!(row.partner, partner_id("netflix"), "it is that of the charge");
    let listed: Vec<_> = list_open(&db, "lead-4").await.into_iter().map(|row| row.partner).collect();
    assert_eq!(listed, [row.partner]);
}

async fn a_request_is_rejected_once(db: TestStore) {
    ask(&db, "rq-1").await;
    let decided = at_once(&db, 8, |store, n| async move {
        let decision = if n % 4 < 2 { RefundRequestDecision::Approve } else { RefundRequestDecision::Reject };
        let stamp = stamp_of(&format!("lead-{}", n + 4));
        let result = store.decide_refund_request(NOW, stamp, "rq-1".to_owned(), decision).await;
        result.expect("works")
    })
    .await;
    let rejected = how_many(&decided, |result| *result == DecideRefundResult::Rejected);
    assert_eq!(rejected, 1, "{decided:?}");
    assert!(list_open(&db, "lead-4").await.is_empty(), "who agreed before has made no refund");
}

async fn an_approved_request_is_open_until_its_refund_is_made(db: TestStore) {
    ask(&db, "rq-1").await;
    let open = async || list_open(&db, "lead-4").await.len();
    assert_eq!(open().await, 1);
    let approve = RefundRequestDecision::Approve;
    for _ in 0..2 {
        // The origin may have ended before it made the refund.
        assert!(matches!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::Approved(_)));
        assert_eq!(open().await, 1);
    }
    db.store.end_refund_request("rq-1".to_owned(), true).await.expect("works");
    assert_eq!(open().await, 0);
    assert_eq!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::AlreadyDecided);
}

/// Makes the refund of the request, as after its approval.
async fn make_refund(store: &Store, transaction_id: &str, id: &str) -> PostRefundResult {
    let new = new_desk_refund("c-1", id, Some(1599), BorneBy::Operator);
    let stamp = stamp_of("lead-3");
    let made = store.post_desk_refund(fresh_nonce(), NOW, stamp, transaction_id.to_owned(), new).await;
    made.expect("works")
}

/// The money was given back elsewhere, such as by another system that still charges the customer.
async fn an_approved_request_is_rejected_while_no_refund_is_made(db: TestStore) {
    let transaction_id = ask(&db, "rq-1").await;
    let (approve, reject) = (RefundRequestDecision::Approve, RefundRequestDecision::Reject);
    assert!(matches!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::Approved(_)));
    assert_eq!(decide(&db, "lead-3", "rq-1", reject).await, DecideRefundResult::Rejected, "who asked may");
    assert!(list_open(&db, "lead-4").await.is_empty());
    assert_eq!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::AlreadyDecided);
    // Who has agreed before may be about to make it.
    assert_eq!(make_refund(&db.store, &transaction_id, "rq-1").await, PostRefundResult::NotAgreed);
    assert_eq!(db.place.count_rows("refunds").await, 0);
    let other = make_refund(&db.store, &transaction_id, "rq-2").await;
    assert!(matches!(other, PostRefundResult::Created(_)), "another reference is another refund: {other:?}");
}

/// Who has agreed before notes how their attempt has ended.
async fn rejected_request_is_not_ended_otherwise(db: TestStore) {
    let transaction_id = ask(&db, "rq-1").await;
    let (approve, reject) = (RefundRequestDecision::Approve, RefundRequestDecision::Reject);
    assert!(matches!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::Approved(_)));
    assert_eq!(decide(&db, "lead-5", "rq-1", reject).await, DecideRefundResult::Rejected);
    for was_posted in [false, true] {
        db.store.end_refund_request("rq-1".to_owned(), was_posted).await.expect("works");
        let again = new_request(&transaction_id, "rq-1");
        let asked = db.store.ask_for_refund(NOW, stamp_of("lead-3"), again).await;
        assert_eq!(asked, Ok(AskRefundResult::Other(RefundRequestState::Rejected)), "{was_posted}");
    }
}

async fn a_refund_that_is_made_is_not_rejected(db: TestStore) {
    let transaction_id = ask(&db, "rq-1").await;
    let (approve, reject) = (RefundRequestDecision::Approve, RefundRequestDecision::Reject);
    assert!(matches!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::Approved(_)));
    let made = make_refund(&db.store, &transaction_id, "rq-1").await;
    assert!(matches!(made, PostRefundResult::Created(_)), "{made:?}");
    // The origin has ended before it noted that.
    assert_eq!(decide(&db, "lead-4", "rq-1", reject).await, DecideRefundResult::AlreadyMade);
    assert_eq!(list_open(&db, "lead-4").await.len(), 1, "it can be agreed to once more");
    assert_eq!(make_refund(&db.store, &transaction_id, "rq-1").await, PostRefundResult::InProgress);
}

/// By a person without a ceiling, under the same reference.
async fn a_refund_that_is_made_while_its_request_waits_is_not_rejected(db: TestStore) {
    let transaction_id = ask(&db, "rq-1").await;
    let made = make_refund(&db.store, &transaction_id, "rq-1").await;
    assert!(matches!(made, PostRefundResult::Created(_)), "{made:?}");
    for person in ["lead-3", "lead-4"] {
        let decided = decide(&db, person, "rq-1", RefundRequestDecision::Reject).await;
        assert_eq!(decided, DecideRefundResult::AlreadyMade, "{person} would read that it is not made");
    }
    let approved = decide(&db, "lead-4", "rq-1", RefundRequestDecision::Approve).await;
    assert!(matches!(approved, DecideRefundResult::Approved(_)), "{approved:?}");
}

async fn a_refund_is_made_or_rejected(db: TestStore) {
    let transaction_id = Arc::new(ask(&db, "rq-1").await);
    let approve = RefundRequestDecision::Approve;
    assert!(matches!(decide(&db, "lead-4", "rq-1", approve).await, DecideRefundResult::Approved(_)));
    let happened = at_once(&db, 2, |store, n| {
        let transaction_id = Arc::clone(&transaction_id);
        async move {
            if n == 0 {
                return matches!(
                    make_refund(&store, &transaction_id, "rq-1").await,
                    PostRefundResult::Created(_)
                );
            }
            let (id, reject) = ("rq-1".to_owned(), RefundRequestDecision::Reject);
            let decided = store.decide_refund_request(NOW, stamp_of("lead-5"), id, reject).await;
            decided.expect("works") == DecideRefundResult::Rejected
        }
    })
    .await;
    assert_eq!(how_many(&happened, |it| *it), 1, "{happened:?}");
    assert_eq!(db.place.count_rows("refunds").await, i64::from(happened[0]));
}
