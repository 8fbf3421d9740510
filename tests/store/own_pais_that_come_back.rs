//! A PAI that onbill has issued comes again from the other system: closed without its number, or with another
//! subscription, and with charges.

use crate::cut_over::{cut_over_all, live_on, load, write_back};
use crate::test_store::TestStore;
use crate::test_values::{NOW, partner_id};
use onbill_domain::pai::{Pai, PaiState};
use onbill_origin::store::TurnOffPaiResult;
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};

on_each_database!(
    own_pai_that_was_closed_there_without_its_number_is_closed,
    own_pai_with_another_subscription_is_named_and_keeps_its_own,
    charge_of_an_own_pai_is_loaded_though_its_line_is_refused,
);

/// An own PAI that is dark, and its line as it went back.
async fn go_back(db: &TestStore, other: &OtherSystem) -> (Pai, String) {
    let own = live_on(db, other).await;
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), own).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let [pais, _] = write_back(other, &db.store, true).await;
    let line = pais.into_iter().find(|line| line.contains(&own.to_string())).expect("is there");
    (own, line)
}

async fn own_pai_that_was_closed_there_without_its_number_is_closed(db: TestStore) {
    let other = load(&db).await;
    let (own, line) = go_back(&db, &other).await;
    let since = line.split(',').nth(5).expect("is there");
    let closed = pais_csv(&[format!("netflix,{own},,,CLOSED,{since},,,,,,,,")]);
    other.load_sound(&db.store, &closed, None).await;
    cut_over_all(&db.store).await;
    let row = db.store.find_pai(partner_id("netflix"), own).await.expect("works").expect("is there");
    assert_eq!((row.state, row.is_dark), (PaiState::Closed, false));
}

async fn own_pai_with_another_subscription_is_named_and_keeps_its_own(db: TestStore) {
    let other = load(&db).await;
    let (_, line) = go_back(&db, &other).await;
    let complaints_of = async |line: &str| {
        let file = pais_csv(&[line]);
        other.check(&db.store, &[file.as_str()], None).await.1.join("\n")
    };
    for (ours, theirs) in [(",sub-3,", ",sub-4,"), (",standard,", ",premium,"), (",1599,USD,", ",1699,USD,")]
    {
        assert!(line.contains(ours), "{line}");
        let complaints = complaints_of(&line.replace(ours, theirs)).await;
        assert!(complaints.contains("changed: line 2, column ext_subscription_id"), "{theirs}: {complaints}");
    }
    assert_eq!(complaints_of(&line).await, "");
}

async fn charge_of_an_own_pai_is_loaded_though_its_line_is_refused(db: TestStore) {
    let other = load(&db).await;
    let (_, line) = go_back(&db, &other).await;
    let [_, charges] = write_back(&other, &db.store, true).await;
    let ours = charges.iter().find(|line| line.contains(",n-3,")).expect("is there");
    let pais = pais_csv(&[line.replace(",standard,", ",premium,")]);
    let charged_there = charges_csv(&[ours.replace(",n-3,", ",n-4,")]);
    let (loaded, complaints) = other.load(&db.store, &[pais.as_str()], Some(&charged_there)).await;
    loaded.expect("loads");
    let is_named = |it: &String| it.contains("changed: line 2, column ext_subscription_id");
    assert!(!complaints.is_empty() && complaints.iter().all(is_named), "{complaints:?}");
    assert_eq!(db.place.count_rows("transactions WHERE ext_transaction_id = 'n-4'").await, 1);
}
