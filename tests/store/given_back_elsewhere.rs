//! What another system gives back of a charge of onbill's, while it has the customer again, counts here as given
//! back.

use crate::cut_over::{cut_over_all, live_on, load, write_back};
use crate::dark_pais::pai_of;
use crate::mandates::december;
use crate::test_store::{NOW, TestStore, parse_ext_id, partner_id};
use onbill_origin::store::TurnOffPaiResult;
use onbill_test_harness::other_system::{charges_csv, pais_csv};

on_each_database!(charge_that_was_given_back_elsewhere_pays_for_no_days);

async fn charge_that_was_given_back_elsewhere_pays_for_no_days(db: TestStore) {
    let other = load(&db).await;
    live_on(&db, &other).await;
    let pai = pai_of("ENT-1");
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), pai).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let [pais, mut charges] = write_back(&other, &db.store, true)
        .await
        .map(|lines| lines.into_iter().filter(|line| line.contains(",ENT-1,")).collect::<Vec<_>>());
    let line = charges.iter_mut().find(|line| line.contains(",n-1,")).expect("is there");
    *line = line.replace(",USD,0,", ",USD,1599,");
    other.load_sound(&db.store, &pais_csv(&pais), Some(&charges_csv(&charges))).await;
    cut_over_all(&db.store).await;
    let listed = db.store.list_own_charges(vec![pai], None, 20).await.expect("works").lines;
    let charge =
        listed.iter().find(|charge| charge.ext_transaction_id == parse_ext_id("n-1")).expect("is there");
    assert_eq!((charge.refunded_minor, charge.refunding_minor), (1599, 0), "no refund is under way");
    assert_eq!(db.post_gap(december(pai, "n-9", 1599)).await, None, "the days are charged again");
}
