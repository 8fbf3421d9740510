//! Several origins on one database: the second call finds what the first one wrote, at any of them.
//! Those about money are in `races_of_money.rs`.

use crate::outcome::declined;
use crate::test_store::{
    CONNECTIONS, TestStore, device_flow, new_charge, new_flow, new_pai, new_signup, new_subscription,
    subscription_terms, within,
};
use crate::test_values::{CHECK_LIMITS, NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number};
use futures_util::future::join_all;
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_domain::pai::PaiState;
use onbill_domain::token::SignupOutcome;
use onbill_origin::store::{
    DevicePin, ImportedAccount, IssueSignupResult, OpenMode, PinAttempt, PostChargeResult, Queue,
    RecordSubscriptionResult, SpendTokenResult, StartFlowResult, Store, StoreError,
};
use std::collections::HashSet;
use std::sync::Arc;

on_each_database!(
    two_origins_begin_an_empty_ledger_together,
    one_of_two_that_begin_a_ledger_gives_it_its_facts,
    a_nonce_is_spent_at_one_origin,
    a_lease_is_one_origins,
    ten_codes_a_day_are_ten_at_two_origins,
    five_tries_are_five_at_two_origins,
    five_tries_of_a_device_are_five_at_two_origins,
    number_has_one_subscriber_and_one_pai,
    a_number_that_a_device_and_the_widget_bring_at_once_has_one_pai,
    number_with_two_changes_at_once_has_one_subscriber,
    a_token_is_spent_at_one_origin,
    a_pai_has_one_live_subscription,
    one_name_of_a_subscription_is_one_subscription,
    a_closed_pai_has_no_live_subscription,
    two_imports_at_once_both_succeed,
);

/// Runs the same call `count` times concurrently, at two origins in turn.
pub(crate) async fn at_once<T, F: Future<Output = T> + Send + 'static>(
    db: &TestStore,
    count: usize,
    act: impl Fn(Arc<Store>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
{
    let origins = [Arc::clone(&db.store), db.second_origin().await];
    let acts = (0..count).map(|n| tokio::spawn(act(Arc::clone(&origins[n % 2]), n)));
    join_all(acts).await.into_iter().map(|ended| ended.expect("does not panic")).collect()
}

pub(crate) fn how_many<T>(of: &[T], is: impl Fn(&T) -> bool) -> usize {
    of.iter().filter(|one| is(one)).count()
}

async fn two_origins_begin_an_empty_ledger_together(db: TestStore) {
    // The database of the setting already has its identity: these are new.
    let place = db.place.new_beside().await;
    let (one, other) = tokio::join!(place.open_store(CONNECTIONS), place.open_store(CONNECTIONS));
    let (one, other) = (one.expect("opens"), other.expect("opens"));
    one.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works");
    assert!(other.next_due(Queue::All).await.expect("works").is_some());
}

async fn one_of_two_that_begin_a_ledger_gives_it_its_facts(db: TestStore) {
    let place = db.place.new_beside().await;
    let facts = ["acme", "nova"].map(|operator| [("operator", operator.as_bytes().to_vec())]);
    let [acme, nova] = &facts;
    let (one, other) = tokio::join!(
        place.open_with_facts(OpenMode::Create, CONNECTIONS, acme),
        place.open_with_facts(OpenMode::Create, CONNECTIONS, nova)
    );
    let (own, others, refused) = if one.is_ok() { (acme, nova, other) } else { (nova, acme, one) };
    assert_eq!(refused.err(), Some(StoreError::LedgerExists));
    place.open_with_facts(OpenMode::Migrate, CONNECTIONS, own).await.expect("is its own");
    let refused = place.open_with_facts(OpenMode::Migrate, CONNECTIONS, others).await.err();
    assert_eq!(refused, Some(StoreError::AnotherLedger { fact: "operator", has_subscribers: false }));
}

async fn a_nonce_is_spent_at_one_origin(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let once = fresh_nonce();
    let calls = at_once(&db, 16, |store, n| {
        let once = once.clone();
        async move { store.post_charge(once, NOW, new_charge(subscriber.pai, &format!("n-{n}"), 1599)).await }
    });
    let postings = calls.await;
    assert_eq!(how_many(&postings, |posting| matches!(posting, Ok(PostChargeResult::Created(_)))), 1);
    assert_eq!(how_many(&postings, |posting| matches!(posting, Err(StoreError::NonceReplayed))), 15);
}

async fn a_lease_is_one_origins(db: TestStore) {
    for n in 0..40 {
        db.store.start_flow(fresh_nonce(), NOW, new_flow(n, Some([1; 32]))).await.expect("works");
    }
    let mut leased = HashSet::new();
    while leased.len() < 40 {
        let calls = at_once(&db, 8, |store, _| async move {
            store.lease_due(Queue::All, NOW, NOW.plus_seconds(120), 4).await.expect("works")
        });
        let entries: Vec<_> = calls.await.into_iter().flatten().collect();
        assert!(!entries.is_empty(), "some are left");
        for entry in entries {
            assert_eq!(entry.attempts, 1);
            assert!(leased.insert(entry.job_id), "leased twice");
        }
    }
}

async fn ten_codes_a_day_are_ten_at_two_origins(db: TestStore) {
    let calls = at_once(&db, 32, |store, _| async move {
        store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works")
    });
    let started = how_many(&calls.await, |start| *start == StartFlowResult::Started);
    assert_eq!(started, PINS_PER_DAY_MAX as usize);
    let messages = db.store.lease_due(Queue::All, NOW, NOW.plus_seconds(120), 64).await.expect("works");
    assert_eq!(messages.len(), started);
}

async fn five_tries_are_five_at_two_origins(db: TestStore) {
    let tries = async |pin: [u8; 32]| {
        let new = new_flow(1, Some([1; 32]));
        let id = new.flow;
        db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works");
        at_once(&db, 16, |store, _| async move {
            store.try_pin(fresh_nonce(), NOW, id, pin).await.expect("works")
        })
        .await
    };
    let wrong = tries([2; 32]).await;
    assert_eq!(how_many(&wrong, |tried| matches!(tried, PinAttempt::Wrong)), PIN_ATTEMPTS_MAX as usize - 1);
    assert_eq!(
        how_many(&wrong, |tried| matches!(tried, PinAttempt::UsedUp { .. })),
        17 - PIN_ATTEMPTS_MAX as usize
    );
    let right = tries([1; 32]).await;
    assert_eq!(how_many(&right, |tried| matches!(tried, PinAttempt::Proven(_))), PIN_ATTEMPTS_MAX as usize);
    assert_eq!(
        how_many(&right, |tried| matches!(tried, PinAttempt::UsedUp { .. })),
        16 - PIN_ATTEMPTS_MAX as usize
    );
}

async fn five_tries_of_a_device_are_five_at_two_origins(db: TestStore) {
    let new = device_flow("netflix", 1, [1; 32]);
    let tried = DevicePin {
        partner: partner_id("netflix"),
        number: sealed_number(1).index,
        flow: new.flow,
        mac: [2; 32],
        limits: CHECK_LIMITS,
    };
    db.store.start_flow(fresh_nonce(), NOW, new).await.expect("works");
    let wrong = at_once(&db, 16, |store, _| {
        let tried = tried.clone();
        async move { within(store.try_device_pin(fresh_nonce(), NOW, tried).await.expect("works")) }
    })
    .await;
    assert_eq!(how_many(&wrong, |tried| matches!(tried, PinAttempt::Wrong)), PIN_ATTEMPTS_MAX as usize - 1);
}

async fn number_has_one_subscriber_and_one_pai(db: TestStore) {
    let calls = at_once(&db, 16, |store, _| async move {
        store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2024-01-01")).await.expect("works")
    });
    let issued = calls.await;
    assert!(matches!(issued[0], IssueSignupResult::Issued(_)));
    assert!(issued.iter().all(|one| *one == issued[0]), "{issued:?}");
}

async fn a_number_that_a_device_and_the_widget_bring_at_once_has_one_pai(db: TestStore) {
    let calls = at_once(&db, 16, |store, n| async move {
        if n / 2 % 2 == 0 {
            let new = new_pai("netflix", 1, "2024-01-01");
            store.issue_pai(Some(fresh_nonce()), NOW, new).await.expect("works").expect("is issued")
        } else {
            match store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2024-01-01")).await {
                Ok(IssueSignupResult::Issued(row)) => row,
                other => panic!("no PAI: {other:?}"),
            }
        }
    });
    let rows = calls.await;
    assert!(rows.iter().all(|row| *row == rows[0]), "{rows:?}");
    assert!(db.lease_due(0).await.len() <= 1, "a PAI of a device is reported to the edge");
}

async fn number_with_two_changes_at_once_has_one_subscriber(db: TestStore) {
    let first = db.sign_up_subscriber(1).await;
    let calls = at_once(&db, 16, |store, n| async move {
        let subscriber_ref = if n < 8 { "2026-11-01" } else { "2026-11-02" };
        store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, subscriber_ref)).await.expect("works")
    });
    let mut open = HashSet::new();
    for issue in calls.await {
        let IssueSignupResult::Issued(row) = issue else { panic!("nobody has a subscription") };
        let now = db.store.find_pai(partner_id("netflix"), row.pai).await.expect("works").expect("is there");
        if now.state != PaiState::Closed {
            open.insert(row.pai);
        }
    }
    assert_eq!(open.len(), 1);
    let first = db.store.find_pai(partner_id("netflix"), first.pai).await.expect("works").expect("is there");
    assert_eq!((first.state, first.version), (PaiState::Closed, 2), "closed once");
}

async fn a_token_is_spent_at_one_origin(db: TestStore) {
    let new = new_signup("netflix", 1, "2024-01-01");
    let jti = new.jti.clone();
    db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    let calls = at_once(&db, 16, |store, n| {
        let jti = jti.clone();
        async move {
            let reference = parse_ext_id(&format!("r-{n}"));
            store.spend_token(fresh_nonce(), NOW, partner_id("netflix"), jti, reference).await.expect("works")
        }
    });
    let spendings = calls.await;
    assert_eq!(how_many(&spendings, |spending| matches!(spending, SpendTokenResult::Spent(_))), 1);
    assert_eq!(how_many(&spendings, |spending| *spending == SpendTokenResult::UsedElsewhere), 15);
}

async fn a_pai_has_one_live_subscription(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let calls = at_once(&db, 16, |store, n| async move {
        let request = new_subscription(row.pai, &format!("s-{n}"));
        store
            .record_subscription(
                fresh_nonce(),
                NOW,
                partner_id("netflix"),
                format!("ps-{n}"),
                request,
                subscription_terms(),
            )
            .await
            .expect("works")
    });
    let records = calls.await;
    assert_eq!(how_many(&records, |record| matches!(record, RecordSubscriptionResult::Created(_))), 1);
    assert_eq!(how_many(&records, |record| *record == RecordSubscriptionResult::AlreadyOnBill), 15);
}

async fn one_name_of_a_subscription_is_one_subscription(db: TestStore) {
    let rows = [db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await];
    let calls = at_once(&db, 16, |store, n| {
        let request = new_subscription(rows[n % 4 / 2].pai, "s-1");
        async move {
            let id = format!("ps-{n}");
            store
                .record_subscription(
                    fresh_nonce(),
                    NOW,
                    partner_id("netflix"),
                    id,
                    request,
                    subscription_terms(),
                )
                .await
                .expect("works")
        }
    });
    let records = calls.await;
    assert_eq!(how_many(&records, |record| matches!(record, RecordSubscriptionResult::Created(_))), 1);
    assert_eq!(how_many(&records, |record| matches!(record, RecordSubscriptionResult::Replayed(_))), 7);
    assert_eq!(how_many(&records, |record| *record == RecordSubscriptionResult::Conflict), 8);
}

/// A decline closes the PAI while the partner reports a subscription for it: whichever comes first,
/// none stays active.
async fn a_closed_pai_has_no_live_subscription(db: TestStore) {
    let mut visits = Vec::new();
    for n in 1..=12 {
        let new = new_signup("netflix", n, "2024-01-01");
        let ticket = new.ticket;
        let IssueSignupResult::Issued(row) =
            db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works")
        else {
            panic!("no PAI")
        };
        let id = db.post_new_charge(new_charge(row.pai, &format!("n-{n}"), 1599)).await;
        visits.push((ticket, row.pai, id));
    }
    at_once(&db, 24, |store, n| {
        let (_, pai, id) = visits[n / 2].clone();
        async move {
            if n / 2 % 2 == n % 2 {
                let request = new_subscription(pai, &format!("s-{n}"));
                let id = format!("ps-{n}");
                store
                    .record_subscription(
                        fresh_nonce(),
                        NOW,
                        partner_id("netflix"),
                        id,
                        request,
                        subscription_terms(),
                    )
                    .await
                    .expect("works");
            } else {
                let reason = DeclineReason::AccountClosed;
                let declined = declined(reason);
                store.answer_transaction(NOW, id, declined).await.expect("works");
            }
        }
    })
    .await;
    for (ticket, pai, _) in visits {
        let row = db.store.find_pai(partner_id("netflix"), pai).await.expect("works").expect("is there");
        assert_eq!(row.state, PaiState::Closed);
        let end = db.store.find_signup_result(ticket).await.expect("works").expect("is there");
        assert_ne!(end.outcome, SignupOutcome::Success);
    }
}

async fn two_imports_at_once_both_succeed(db: TestStore) {
    let row = |n: u8| ImportedAccount {
        number: sealed_number(n).index,
        account: Account {
            status: AccountStatus::Active,
            account_type: AccountType::Postpaid,
            balance: None,
        },
        activated_on: Day::parse("2024-01-01").expect("is a day"),
    };
    at_once(&db, 8, |store, n| async move {
        // The same numbers in two orders, and each of them twice.
        let mut rows: Vec<ImportedAccount> = (0..=255).chain(0..=255).map(row).collect();
        if n % 2 == 1 {
            rows.reverse();
        }
        store.import_accounts(rows).await.expect("works");
    })
    .await;
    assert!(db.store.find_account(sealed_number(255).index).await.expect("works").is_some());
}
