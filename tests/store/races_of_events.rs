//! Several origins that get events of the same accounts: the second call finds what the first one
//! wrote.

use crate::outcome::{declined, done, settle_attempt};
use crate::races::{at_once, how_many};
use crate::test_store::{TestStore, new_signup};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number};
use onbill_domain::account_event::AccountEvent::{self, Ceased, NumberChanged, Resumed, Suspended};
use onbill_domain::digest::sha256;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::operator::AccountEventOutcome::{Applied, Contradictory, NoSubscriber, Superseded};
use onbill_origin::store::{
    IssueSignupResult, Job, NewAccountEvent, Queue, RecordEventResult, Store, WebhookJob,
};
use std::sync::Arc;

on_each_database!(
    one_event_is_recorded_once_at_two_origins,
    who_leaves_while_signing_up_has_no_open_pai_of_before,
    numbers_that_change_crosswise_do_not_wait_for_each_other,
    events_and_charges_of_one_subscriber_go_on,
);

fn new_event(name: &str, event: AccountEvent, from: u8, to: Option<u8>, at: i64) -> NewAccountEvent {
    NewAccountEvent {
        event_id: parse_ext_id(name),
        fingerprint: sha256(format!("{name} {event:?} {from} {to:?} {at}").as_bytes()),
        event,
        number: sealed_number(from).index,
        new_number: to.map(sealed_number),
        occurred_at: NOW.plus_seconds(at),
    }
}

async fn record_event(store: Arc<Store>, new: NewAccountEvent) -> RecordEventResult {
    store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works")
}

async fn one_event_is_recorded_once_at_two_origins(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let calls = at_once(&db, 16, |store, _| record_event(store, new_event("e-1", Suspended, 1, None, 10)));
    let records = calls.await;
    assert_eq!(
        how_many(&records, |record| *record == RecordEventResult::Recorded(Applied)),
        1,
        "{records:?}"
    );
    assert_eq!(
        how_many(&records, |record| *record == RecordEventResult::Replayed(Applied)),
        15,
        "{records:?}"
    );
    let row =
        db.store.find_pai(partner_id("netflix"), subscriber.pai).await.expect("works").expect("is there");
    assert_eq!((row.state, row.version), (PaiState::Suspended, 2));
    // One event id for two numbers: the locks are two, and the id still belongs to one event.
    let calls = at_once(&db, 16, |store, n| {
        let number = if n / 2 % 2 == 0 { 2 } else { 3 };
        record_event(store, new_event("e-2", Ceased, number, None, 10))
    });
    let records = calls.await;
    assert_eq!(
        how_many(&records, |record| *record == RecordEventResult::Recorded(NoSubscriber)),
        1,
        "{records:?}"
    );
    assert_eq!(
        how_many(&records, |record| *record == RecordEventResult::Replayed(NoSubscriber)),
        7,
        "{records:?}"
    );
    assert_eq!(how_many(&records, |record| *record == RecordEventResult::Conflict), 8, "{records:?}");
}

/// Whichever comes first: the PAI of the previous subscriber is closed permanently, and at most one
/// PAI is open.
async fn who_leaves_while_signing_up_has_no_open_pai_of_before(db: TestStore) {
    for n in 1..=6 {
        let before = db.sign_up_subscriber(n).await;
        let calls = at_once(&db, 8, |store, call| async move {
            if call == 3 {
                record_event(store, new_event(&format!("e-{n}"), Ceased, n, None, 0)).await;
                return None;
            }
            match store
                .issue_signup(fresh_nonce(), NOW, new_signup("netflix", n, "2024-01-01"))
                .await
                .expect("works")
            {
                IssueSignupResult::Issued(row) => Some(row.pai),
                IssueSignupResult::AlreadyOnBill | IssueSignupResult::FlowOver => {
                    panic!("nobody has a subscription, or a visit that is over")
                }
            }
        });
        let mut issued: Vec<_> = calls.await.into_iter().flatten().filter(|pai| *pai != before.pai).collect();
        issued.dedup();
        assert!(issued.len() <= 1, "{issued:?}");
        let row =
            db.store.find_pai(partner_id("netflix"), before.pai).await.expect("works").expect("is there");
        assert_eq!((row.state, row.version), (PaiState::Closed, 2));
    }
}

async fn numbers_that_change_crosswise_do_not_wait_for_each_other(db: TestStore) {
    let (one, other) = (db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await);
    let calls = at_once(&db, 16, |store, n| {
        let (from, to) = if n / 2 % 2 == 0 { (1, 2) } else { (2, 1) };
        record_event(store, new_event(&format!("e-{n}"), NumberChanged, from, Some(to), 10))
    });
    for record in calls.await {
        assert_eq!(record, RecordEventResult::Recorded(Contradictory));
    }
    // Around a circle of numbers, one of which is free: every subscriber keeps their identity.
    let calls = at_once(&db, 16, |store, n| {
        let (from, to) = [(1, 3), (3, 1), (2, 4), (4, 2)][n % 4];
        record_event(store, new_event(&format!("c-{n}"), NumberChanged, from, Some(to), 20))
    });
    let records = calls.await;
    assert!(how_many(&records, |record| *record == RecordEventResult::Recorded(Applied)) >= 2, "{records:?}");
    let mut open = 0;
    for n in 1..=4 {
        let IssueSignupResult::Issued(row) = db
            .store
            .issue_signup(fresh_nonce(), NOW, new_signup("netflix", n, "2024-01-01"))
            .await
            .expect("works")
        else {
            panic!("nobody has a subscription")
        };
        open += usize::from(row.pai == one.pai || row.pai == other.pai);
    }
    assert_eq!(open, 2, "nobody got lost");
}

/// Holds, charges that close, and their webhooks take the same rows: there is no deadlock.
async fn events_and_charges_of_one_subscriber_go_on(db: TestStore) {
    use crate::test_store::new_charge;
    use onbill_domain::decline_reason::DeclineReason;

    let subscriber = db.sign_up_subscriber(1).await;
    let mut charges = Vec::new();
    for n in 0..8 {
        charges.push(db.post_new_charge(new_charge(subscriber.pai, &format!("n-{n}"), 100)).await);
    }
    at_once(&db, 32, |store, n| {
        let id = charges[n / 4].clone();
        async move {
            match n % 4 {
                0 => {
                    let outcome = if n == 28 { declined(DeclineReason::AccountClosed) } else { done() };
                    store.answer_transaction(NOW, id, outcome).await.expect("works");
                }
                1 => {
                    let due =
                        store.lease_due(Queue::All, NOW, NOW.plus_seconds(120), 16).await.expect("works");
                    for entry in due {
                        if matches!(
                            entry.job,
                            Job::Webhook(WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. })
                        ) {
                            settle_attempt(&store, NOW, entry, done()).await.expect("works");
                        }
                    }
                }
                _ => {
                    let what = if n % 8 < 4 { Suspended } else { Resumed };
                    let at = i64::try_from(n).expect("is small");
                    let record = record_event(store, new_event(&format!("e-{n}"), what, 1, None, at)).await;
                    let known = [Applied, Superseded].map(RecordEventResult::Recorded);
                    assert!(known.contains(&record), "{record:?}");
                }
            }
        }
    })
    .await;
    let row =
        db.store.find_pai(partner_id("netflix"), subscriber.pai).await.expect("works").expect("is there");
    assert_eq!(row.state, PaiState::Closed);
    // Whatever was reported meanwhile, the last state is still to be reported or has been.
    let standing = db.store.find_pai_status(subscriber.pai).await.expect("works").expect("is there");
    assert_eq!(standing.version, row.version);
}
