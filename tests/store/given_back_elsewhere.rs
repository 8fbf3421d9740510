//! What another system gives back while it has the customer again counts here as given back, and its sums have
//! what was given back here.

use crate::cut_over::{cut_over_all, live_on, load, write_back};
use crate::dark_pais::pai_of;
use crate::mandates::december;
use crate::outcome::done;
use crate::test_store::{TestStore, new_charge, new_refund};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id};
use onbill_domain::spending::SpendingLimits;
use onbill_origin::store::{NewCharge, PostChargeResult, TurnOffPaiResult};
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};

on_each_database!(
    charge_that_was_given_back_elsewhere_pays_for_no_days,
    line_without_what_was_given_back_here_is_named,
    what_was_given_back_elsewhere_counts_against_no_limit,
);

/// A charge of an account that may be charged 2000 in a month.
fn limited_charge(ext_id: &str, amount_minor: i64) -> NewCharge {
    let limits = SpendingLimits { month_minor: Some(2000), ..SpendingLimits::default() };
    NewCharge { limits: Some(limits), ..new_charge(pai_of("ENT-1"), ext_id, amount_minor) }
}

async fn turn_off(db: &TestStore) {
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), pai_of("ENT-1")).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
}

/// Turns ENT-1 off, and on again after the other system has given back its charge `n-1`.
async fn give_back_elsewhere(db: &TestStore, other: &OtherSystem) {
    turn_off(db).await;
    let [pais, mut charges] = write_back(other, &db.store, true)
        .await
        .map(|lines| lines.into_iter().filter(|line| line.contains(",ENT-1,")).collect::<Vec<_>>());
    let line = charges.iter_mut().find(|line| line.contains(",n-1,")).expect("is there");
    *line = line.replace(",USD,0,", ",USD,1599,");
    other.load_sound(&db.store, &pais_csv(&pais), Some(&charges_csv(&charges))).await;
    cut_over_all(&db.store).await;
}

async fn charge_that_was_given_back_elsewhere_pays_for_no_days(db: TestStore) {
    let other = load(&db).await;
    live_on(&db, &other).await;
    let pai = pai_of("ENT-1");
    give_back_elsewhere(&db, &other).await;
    let listed = db.store.list_own_charges(vec![pai], None, 20).await.expect("works").lines;
    let charge =
        listed.iter().find(|charge| charge.ext_transaction_id == parse_ext_id("n-1")).expect("is there");
    assert_eq!((charge.refunded_minor, charge.refunding_minor), (1599, 0), "no refund is under way");
    assert_eq!(db.post_gap(december(pai, "n-9", 1599)).await, None, "the days are charged again");
}

/// The other system has not taken in the files of the way back: it exports the claim as it was loaded first.
async fn line_without_what_was_given_back_here_is_named(db: TestStore) {
    let other = load(&db).await;
    cut_over_all(&db.store).await;
    let [pais, before] = write_back(&other, &db.store, true).await.map(|lines| lines.join("\n"));
    let refund = db.post_new_refund(new_refund("old-1", "r-1", Some(500))).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    turn_off(&db).await;
    let after = before.replace(",1599,USD,0,APPROVED,line-1,", ",1599,USD,500,APPROVED,line-1,");
    assert_ne!(before, after);
    let files = |charges: &str| {
        let pai = pais.lines().filter(|line| line.contains(",ENT-1,")).collect::<Vec<_>>();
        let claim = charges.lines().filter(|line| line.contains(",old-1,")).collect::<Vec<_>>();
        (pais_csv(&pai), charges_csv(&claim))
    };
    for (charges, kind) in [(&before, "changed"), (&after, "")] {
        let (pai, claim) = files(charges);
        let complaints = other.check(&db.store, &[pai.as_str()], Some(claim.as_str())).await.1.join("\n");
        assert!(complaints.contains(kind) && complaints.is_empty() == kind.is_empty(), "{complaints}");
    }
}

async fn what_was_given_back_elsewhere_counts_against_no_limit(db: TestStore) {
    let other = load(&db).await;
    cut_over_all(&db.store).await;
    let id = db.post_new_charge(limited_charge("n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    give_back_elsewhere(&db, &other).await;
    // A charge of next year makes the origin forget the sums of this month, and the ledger knows them.
    for (days, id, amount_minor, fits) in
        [(0, "n-2", 1599, true), (365, "n-3", 100, true), (0, "n-4", 400, true), (0, "n-5", 100, false)]
    {
        let now = NOW.plus_seconds(days * 86_400);
        let posted = db.store.post_charge(fresh_nonce(), now, limited_charge(id, amount_minor)).await;
        let posted = posted.expect("works");
        assert_eq!(matches!(posted, PostChargeResult::Created(_)), fits, "{id}: {posted:?}");
    }
}
