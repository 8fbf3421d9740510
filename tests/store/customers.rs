//! A customer's own page: only their own entries, page by page, and what they end.

use crate::outcome::{declined, done, later, refused};
use crate::races::{at_once, how_many};
use crate::test_store::{
    TestStore, new_charge, new_refund, new_signup, new_subscription, subscription_terms,
};
use crate::test_values::{
    NOW, fresh_hash, fresh_nonce, fresh_pai, parse_ext_id, partner_id, sealed_number, usd,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::store::{
    ClosePaiResult, Cursor, CustomerCharge, IssueSignupResult, NewAccountEvent, PartnerLink,
    PostChargeResult, RecordSubscriptionResult, StoreError,
};

on_each_database!(
    customer_reads_their_own_links,
    an_unfinished_sign_up_is_no_link_until_it_is_charged,
    charges_come_newest_first_and_page_by_page,
    a_charge_says_what_was_given_back_and_what_is_on_its_way,
    earlier_subscriber_of_the_number_is_unknown,
    customer_closes_a_link_once_and_permanently,
    link_is_closed_by_its_own_customer_only,
    an_end_that_comes_first_keeps_its_reason,
    a_link_is_ended_once_at_two_origins_whatever_comes_in_between,
    open_pai_is_found_by_its_subscriber,
);

const GENERATION: &str = "2024-01-01";
const REVOKED: DeclineReason = DeclineReason::PaiRevokedByUser;

async fn find_links(db: &TestStore, n: u8) -> Vec<PartnerLink> {
    db.store.list_partner_links(sealed_number(n).index, GENERATION.to_owned()).await.expect("works")
}

async fn unlink_pai(db: &TestStore, n: u8, pai: Pai, at_seconds: i64) -> Option<PartnerLink> {
    let now = NOW.plus_seconds(at_seconds);
    db.store
        .unlink_partner(fresh_nonce(), now, sealed_number(n).index, GENERATION.to_owned(), pai)
        .await
        .expect("works")
}

/// A PAI of the number's subscriber at a partner, `at_seconds` from now.
async fn signed_up(db: &TestStore, partner_name: &str, n: u8, at_seconds: i64) -> Pai {
    let now = NOW.plus_seconds(at_seconds);
    match db.store.issue_signup(fresh_nonce(), now, new_signup(partner_name, n, GENERATION)).await {
        Ok(IssueSignupResult::Issued(row)) => row.pai,
        other => panic!("no PAI: {other:?}"),
    }
}

async fn record_subscription(db: &TestStore, partner_name: &str, pai: Pai, ext_id: &str, at_seconds: i64) {
    let now = NOW.plus_seconds(at_seconds);
    let request = new_subscription(pai, ext_id);
    let id = format!("ps-{ext_id}");
    let record = db
        .store
        .record_subscription(fresh_nonce(), now, partner_id(partner_name), id, request, subscription_terms())
        .await;
    assert!(matches!(record, Ok(RecordSubscriptionResult::Created(_))), "{record:?}");
}

/// A charge that was posted some seconds from now; returns our id of it.
async fn post_charge_at(
    db: &TestStore,
    partner_name: &str,
    pai: Pai,
    ext_id: &str,
    at_seconds: i64,
) -> String {
    let mut new = new_charge(pai, ext_id, 1599);
    new.partner = partner_id(partner_name);
    let id = new.transaction_id.clone();
    db.store.post_charge(fresh_nonce(), NOW.plus_seconds(at_seconds), new).await.expect("works");
    id
}

async fn find_newest_charges(db: &TestStore, pais: Vec<Pai>) -> Vec<CustomerCharge> {
    db.store.list_own_charges(pais, None, 20).await.expect("works").lines
}

/// The decline reason of a charge, if it is declined.
async fn find_decline_reason(db: &TestStore, pai: Pai, name: &str) -> Option<DeclineReason> {
    match db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, name, 100)).await.expect("works") {
        PostChargeResult::Created(_) => None,
        PostChargeResult::Declined(answer) => {
            serde_json::from_slice::<TransactionResponse>(&answer).expect("is an answer").decline_reason
        }
        other => panic!("not a charge: {other:?}"),
    }
}

async fn customer_reads_their_own_links(db: TestStore) {
    let bystander = signed_up(&db, "netflix", 2, 0).await;
    record_subscription(&db, "netflix", bystander, "s-9", 0).await;
    assert!(find_links(&db, 1).await.is_empty(), "a number that nobody has signed up with");

    let first = signed_up(&db, "netflix", 1, 0).await;
    record_subscription(&db, "netflix", first, "s-1", 60).await;
    unlink_pai(&db, 1, first, 3_600).await;
    let second = signed_up(&db, "netflix", 1, 7_200).await;
    record_subscription(&db, "netflix", second, "s-2", 7_300).await;
    let third = signed_up(&db, "hulu", 1, 100).await;
    record_subscription(&db, "hulu", third, "s-3", 200).await;

    let link = |pai, name: &str, since| PartnerLink {
        pai,
        partner: partner_id(name),
        subscription: Some((parse_ext_id("standard"), SubscriptionStatus::Active)),
        is_coupons_only: false,
        since: NOW.plus_seconds(since),
        state: PaiState::Active,
        closed_at: None,
        closed_reason: None,
    };
    let ended = PartnerLink {
        subscription: Some((parse_ext_id("standard"), SubscriptionStatus::Cancelled)),
        state: PaiState::Closed,
        closed_at: Some(NOW.plus_seconds(3_600)),
        closed_reason: Some(REVOKED),
        ..link(first, "netflix", 60)
    };
    let mut expected = [link(second, "netflix", 7_300), link(third, "hulu", 200), ended];
    assert_eq!(find_links(&db, 1).await, expected, "open ones first, then the newest");

    // The partner's status concerns the subscription only: its PAI stays open, also for the next
    // one.
    let change = SubscriptionChange { status: SubscriptionStatus::Cancelled, reason: None };
    let id = parse_ext_id("ps-s-2");
    db.store.change_subscription(fresh_nonce(), NOW, partner_id("netflix"), id, change).await.expect("works");
    expected[0].subscription = Some((parse_ext_id("standard"), SubscriptionStatus::Cancelled));
    assert_eq!(find_links(&db, 1).await, expected);
    record_subscription(&db, "netflix", second, "s-4", 9_000).await;
    expected[0].subscription = Some((parse_ext_id("standard"), SubscriptionStatus::Active));
    assert_eq!(find_links(&db, 1).await, expected, "the latest is listed, with the first one's beginning");
}

async fn an_unfinished_sign_up_is_no_link_until_it_is_charged(db: TestStore) {
    let pai = signed_up(&db, "netflix", 1, 0).await;
    assert!(find_links(&db, 1).await.is_empty());
    assert_eq!(unlink_pai(&db, 1, pai, 0).await, None);
    post_charge_at(&db, "netflix", pai, "n-1", 10).await;
    let [link] = &find_links(&db, 1).await[..] else { panic!("is one link") };
    assert_eq!((link.pai, &link.subscription, link.since), (pai, &None, NOW));
    assert!(unlink_pai(&db, 1, pai, 20).await.is_some());
}

async fn charges_come_newest_first_and_page_by_page(db: TestStore) {
    let (one, other) = (signed_up(&db, "netflix", 1, 0).await, signed_up(&db, "hulu", 1, 0).await);
    let stranger = signed_up(&db, "netflix", 2, 0).await;
    // Three of the same second: the id decides then.
    for (n, second) in [5, 0, 3, 3, 9].into_iter().enumerate() {
        post_charge_at(&db, "netflix", one, &format!("n-{n}"), second).await;
        post_charge_at(&db, "netflix", stranger, &format!("s-{n}"), second).await;
    }
    for (n, second) in [3, 7].into_iter().enumerate() {
        post_charge_at(&db, "hulu", other, &format!("h-{n}"), second).await;
    }
    let key = |charge: &CustomerCharge| (charge.created_at, charge.transaction_id.clone());
    for limit in [1, 2, 3, 7, 20] {
        let mut read: Vec<CustomerCharge> = Vec::new();
        let mut before: Option<Cursor> = None;
        loop {
            let page =
                db.store.list_own_charges(vec![one, other], before.take(), limit).await.expect("works");
            assert!(page.lines.len() <= limit as usize && !page.lines.is_empty(), "{limit}");
            read.extend(page.lines);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert!(read.is_sorted_by(|this, next| key(this) > key(next)), "{limit}: {read:?}");
        assert_eq!(read.len(), 7, "{limit}: each once, and none of a stranger's");
        let partners: Vec<_> = read.iter().map(|charge| charge.partner.as_str()).collect();
        assert_eq!((partners[0], partners[1], partners[6]), ("netflix", "hulu", "netflix"));
    }
    assert!(find_newest_charges(&db, Vec::new()).await.is_empty());
    assert!(find_newest_charges(&db, vec![fresh_pai()]).await.is_empty());
}

async fn a_charge_says_what_was_given_back_and_what_is_on_its_way(db: TestStore) {
    let pai = signed_up(&db, "netflix", 1, 0).await;
    db.post_approved_charge(pai, "n-1", 1599).await;
    let first = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    db.post_new_refund(new_refund("n-1", "r-2", Some(300))).await;
    let third = db.post_new_refund(new_refund("n-1", "r-3", Some(100))).await;
    db.store.answer_refund(NOW, first, done()).await.expect("works");
    db.store.answer_refund(NOW, third, refused()).await.expect("works");
    let [charge] = &find_newest_charges(&db, vec![pai]).await[..] else { panic!("is one") };
    assert_eq!((charge.amount, charge.status), (usd(1599), TransactionStatus::Approved));
    assert_eq!((charge.refunded_minor, charge.refunding_minor), (600, 300), "what was refused is not in it");
    assert_eq!(charge.description, "Netflix Standard");

    let id = post_charge_at(&db, "netflix", pai, "n-2", 5).await;
    let reason = DeclineReason::InsufficientBalance;
    let of_newest = async || {
        let newest = find_newest_charges(&db, vec![pai]).await.swap_remove(0);
        (newest.status, newest.decline_reason, newest.refunding_minor)
    };
    db.store.answer_transaction(NOW, id.clone(), later(60)).await.expect("works");
    assert_eq!(of_newest().await, (TransactionStatus::Pending, None, 0));
    db.store.answer_transaction(NOW, id, declined(reason)).await.expect("works");
    assert_eq!(of_newest().await, (TransactionStatus::Declined, Some(reason), 0));
}

async fn earlier_subscriber_of_the_number_is_unknown(db: TestStore) {
    let old = signed_up(&db, "netflix", 1, 0).await;
    record_subscription(&db, "netflix", old, "s-1", 0).await;
    let of =
        |subscriber_ref: &str| db.store.list_partner_links(sealed_number(1).index, subscriber_ref.to_owned());
    assert!(
        of("2026-11-01").await.expect("works").is_empty(),
        "the next subscriber, of whom nothing is known yet"
    );
    db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01")).await.expect("works");
    // The previous subscriber is gone: under neither subscriber_ref is there a link.
    for subscriber_ref in [GENERATION, "2026-11-01"] {
        assert!(of(subscriber_ref).await.expect("works").is_empty(), "{subscriber_ref}");
    }
    let asked = db
        .store
        .unlink_partner(fresh_nonce(), NOW, sealed_number(1).index, "2026-11-01".to_owned(), old)
        .await;
    assert_eq!(asked.expect("works"), None);

    // A subscriber keeps their entries when they move to another number.
    let moves = signed_up(&db, "netflix", 2, 0).await;
    record_subscription(&db, "netflix", moves, "s-2", 0).await;
    let event = NewAccountEvent {
        event_id: parse_ext_id("e-1"),
        fingerprint: fresh_hash(),
        event: AccountEvent::NumberChanged,
        number: sealed_number(2).index,
        new_number: Some(sealed_number(3)),
        occurred_at: NOW.plus_seconds(10),
    };
    db.store.record_account_event(Some(fresh_nonce()), NOW, event).await.expect("works");
    assert!(find_links(&db, 2).await.is_empty());
    assert_eq!(find_links(&db, 3).await[0].pai, moves);
    assert_eq!(unlink_pai(&db, 2, moves, 20).await, None);
    assert!(unlink_pai(&db, 3, moves, 20).await.is_some());
}

async fn customer_closes_a_link_once_and_permanently(db: TestStore) {
    let pai = signed_up(&db, "netflix", 1, 0).await;
    record_subscription(&db, "netflix", pai, "s-1", 0).await;
    let waiting = db.post_new_charge(new_charge(pai, "n-0", 100)).await;
    let ended = unlink_pai(&db, 1, pai, 50).await.expect("is theirs");
    assert_eq!((ended.state, ended.closed_reason), (PaiState::Closed, Some(REVOKED)));
    assert_eq!(ended.closed_at, Some(NOW.plus_seconds(50)));
    let db = db.reopen().await;
    assert_eq!(unlink_pai(&db, 1, pai, 90).await, Some(ended.clone()), "again is the same");
    assert_eq!(find_links(&db, 1).await, [ended]);

    let standing = db.store.find_pai_status(pai).await.expect("works").expect("is there");
    assert_eq!((standing.version, standing.closed_reason), (2, Some(REVOKED)));
    let jobs = db
        .lease_due(100)
        .await
        .iter()
        .filter(|entry| crate::test_store::job_name(entry).0.starts_with("pai-"))
        .count();
    assert_eq!(jobs, 2, "partner and edge, once each");
    assert_eq!(find_decline_reason(&db, pai, "n-1").await, Some(REVOKED));
    let waits = db.store.find_pending_charge(waiting).await.expect("works").expect("waits");
    assert_eq!(waits.closed, Some(REVOKED), "its hand-off declines it");

    let next = signed_up(&db, "netflix", 1, 200).await;
    assert_ne!(next, pai);
    record_subscription(&db, "netflix", next, "s-2", 200).await;
    assert_eq!(find_decline_reason(&db, next, "n-2").await, None);
    assert_eq!(find_decline_reason(&db, pai, "n-3").await, Some(REVOKED), "the old one stays closed");

    // A replayed call changes nothing, whatever it asks for.
    let spent = fresh_nonce();
    let by =
        |pai| db.store.unlink_partner(spent.clone(), NOW, sealed_number(1).index, GENERATION.to_owned(), pai);
    assert!(by(pai).await.expect("works").is_some());
    assert!(matches!(by(next).await, Err(StoreError::NonceReplayed)));
    assert_eq!(find_links(&db, 1).await[0].state, PaiState::Active);
}

async fn link_is_closed_by_its_own_customer_only(db: TestStore) {
    let (mine, theirs) = (signed_up(&db, "netflix", 1, 0).await, signed_up(&db, "netflix", 2, 0).await);
    for (pai, name) in [(mine, "s-1"), (theirs, "s-2")] {
        record_subscription(&db, "netflix", pai, name, 0).await;
    }
    for (n, pai) in [(1, theirs), (2, mine), (3, mine), (1, fresh_pai())] {
        assert_eq!(unlink_pai(&db, n, pai, 0).await, None, "{n}");
    }
    for pai in [mine, theirs] {
        let row = db.store.find_pai(partner_id("netflix"), pai).await.expect("works").expect("is there");
        assert_eq!((row.state, row.version), (PaiState::Active, 1));
    }
    assert!(db.lease_due(0).await.is_empty(), "nobody has to hear of anything");
}

async fn an_end_that_comes_first_keeps_its_reason(db: TestStore) {
    let pai = signed_up(&db, "netflix", 1, 0).await;
    record_subscription(&db, "netflix", pai, "s-1", 0).await;
    let fraud = DeclineReason::AccountClosedFraud;
    let end = db.store.close_pai(NOW.plus_seconds(10), partner_id("netflix"), pai, fraud).await;
    assert_eq!(end.expect("works"), ClosePaiResult::Closed);
    let link = unlink_pai(&db, 1, pai, 20).await.expect("is theirs");
    assert_eq!((link.closed_reason, link.closed_at), (Some(fraud), Some(NOW.plus_seconds(10))));
}

/// Concurrently with charges that are posted and settled, and the number's change of hands: no
/// deadlock.
async fn a_link_is_ended_once_at_two_origins_whatever_comes_in_between(db: TestStore) {
    for n in 1..=4 {
        let pai = signed_up(&db, "netflix", n, 0).await;
        record_subscription(&db, "netflix", pai, &format!("s-{n}"), 0).await;
        let calls = at_once(&db, 24, |store, call| async move {
            match call % 3 {
                0 => {
                    let index = sealed_number(n).index;
                    let link =
                        store.unlink_partner(fresh_nonce(), NOW, index, GENERATION.to_owned(), pai).await;
                    link.expect("works").map(|link| link.closed_reason)
                }
                1 => {
                    let new = new_charge(pai, &format!("n-{n}-{call}"), 100);
                    let id = new.transaction_id.clone();
                    if let PostChargeResult::Created(_) =
                        store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
                    {
                        store.answer_transaction(NOW, id, done()).await.expect("works");
                    }
                    None
                }
                _ if call == 11 => {
                    let event = NewAccountEvent {
                        event_id: parse_ext_id(&format!("e-{n}")),
                        fingerprint: fresh_hash(),
                        event: AccountEvent::OwnershipChanged,
                        number: sealed_number(n).index,
                        new_number: None,
                        occurred_at: NOW.plus_seconds(10),
                    };
                    store.record_account_event(Some(fresh_nonce()), NOW, event).await.expect("works");
                    None
                }
                _ => None,
            }
        })
        .await;
        let row = db.store.find_pai(partner_id("netflix"), pai).await.expect("works").expect("is there");
        assert_eq!((row.state, row.version), (PaiState::Closed, 2), "closed once");
        let standing = db.store.find_pai_status(pai).await.expect("works").expect("is there");
        // Callers who had been shown it got the reason why it ended; callers after the change of
        // hands got nothing.
        let reported = how_many(&calls, |reported| *reported == Some(standing.closed_reason));
        assert_eq!(reported, how_many(&calls, Option::is_some), "{calls:?}");
    }
}

async fn open_pai_is_found_by_its_subscriber(db: TestStore) {
    let find = async |partner: &str, n: u8, subscriber_ref: &str| {
        let number = sealed_number(n).index;
        let found = db.store.find_pai_of_number(partner_id(partner), number, subscriber_ref.to_owned());
        found.await.expect("works")
    };
    assert_eq!(find("netflix", 1, GENERATION).await, None);
    let pai = signed_up(&db, "netflix", 1, 0).await;
    let other = signed_up(&db, "netflix", 2, 0).await;
    assert_eq!(find("netflix", 1, GENERATION).await, Some(pai));
    assert_eq!(find("netflix", 2, GENERATION).await, Some(other));
    assert_eq!(find("tunes", 1, GENERATION).await, None);
    assert_eq!(find("netflix", 1, "2025-01-01").await, None, "the number has another subscriber");
    let closed = db.store.close_pai(NOW, partner_id("netflix"), pai, REVOKED).await;
    assert_eq!(closed.expect("works"), ClosePaiResult::Closed);
    assert_eq!(find("netflix", 1, GENERATION).await, None);
}
