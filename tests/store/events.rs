//! The rule of the PAI: an account event is recorded once and applied whole, in the order in which
//! the events happened, and a PAI never passes to another subscriber.

use crate::test_store::{TestStore, new_charge, new_signup};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::account_event::AccountEvent::{
    self, Activated, Ceased, NumberChanged, OwnershipChanged, PortedOut, Resumed, SimSwapped, Suspended,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome::{
    self, Applied, Contradictory, NoSubscriber, Superseded,
};
use onbill_domain::wire::ott::TransactionResponse;
use onbill_origin::store::{
    ImportedAccount, IssueSignupResult, NewAccountEvent, PaiRow, PostChargeResult, RecordEventResult,
    StoreError,
};

on_each_database!(
    event_is_recorded_once_and_replayed_permanently,
    a_suspended_account_holds_its_pais_until_it_is_resumed,
    pai_of_a_leaving_subscriber_is_closed_permanently,
    subscriber_stays_when_the_number_changes,
    another_subscribers_number_is_not_taken,
    number_of_a_former_subscriber_is_free,
    event_about_a_new_number_may_come_early,
    what_happened_before_the_newest_event_is_not_followed,
    late_event_ends_the_former_subscriber,
    event_of_a_numbers_last_subscriber_is_superseded,
    event_before_the_signup_is_not_about_the_subscriber,
    event_about_an_unknown_number_is_recorded,
    the_embedded_table_follows,
    a_swapped_sim_is_remembered_by_its_number,
    a_replayed_call_changes_nothing,
    events_of_one_second_are_ordered_by_their_fractions,
);

pub(crate) fn new_event(name: &str, event: AccountEvent, at: i64) -> NewAccountEvent {
    let occurred_at = NOW.plus_seconds(at);
    NewAccountEvent {
        event_id: parse_ext_id(name),
        fingerprint: onbill_domain::digest::sha256(format!("{name} {event:?} {at}").as_bytes()),
        event,
        number: sealed_number(1).index,
        new_number: None,
        occurred_at,
    }
}

pub(crate) async fn record_event(db: &TestStore, new: NewAccountEvent) -> AccountEventOutcome {
    match db.store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works") {
        RecordEventResult::Recorded(outcome) => outcome,
        other => panic!("not recorded: {other:?}"),
    }
}

async fn find_pai_row(db: &TestStore, pai: Pai) -> PaiRow {
    db.store.find_pai(partner_id("netflix"), pai).await.expect("works").expect("is there")
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

async fn event_is_recorded_once_and_replayed_permanently(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    assert_eq!(record_event(&db, new_event("e-1", Suspended, 10)).await, Applied);
    assert_eq!(record_event(&db, new_event("e-2", Resumed, 20)).await, Applied);
    let db = db.reopen().await;
    let again =
        db.store.record_account_event(Some(fresh_nonce()), NOW, new_event("e-1", Suspended, 10)).await;
    assert_eq!(again.expect("works"), RecordEventResult::Replayed(Applied));
    assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Active, "it is not followed again");
    let other = db.store.record_account_event(Some(fresh_nonce()), NOW, new_event("e-1", Ceased, 10)).await;
    assert_eq!(other.expect("works"), RecordEventResult::Conflict);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Active);
}

async fn a_suspended_account_holds_its_pais_until_it_is_resumed(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let bystander = db.sign_up_subscriber(2).await;
    assert_eq!(record_event(&db, new_event("e-1", Suspended, 10)).await, Applied);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.version, 2);
    assert_eq!(find_decline_reason(&db, subscriber.pai, "n-1").await, Some(DeclineReason::AccountOnHold));
    assert_eq!(find_decline_reason(&db, bystander.pai, "n-2").await, None);
    assert_eq!(record_event(&db, new_event("e-2", Suspended, 20)).await, Applied);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.version, 2, "held is held");
    assert_eq!(record_event(&db, new_event("e-3", Resumed, 30)).await, Applied);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.version, 3);
    assert_eq!(find_decline_reason(&db, subscriber.pai, "n-3").await, None);
    // A sign-up queries the account status and finds it active: that stands in for an event that
    // the operator forgot to send. Events after that query remain.
    assert_eq!(record_event(&db, new_event("e-4", Suspended, 40)).await, Applied);
    for (asked_at, state) in [(40, PaiState::Suspended), (41, PaiState::Active)] {
        let again = new_signup("netflix", 1, "2024-01-01");
        let issued = db.store.issue_signup(fresh_nonce(), NOW.plus_seconds(asked_at), again).await;
        let Ok(IssueSignupResult::Issued(again)) = issued else { panic!("no PAI: {issued:?}") };
        assert_eq!((again.pai, again.state), (subscriber.pai, state), "{asked_at}");
    }
}

async fn pai_of_a_leaving_subscriber_is_closed_permanently(db: TestStore) {
    for (n, (leaves, reason)) in [
        (Ceased, DeclineReason::AccountClosed),
        (PortedOut, DeclineReason::AccountClosed),
        (OwnershipChanged, DeclineReason::AccountClosedTakenOver),
    ]
    .into_iter()
    .enumerate()
    {
        let old = db.sign_up_subscriber(1).await;
        let at = 10 + 100 * i64::try_from(n).expect("is small");
        assert_eq!(record_event(&db, new_event(&format!("e-{n}"), leaves, at)).await, Applied);
        assert_eq!(find_pai_row(&db, old.pai).await.state, PaiState::Closed);
        assert_eq!(find_decline_reason(&db, old.pai, &format!("n-{n}")).await, Some(reason));
        // No event opens it again.
        assert_eq!(record_event(&db, new_event(&format!("r-{n}"), Resumed, at + 1)).await, NoSubscriber);
        assert_eq!(record_event(&db, new_event(&format!("a-{n}"), Activated, at + 2)).await, NoSubscriber);
        let next = db.sign_up_subscriber(1).await;
        assert_ne!(next.pai, old.pai);
        assert_eq!(find_pai_row(&db, old.pai).await.state, PaiState::Closed);
    }
}

async fn subscriber_stays_when_the_number_changes(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let moved = NewAccountEvent { new_number: Some(sealed_number(5)), ..new_event("e-1", NumberChanged, 10) };
    assert_eq!(record_event(&db, moved).await, Applied);
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 100)).await;
    let Ok(PostChargeResult::Created(charge)) = posted else { panic!("not taken: {posted:?}") };
    let holder = charge.subscriber.expect("is known");
    assert_eq!((holder.number, holder.subscriber_ref.as_str()), (sealed_number(5), "2024-01-01"));
    assert_eq!(find_pai_row(&db, subscriber.pai).await.version, 1, "there is nothing to report");
    // The number that was given up gets a new subscriber, and the new number keeps its own.
    let next = db.sign_up_subscriber(1).await;
    let same = db.sign_up_subscriber(5).await;
    assert_ne!(next.pai, subscriber.pai);
    assert_eq!(same.pai, subscriber.pai);
}

async fn another_subscribers_number_is_not_taken(db: TestStore) {
    let (one, other) = (db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await);
    let moved = NewAccountEvent { new_number: Some(sealed_number(2)), ..new_event("e-1", NumberChanged, 10) };
    assert_eq!(record_event(&db, moved).await, Contradictory);
    for (pai, n) in [(one.pai, 1), (other.pai, 2)] {
        let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, &format!("n-{n}"), 100)).await;
        let Ok(PostChargeResult::Created(charge)) = posted else { panic!("not taken: {posted:?}") };
        assert_eq!(charge.subscriber.expect("is known").number, sealed_number(n));
    }
    // None of it was applied: an older event still is.
    assert_eq!(record_event(&db, new_event("e-2", Suspended, 5)).await, Applied);
}

async fn number_of_a_former_subscriber_is_free(db: TestStore) {
    let (one, other) = (db.sign_up_subscriber(1).await, db.sign_up_subscriber(2).await);
    let leaves = NewAccountEvent { number: sealed_number(2).index, ..new_event("e-1", Ceased, 5) };
    assert_eq!(record_event(&db, leaves).await, Applied);
    let moved = NewAccountEvent { new_number: Some(sealed_number(2)), ..new_event("e-2", NumberChanged, 10) };
    assert_eq!(record_event(&db, moved).await, Applied);
    assert_eq!(db.sign_up_subscriber(2).await.pai, one.pai);
    assert_eq!(find_decline_reason(&db, other.pai, "n-1").await, Some(DeclineReason::AccountClosed));
    assert_eq!(find_decline_reason(&db, one.pai, "n-2").await, None);
}

async fn event_about_a_new_number_may_come_early(db: TestStore) {
    use PaiState::{Active, Closed};
    let chains: [(&[AccountEvent], PaiState); 5] = [
        (&[Suspended], PaiState::Suspended),
        (&[Suspended, Resumed], Active),
        (&[PortedOut], Closed),
        (&[Ceased, Activated], Closed),
        // They have moved to a number that is not on record, and what comes then is about the next one there.
        (&[NumberChanged, Resumed], PaiState::Suspended),
    ];
    for (n, (chain, state)) in (1..).zip(chains) {
        let (old, new, newest) = (sealed_number(n), sealed_number(n + 100), sealed_number(n + 200));
        let subscriber = db.sign_up_subscriber(n).await;
        for (at, what) in (20..).zip(chain) {
            let early = NewAccountEvent {
                number: new.index,
                new_number: (*what == NumberChanged).then(|| newest.clone()),
                ..new_event(&format!("e-{n}-{at}"), *what, at)
            };
            assert_eq!(record_event(&db, early).await, NoSubscriber);
        }
        let before = NewAccountEvent { number: new.index, ..new_event(&format!("b-{n}"), Ceased, 9) };
        assert_eq!(record_event(&db, before).await, NoSubscriber, "of whoever had the number before");
        let moved = NewAccountEvent {
            number: old.index,
            new_number: Some(new),
            ..new_event(&format!("m-{n}"), NumberChanged, 10)
        };
        assert_eq!(record_event(&db, moved).await, Applied);
        assert_eq!(find_pai_row(&db, subscriber.pai).await.state, state, "{chain:?}");
    }
}

async fn what_happened_before_the_newest_event_is_not_followed(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    assert_eq!(record_event(&db, new_event("e-2", Resumed, 20)).await, Applied);
    assert_eq!(record_event(&db, new_event("e-1", Suspended, 19)).await, Superseded);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Active);
    assert_eq!(
        record_event(&db, new_event("e-3", Suspended, 20)).await,
        Applied,
        "the same second is not before"
    );
    let again =
        db.store.record_account_event(None, NOW, new_event("e-1", Suspended, 19)).await.expect("works");
    assert_eq!(again, RecordEventResult::Replayed(Superseded));
}

async fn late_event_ends_the_former_subscriber(db: TestStore) {
    // The event that came first was about the number's next subscriber.
    for (n, leaves) in (1..).zip([Ceased, PortedOut, OwnershipChanged]) {
        let subscriber = db.sign_up_subscriber(n).await;
        let of = |name: &str, what, at| NewAccountEvent {
            number: sealed_number(n).index,
            ..new_event(&format!("{name}-{n}"), what, at)
        };
        assert_eq!(record_event(&db, of("next", Activated, 20)).await, Applied);
        assert_eq!(record_event(&db, of("left", leaves, 10)).await, Applied, "{leaves:?}");
        assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Closed, "{leaves:?}");
        assert_ne!(db.sign_up_subscriber(n).await.pai, subscriber.pai, "{leaves:?}");
    }
    let subscriber = db.sign_up_subscriber(9).await;
    let of_old = |name: &str, what, at| NewAccountEvent {
        number: sealed_number(9).index,
        ..new_event(name, what, at)
    };
    assert_eq!(record_event(&db, of_old("next", SimSwapped, 20)).await, Applied);
    let held = NewAccountEvent { number: sealed_number(8).index, ..new_event("held", Suspended, 15) };
    assert_eq!(record_event(&db, held).await, NoSubscriber);
    let moved = NewAccountEvent { new_number: Some(sealed_number(8)), ..of_old("moved", NumberChanged, 10) };
    assert_eq!(record_event(&db, moved).await, Applied);
    assert_eq!(
        find_pai_row(&db, subscriber.pai).await.state,
        PaiState::Suspended,
        "as was reported of the new number"
    );
    // What comes after the event of the new number is applied again.
    let released = NewAccountEvent { number: sealed_number(8).index, ..new_event("released", Resumed, 16) };
    assert_eq!(record_event(&db, released).await, Applied);
    assert_eq!(db.sign_up_subscriber(8).await.pai, subscriber.pai);
    assert_ne!(db.sign_up_subscriber(9).await.pai, subscriber.pai);
}

async fn event_of_a_numbers_last_subscriber_is_superseded(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let moved =
        NewAccountEvent { new_number: Some(sealed_number(5)), ..new_event("moved", NumberChanged, 20) };
    assert_eq!(record_event(&db, moved).await, Applied);
    for (n, what) in [Ceased, PortedOut, OwnershipChanged, NumberChanged].into_iter().enumerate() {
        let of_last = NewAccountEvent {
            number: sealed_number(5).index,
            new_number: (what == NumberChanged).then(|| sealed_number(6)),
            ..new_event(&format!("last-{n}"), what, 19)
        };
        assert_eq!(record_event(&db, of_last).await, Superseded, "{what:?}");
    }
    assert_eq!(db.sign_up_subscriber(5).await.pai, subscriber.pai);
}

async fn event_before_the_signup_is_not_about_the_subscriber(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    assert_eq!(record_event(&db, new_event("e-1", Ceased, -1)).await, Superseded);
    assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Active);
    let moved = NewAccountEvent { new_number: Some(sealed_number(5)), ..new_event("e-2", NumberChanged, -1) };
    assert_eq!(record_event(&db, moved).await, Superseded);
    assert_eq!(db.sign_up_subscriber(1).await.pai, subscriber.pai);
}

async fn event_about_an_unknown_number_is_recorded(db: TestStore) {
    for (n, what) in AccountEvent::ALL.into_iter().enumerate() {
        let new_number = (what == NumberChanged).then(|| sealed_number(9));
        let new = NewAccountEvent { new_number, ..new_event(&format!("e-{n}"), what, 10) };
        assert_eq!(record_event(&db, new).await, NoSubscriber, "{what:?}");
    }
    let again =
        db.store.record_account_event(None, NOW, new_event("e-0", Activated, 10)).await.expect("works");
    assert_eq!(again, RecordEventResult::Replayed(NoSubscriber));
}

async fn the_embedded_table_follows(db: TestStore) {
    let account =
        Account { status: AccountStatus::Active, account_type: AccountType::Postpaid, balance: None };
    let activated_on = onbill_domain::day::Day::parse("2024-01-01").expect("is a day");
    let rows =
        vec![ImportedAccount { number: sealed_number(1).index, account: account.clone(), activated_on }];
    db.store.import_accounts(rows).await.expect("works");
    let stands = async |n: u8| {
        let known = db.store.find_account(sealed_number(n).index).await.expect("works")?;
        Some((known.account.status, known.subscriber_ref))
    };
    let today = onbill_domain::day::Day::of_timestamp(NOW).to_string();
    let since = |status, day: &str| Some((status, day.to_owned()));
    for (n, (what, expected)) in [
        (Suspended, since(AccountStatus::Suspended, "2024-01-01")),
        (Resumed, since(AccountStatus::Active, "2024-01-01")),
        (SimSwapped, since(AccountStatus::Active, "2024-01-01")),
        (Activated, since(AccountStatus::Active, "2024-01-01")),
        (Ceased, since(AccountStatus::Ceased, "2024-01-01")),
        // Given up and reassigned: another subscriber.
        (Activated, since(AccountStatus::Active, &today)),
    ]
    .into_iter()
    .enumerate()
    {
        let at = i64::try_from(n).expect("is small");
        assert_eq!(record_event(&db, new_event(&format!("e-{n}"), what, at)).await, NoSubscriber);
        assert_eq!(stands(1).await, expected, "{what:?}");
    }
    assert_eq!(record_event(&db, new_event("late", Suspended, 2)).await, NoSubscriber);
    assert_eq!(stands(1).await, since(AccountStatus::Active, &today), "an older event changes nothing");
    let moved =
        NewAccountEvent { new_number: Some(sealed_number(5)), ..new_event("moved", NumberChanged, 20) };
    assert_eq!(record_event(&db, moved).await, NoSubscriber);
    assert_eq!((stands(1).await, stands(5).await), (None, since(AccountStatus::Active, &today)));
    // A later status of the new number is true of its present subscriber.
    let held = NewAccountEvent { number: sealed_number(6).index, ..new_event("held", Suspended, 40) };
    let rows = vec![ImportedAccount { number: sealed_number(6).index, account, activated_on }];
    db.store.import_accounts(rows).await.expect("works");
    assert_eq!(record_event(&db, held).await, NoSubscriber);
    let again = NewAccountEvent {
        number: sealed_number(5).index,
        new_number: Some(sealed_number(6)),
        ..new_event("on", NumberChanged, 30)
    };
    assert_eq!(record_event(&db, again).await, NoSubscriber);
    assert_eq!((stands(5).await, stands(6).await), (None, since(AccountStatus::Suspended, &today)));
}

async fn a_swapped_sim_is_remembered_by_its_number(db: TestStore) {
    let at = async |n: u8| db.store.find_sim_swap_time(sealed_number(n).index).await.expect("works");
    assert_eq!(at(1).await, None);
    record_event(&db, new_event("e-1", SimSwapped, 20)).await;
    record_event(&db, new_event("e-2", SimSwapped, 10)).await;
    let db = db.reopen().await;
    let at = async |n: u8| db.store.find_sim_swap_time(sealed_number(n).index).await.expect("works");
    assert_eq!((at(1).await, at(2).await), (Some(NOW.plus_seconds(20)), None));
    // It moves along to another number: otherwise a move would bypass the wait.
    record_event(
        &db,
        NewAccountEvent { new_number: Some(sealed_number(2)), ..new_event("e-3", NumberChanged, 30) },
    )
    .await;
    assert_eq!(at(2).await, Some(NOW.plus_seconds(20)));
}

async fn a_replayed_call_changes_nothing(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let once = fresh_nonce();
    let record = |new| db.store.record_account_event(Some(once.clone()), NOW, new);
    assert_eq!(
        record(new_event("e-1", SimSwapped, 10)).await.expect("works"),
        RecordEventResult::Recorded(Applied)
    );
    assert!(matches!(record(new_event("e-2", Ceased, 20)).await, Err(StoreError::NonceReplayed)));
    assert_eq!(find_pai_row(&db, subscriber.pai).await.state, PaiState::Active);
}

async fn events_of_one_second_are_ordered_by_their_fractions(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let account =
        Account { status: AccountStatus::Active, account_type: AccountType::Postpaid, balance: None };
    let activated_on = onbill_domain::day::Day::parse("2024-01-01").expect("is a day");
    let imported = ImportedAccount { number: sealed_number(1).index, account, activated_on };
    db.store.import_accounts(vec![imported]).await.expect("works");
    let at = |name: &str, what, nanoseconds| NewAccountEvent {
        occurred_at: Timestamp::from_unix_nanoseconds(NOW.plus_seconds(20).unix_nanoseconds() + nanoseconds),
        ..new_event(name, what, 20)
    };
    for (name, what, nanoseconds, outcome, state) in [
        ("e-1", Suspended, 0, Applied, PaiState::Suspended),
        ("e-2", Resumed, 800_000_000, Applied, PaiState::Active),
        ("e-3", Suspended, 200_000_000, Superseded, PaiState::Active),
        ("e-4", Suspended, 799_999_999, Superseded, PaiState::Active),
        ("e-5", Suspended, 800_000_001, Applied, PaiState::Suspended),
        ("e-6", Resumed, 800_000_001, Applied, PaiState::Active),
    ] {
        assert_eq!(record_event(&db, at(name, what, nanoseconds)).await, outcome, "{name}");
        assert_eq!(find_pai_row(&db, pai).await.state, state, "{name}");
        let known = db.store.find_account(sealed_number(1).index).await.expect("works").expect("is there");
        let expected =
            if state == PaiState::Active { AccountStatus::Active } else { AccountStatus::Suspended };
        assert_eq!(known.account.status, expected, "{name}: the table follows alike");
    }
}
