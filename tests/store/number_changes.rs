//! Whose a number is once it has changed hands, and whom its events are about.

use crate::events::{new_event, record_event};
use crate::test_store::TestStore;
use crate::test_values::{NOW, parse_day, sealed_number};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::account_event::AccountEvent::{self, Ceased, NumberChanged, OwnershipChanged, Suspended};
use onbill_domain::day::Day;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::operator::AccountEventOutcome::{Applied, NoSubscriber, Superseded};
use onbill_origin::store::{ImportedAccount, NewAccountEvent};

on_each_database!(
    event_of_another_subscriber_is_not_applied_again,
    number_is_theirs_since_the_last_change,
    account_of_another_owner_is_another_subscribers,
);

async fn find_state(db: &TestStore, pai: Pai) -> PaiState {
    db.store.find_pai_status(pai).await.expect("works").expect("is there").state
}

fn event_of(n: u8, name: &str, event: AccountEvent, at: i64) -> NewAccountEvent {
    NewAccountEvent { number: sealed_number(n).index, ..new_event(name, event, at) }
}

fn move_to(n: u8, new: NewAccountEvent) -> NewAccountEvent {
    NewAccountEvent { new_number: Some(sealed_number(n)), ..new }
}

/// By the operator's times, the number was not free yet when the subscriber came to it.
async fn event_of_another_subscriber_is_not_applied_again(db: TestStore) {
    let (one, other) = (db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await);
    for (name, event, at, outcome) in
        [("e-1", Suspended, 20, Applied), ("e-2", Suspended, 19, Superseded), ("e-3", Ceased, 30, Applied)]
    {
        assert_eq!(record_event(&db, event_of(2, name, event, at)).await, outcome, "{name}");
    }
    let moved = move_to(2, event_of(1, "e-4", NumberChanged, 10));
    assert_eq!(record_event(&db, moved).await, Applied);
    assert_eq!(find_state(&db, one.pai).await, PaiState::Active);
    assert_eq!(find_state(&db, other.pai).await, PaiState::Closed);
}

async fn number_is_theirs_since_the_last_change(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for moved in
        [move_to(5, event_of(1, "e-1", NumberChanged, 10)), move_to(6, event_of(5, "e-2", NumberChanged, 30))]
    {
        assert_eq!(record_event(&db, moved).await, Applied);
    }
    let of_last = event_of(6, "e-3", Ceased, 20);
    assert_eq!(record_event(&db, of_last).await, Superseded, "it is about who had the number before");
    assert_eq!(find_state(&db, pai).await, PaiState::Active);
}

async fn account_of_another_owner_is_another_subscribers(db: TestStore) {
    let account =
        Account { status: AccountStatus::Active, account_type: AccountType::Postpaid, balance: None };
    let number = sealed_number(1).index;
    let imported = ImportedAccount { number, account, activated_on: parse_day("2024-01-01") };
    db.store.import_accounts(vec![imported]).await.expect("works");
    let changed = record_event(&db, event_of(1, "e-1", OwnershipChanged, 10)).await;
    assert_eq!(changed, NoSubscriber);
    let known = db.store.find_account(number).await.expect("works").expect("is there");
    let today = Day::of_timestamp(NOW).to_string();
    assert_eq!((known.account.status, known.subscriber_ref), (AccountStatus::Active, today));
}
