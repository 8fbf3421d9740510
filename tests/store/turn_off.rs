//! What was turned on is turned off again, goes back, and is taken over a second time.

use crate::cut_over::{
    CLAIMS, LINES, cut_over_all, deliver_jobs_of_pais, live_on, load, report_event, stamp, write_back,
};
use crate::dark_pais::pai_of;
use crate::outcome::done;
use crate::test_store::{TestStore, new_charge, new_refund};
use crate::test_values::{NOW, fresh_nonce, partner_id};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::wire::audit::AuditAct;
use onbill_origin::cut_over::{SwitchError, TurnOff, TurnOffReport};
use onbill_origin::store::{
    CutOverPaiResult, PostChargeResult, PostRefundResult, SwitchAct, TurnOffPaiResult,
};
use onbill_test_harness::ManualClock;
use onbill_test_harness::other_system::{charges_csv, pais_csv};

on_each_database!(
    pai_is_dark_again_once_it_is_turned_off,
    pai_stays_on_while_a_charge_or_a_refund_is_under_way,
    what_went_back_is_taken_over_again,
    what_went_back_comes_again_as_it_was,
    partner_hears_only_of_what_has_changed_since_it_was_turned_off,
    report_that_waits_when_a_pai_is_turned_off_is_made_once_it_is_on_again,
    nothing_is_turned_off_while_a_file_is_half_loaded,
    turning_off_is_in_the_audit,
);

/// A charge of the other system's for a customer who signed up here, after all has gone back.
const CHARGED_THERE: &str = "1599,USD,0,APPROVED,line-9,2026-11-17T12:00:00Z,2027-01-01,2027-01-31";

async fn turn_off_all(db: &TestStore) -> TurnOffReport {
    let clock = ManualClock::default();
    let turn_off = TurnOff { store: &db.store, clock: &clock, partner: partner_id("netflix") };
    let mut report = TurnOffReport::default();
    turn_off.run_all(&mut report, |_| {}).await.expect("works");
    report
}

async fn turn_off(db: &TestStore, pai: &str) -> TurnOffPaiResult {
    db.store.turn_off_pai(NOW, partner_id("netflix"), pai_of(pai)).await.expect("works")
}

async fn pai_is_dark_again_once_it_is_turned_off(db: TestStore) {
    let other = load(&db).await;
    assert_eq!(turn_off(&db, "ENT-1").await, TurnOffPaiResult::WasDark);
    let own = live_on(&db, &other).await;
    db.lease_due(60).await;
    assert_eq!(db.store.count_pais_that_are_on(partner_id("netflix")).await, Ok(4));
    let others = db.store.turn_off_pai(NOW, partner_id("tunes"), pai_of("ENT-1")).await;
    assert_eq!(others, Ok(TurnOffPaiResult::WasDark), "another partner's");
    assert_eq!(turn_off_all(&db).await, TurnOffReport { turned_off: 4, ..TurnOffReport::default() });
    assert_eq!(turn_off_all(&db).await, TurnOffReport::default());
    let db = db.reopen().await;
    assert_eq!(db.store.count_dark_pais(partner_id("netflix")).await, Ok(4));
    for (pai, id) in [(pai_of("ENT-1"), "n-1"), (pai_of("ENT-1"), "n-2"), (own, "n-3")] {
        let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, id, 1599)).await;
        assert_eq!(posted, Ok(PostChargeResult::NotCutOver), "{id}");
    }
    let refunded = db.store.post_refund(fresh_nonce(), NOW, new_refund("n-1", "r-1", None)).await;
    assert_eq!(refunded, Ok(PostRefundResult::NotCutOver));
    assert!(db.lease_due(60).await.is_empty(), "no one is informed");
    let again = db.store.cut_over_pai(NOW, partner_id("netflix"), pai_of("ENT-1")).await;
    assert_eq!(again, Ok(CutOverPaiResult::TurnedOn));
}

async fn pai_stays_on_while_a_charge_or_a_refund_is_under_way(db: TestStore) {
    load(&db).await;
    // What the other system has left PENDING is its own.
    db.place.run_sql("UPDATE transactions SET status = 'PENDING' WHERE ext_transaction_id = 'old-2'").await;
    cut_over_all(&db.store).await;
    let charge = db.post_new_charge(new_charge(pai_of("ENT-1"), "n-1", 1599)).await;
    let expected = TurnOffReport { turned_off: 2, dark_before: 0, under_way: 1 };
    assert_eq!(turn_off_all(&db).await, expected);
    assert_eq!(turn_off(&db, "ENT-1").await, TurnOffPaiResult::UnderWay);
    db.store.answer_transaction(NOW, charge, done()).await.expect("works");
    let refund = db.post_new_refund(new_refund("n-1", "r-1", Some(100))).await;
    assert_eq!(turn_off(&db, "ENT-1").await, TurnOffPaiResult::UnderWay);
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    assert_eq!(turn_off(&db, "ENT-1").await, TurnOffPaiResult::TurnedOff);
}

/// The other system takes in all that goes back, gives back more of a charge of onbill's, and charges a
/// customer who signed up here.
async fn what_went_back_is_taken_over_again(db: TestStore) {
    let other = load(&db).await;
    let own = live_on(&db, &other).await;
    let refund = db.post_new_refund(new_refund("old-1", "r-1", Some(500))).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    turn_off_all(&db).await;
    let [pais, mut charges] = write_back(&other, &db.store, true).await;
    for (id, refunded) in [("n-1", "700"), ("old-1", "600")] {
        let line = charges.iter_mut().find(|line| line.contains(id)).expect("is there");
        let before = if id == "n-1" { "0" } else { "500" };
        *line = line.replace(&format!(",USD,{before},"), &format!(",USD,{refunded},"));
    }
    charges.push(format!("netflix,x-1,{own},{CHARGED_THERE}"));
    other.load_sound(&db.store, &pais_csv(&pais), Some(&charges_csv(&charges))).await;
    let again = other.load_sound(&db.store, &pais_csv(&pais), Some(&charges_csv(&charges))).await;
    assert!(again.iter().all(|file| file.loaded + file.updated + file.refused == 0), "{again:?}");
    assert_eq!(cut_over_all(&db.store).await.turned_on, 4);
    for (id, too_much, left) in [("n-1", 900, 899), ("old-1", 1_000, 999)] {
        let refused = db.store.post_refund(fresh_nonce(), NOW, new_refund(id, "r-2", Some(too_much))).await;
        assert!(!matches!(refused, Ok(PostRefundResult::Created(_))), "{id}: {refused:?}");
        db.post_new_refund(new_refund(id, &format!("r-{left}"), Some(left))).await;
    }
    let mut repeated = new_charge(own, "x-1", 1599);
    repeated.request.service_period = crate::test_values::service_period("2027-01-01", "2027-01-31");
    let posted = db.store.post_charge(fresh_nonce(), NOW, repeated).await;
    assert!(matches!(posted, Ok(PostChargeResult::Replayed(_))), "it is billed once: {posted:?}");
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(own, "n-3", 1599)).await;
    assert!(matches!(posted, Ok(PostChargeResult::Replayed(_))), "{posted:?}");
}

async fn what_went_back_comes_again_as_it_was(db: TestStore) {
    let other = load(&db).await;
    let own = live_on(&db, &other).await;
    let [pais, charges] = write_back(&other, &db.store, true).await;
    let find = |lines: &[String], part: &str| -> String {
        lines.iter().find(|line| line.contains(part)).expect("is there").clone()
    };
    let own_line = find(&pais, &own.to_string());
    let own_charge = find(&charges, ",n-3,");
    let complaints_of = async |pai: &str, charge: &str| {
        let files = (pais_csv(&[pai]), charges_csv(&[charge]));
        other.check(&db.store, &[files.0.as_str()], Some(files.1.as_str())).await.1.join("\n")
    };
    let complaints = complaints_of(&own_line, &own_charge).await;
    assert!(
        complaints.contains("pai-taken") && complaints.contains("charge-taken"),
        "it is on: {complaints}"
    );
    let refund = db.post_new_refund(new_refund("n-3", "r-1", Some(500))).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    turn_off_all(&db).await;
    let another = own_line.replace("+12025550103,2021-03-16", "+12025550102,2021-03-15");
    for (pai, charge, kind) in [
        (another.as_str(), own_charge.as_str(), "pai-taken"),
        (&own_line, &own_charge.replace(",1599,", ",1598,"), "charge-taken"),
        (&own_line, &own_charge.replace("2026-12-31", "2026-12-30"), "charge-taken"),
        (&own_line, &own_charge.replace("APPROVED", "PENDING"), "changed"),
        // It has not taken in what was given back here.
        (&own_line, &own_charge, "changed"),
    ] {
        let complaints = complaints_of(pai, charge).await;
        assert!(complaints.contains(kind), "{charge}: {complaints}");
    }
    assert_eq!(complaints_of(&own_line, &own_charge.replace(",USD,0,", ",USD,500,")).await, "");
}

/// ENT-2 is suspended before the first cut-over, which reports it. It is resumed while all is off.
async fn partner_hears_only_of_what_has_changed_since_it_was_turned_off(db: TestStore) {
    let other = load(&db).await;
    report_event(&db, &other, "e-1", AccountEvent::Suspended, "+12025550102").await;
    let notice = ("pai-notice", "ENT-2".to_owned());
    for (event, is_reported) in [(None, true), (None, false), (Some(("e-2", AccountEvent::Resumed)), true)] {
        if let Some((id, event)) = event {
            report_event(&db, &other, id, event, "+12025550102").await;
        }
        assert!(db.lease_due(60).await.is_empty(), "no one is informed of a dark PAI");
        cut_over_all(&db.store).await;
        let jobs = deliver_jobs_of_pais(&db).await;
        assert_eq!(jobs.contains(&notice), is_reported, "{event:?}: {jobs:?}");
        assert!(jobs.contains(&("pai-mapping", "ENT-2".to_owned())), "the edge learns of it: {jobs:?}");
        turn_off_all(&db).await;
    }
}

/// The partner was down when the state changed.
async fn report_that_waits_when_a_pai_is_turned_off_is_made_once_it_is_on_again(db: TestStore) {
    let other = load(&db).await;
    cut_over_all(&db.store).await;
    report_event(&db, &other, "e-1", AccountEvent::Suspended, "+12025550102").await;
    let reports = "outbox WHERE kind = 'pai-notice'";
    assert_eq!(db.place.count_rows(reports).await, 1, "the partner has not taken it yet");
    turn_off_all(&db).await;
    assert_eq!(db.place.count_rows(reports).await, 0, "another system answers for the PAI");
    for is_reported in [true, false] {
        cut_over_all(&db.store).await;
        let jobs = deliver_jobs_of_pais(&db).await;
        assert!(jobs.contains(&("pai-mapping", "ENT-2".to_owned())), "{jobs:?}");
        assert_eq!(jobs.contains(&("pai-notice", "ENT-2".to_owned())), is_reported, "{jobs:?}");
        turn_off_all(&db).await;
    }
}

async fn nothing_is_turned_off_while_a_file_is_half_loaded(db: TestStore) {
    let other = load(&db).await;
    cut_over_all(&db.store).await;
    let begin = "UPDATE migration_files SET state = 'LOADING', loaded_at = NULL WHERE kind = 'charges'";
    db.place.run_sql(begin).await;
    assert_eq!(turn_off(&db, "ENT-1").await, TurnOffPaiResult::LoadUnfinished);
    let clock = ManualClock::default();
    let off = TurnOff { store: &db.store, clock: &clock, partner: partner_id("netflix") };
    let mut report = TurnOffReport::default();
    let all = off.run_all(&mut report, |_| {}).await;
    assert!(matches!(all, Err(SwitchError::LoadUnfinished)), "{all:?}");
    assert_eq!(report, TurnOffReport::default());
    assert_eq!(db.store.count_dark_pais(partner_id("netflix")).await, Ok(0));

    // A later export stands for the one that was given up.
    let later = charges_csv(&CLAIMS[..1]);
    other.load_sound(&db.store, &pais_csv(&LINES), Some(&later)).await;
    assert_eq!(turn_off_all(&db).await.turned_off, 3);
}

async fn turning_off_is_in_the_audit(db: TestStore) {
    for pais in [3, 0] {
        let netflix = partner_id("netflix");
        db.store.record_switch(NOW, stamp(), SwitchAct::TurnOff, netflix, pais).await.expect("works");
    }
    let lines = db.store.list_audit_lines(0, 10).await.expect("works");
    let found: Vec<_> = lines.iter().map(|line| (line.act, line.reason.as_deref())).collect();
    assert_eq!(found, [(AuditAct::TurnedOff, Some("3 PAIs")), (AuditAct::TurnedOff, Some("0 PAIs"))]);
}
