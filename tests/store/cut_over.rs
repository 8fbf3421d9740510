//! What was loaded is turned on, each PAI once, and can be written out again as it is by then.

use crate::dark_pais::pai_of;
use crate::outcome::done;
use crate::test_store::{TestStore, job_name, new_charge, new_refund, new_signup};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::ids::ExtId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::audit::{ActorRole, AuditAct};
use onbill_origin::ambient::SystemRandom;
use onbill_origin::cut_over::{CutOver, CutOverReport, SwitchError, WayBack, Written};
use onbill_origin::store::{
    AuditStamp, CutOverPaiResult, IssueSignupResult, Job, LeasedJob, NewAccountEvent, PostChargeResult,
    PostRefundResult, RecordSubscriptionResult, Store, SwitchAct, TurnOffPaiResult, WebhookJob,
};
use onbill_test_harness::ManualClock;
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};
use std::collections::BTreeSet;

on_each_database!(
    dark_pais_are_turned_on_once_and_only_the_edge_learns_of_it,
    cohort_leaves_the_others_dark,
    unfinished_load_is_known,
    nothing_is_turned_on_while_a_file_is_half_loaded,
    every_page_is_turned_on,
    customer_of_onbills_own_is_switched_alone,
    all_pais_of_the_partner_that_are_on_are_listed,
    refused_lines_are_known,
    cut_over_is_in_the_audit,
    what_goes_back_is_what_has_changed,
    changed_number_goes_back,
    charges_and_refunds_that_are_pending_are_counted,
    what_goes_back_loads_to_the_same_state,
);

pub(crate) const LINES: [&str; 3] = [
    "netflix,ENT-1,+12025550101,2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-1,EXISTING_ACCOUNT,standard,1599,USD,\
     2026-12-17,2022-09-28T12:00:00Z,web",
    "netflix,ENT-2,+12025550102,2021-03-15,ACTIVE,2022-09-29T12:01:05Z,sub-2,NEW_ACCOUNT,standard,1599,USD,,,",
    "netflix,ENT-3,,,CLOSED,2022-09-30T12:01:05Z,,,,,,,,",
];

pub(crate) const CLAIMS: [&str; 2] = [
    "netflix,old-1,ENT-1,1599,USD,0,APPROVED,line-1,2026-10-17T12:00:00Z,2026-10-17,2026-11-16",
    "netflix,old-2,ENT-2,1599,USD,0,DECLINED,,2026-10-18T12:00:00Z,2026-10-18,2026-11-17",
];

pub(crate) fn stamp() -> AuditStamp {
    let actor = ExtId::parse("engineer-1").expect("is an id");
    AuditStamp { key: "cli".to_owned(), actor, role: ActorRole::Admin, reference: None }
}

pub(crate) async fn load(db: &TestStore) -> OtherSystem {
    let other = OtherSystem::of_acme(NOW);
    import_accounts(&other, &db.store).await;
    other.load_sound(&db.store, &pais_csv(&LINES), Some(&charges_csv(&CLAIMS))).await;
    other
}

async fn import_accounts(other: &OtherSystem, store: &Store) {
    let lines = [
        "+12025550101,active,postpaid,,USD,2021-03-14",
        "+12025550102,active,postpaid,,USD,2021-03-15",
        "+12025550103,active,postpaid,,USD,2021-03-16",
    ];
    other.import_accounts(store, &lines).await;
}

pub(crate) async fn cut_over_all(store: &Store) -> CutOverReport {
    let clock = ManualClock::default();
    let cut_over = CutOver { store, clock: &clock, partner: partner_id("netflix") };
    let mut report = CutOverReport::default();
    cut_over.run_all(&mut report, |_| {}).await.expect("works");
    report
}

async fn suspend(db: &TestStore, other: &OtherSystem, number: &str) {
    report_event(db, other, "e-1", AccountEvent::Suspended, number).await;
}

pub(crate) async fn report_event(
    db: &TestStore,
    other: &OtherSystem,
    id: &str,
    event: AccountEvent,
    number: &str,
) {
    let new = NewAccountEvent {
        event_id: parse_ext_id(id),
        fingerprint: [7; 32],
        event,
        number: other.vault.index_number(&Msisdn::parse(number).expect("is E.164")),
        new_number: None,
        occurred_at: NOW.plus_seconds(1),
    };
    db.store.record_account_event(Some(fresh_nonce()), NOW.plus_seconds(1), new).await.expect("works");
}

/// The kinds of jobs that wait for a PAI.
async fn jobs_of_pais(db: &TestStore) -> BTreeSet<(&'static str, String)> {
    name_jobs(&db.lease_due(60).await)
}

/// The same, once partner and edge have taken them.
pub(crate) async fn deliver_jobs_of_pais(db: &TestStore) -> BTreeSet<(&'static str, String)> {
    let leased = db.lease_due(60).await;
    let named = name_jobs(&leased);
    for job in leased {
        db.settle_job(NOW, job, done()).await.expect("works");
    }
    named
}

fn name_jobs(leased: &[LeasedJob]) -> BTreeSet<(&'static str, String)> {
    let pai = |job: &Job| match job {
        Job::Webhook(WebhookJob::Pai { pai } | WebhookJob::PaiMapping { pai }) => pai.to_string(),
        _ => String::new(),
    };
    leased.iter().map(|leased| (job_name(leased).0, pai(&leased.job))).collect()
}

async fn state_of(db: &TestStore, pai: &str) -> (PaiState, bool) {
    let row = db.store.find_pai(partner_id("netflix"), pai_of(pai)).await.expect("works").expect("is there");
    (row.state, row.is_dark)
}

async fn dark_pais_are_turned_on_once_and_only_the_edge_learns_of_it(db: TestStore) {
    let other = load(&db).await;
    suspend(&db, &other, "+12025550102").await;
    assert_eq!(db.store.count_dark_pais(partner_id("netflix")).await, Ok(3));
    assert_eq!(cut_over_all(&db.store).await, CutOverReport { turned_on: 3, on_before: 0 });
    let db = db.reopen().await;
    assert_eq!(state_of(&db, "ENT-1").await, (PaiState::Active, false));
    assert_eq!(state_of(&db, "ENT-2").await, (PaiState::Suspended, false));
    assert_eq!(state_of(&db, "ENT-3").await, (PaiState::Closed, false));
    let of = |kind, pai: &str| (kind, pai.to_owned());
    let expected = [
        of("pai-mapping", "ENT-1"),
        of("pai-mapping", "ENT-2"),
        of("pai-mapping", "ENT-3"),
        // It has changed while it was dark.
        of("pai-notice", "ENT-2"),
    ];
    assert_eq!(jobs_of_pais(&db).await, BTreeSet::from(expected));
    assert_eq!(cut_over_all(&db.store).await, CutOverReport::default());
    let again = db.store.cut_over_pai(NOW, partner_id("netflix"), pai_of("ENT-1")).await;
    assert_eq!(again, Ok(CutOverPaiResult::WasOn));
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai_of("ENT-1"), "n-1", 1599)).await;
    assert!(matches!(posted, Ok(PostChargeResult::Created(_))), "{posted:?}");
}

async fn cohort_leaves_the_others_dark(db: TestStore) {
    load(&db).await;
    let netflix = partner_id("netflix");
    let tunes = partner_id("tunes");
    let asked = vec![pai_of("ENT-1"), pai_of("ENT-9")];
    for (partner, loaded) in [(netflix.clone(), vec![pai_of("ENT-1")]), (tunes.clone(), Vec::new())] {
        let found = db.store.find_switchable_pais(SwitchAct::CutOver, partner, asked.clone()).await;
        let found = found.expect("works");
        assert!(found.iter().all(|each| !each.is_on), "{found:?}");
        assert_eq!(found.iter().map(|each| each.pai).collect::<Vec<_>>(), loaded);
    }
    let others = db.store.cut_over_pai(NOW, tunes, pai_of("ENT-1")).await;
    assert_eq!(others, Ok(CutOverPaiResult::WasOn), "another partner's");
    let clock = ManualClock::default();
    let cut_over = CutOver { store: &db.store, clock: &clock, partner: netflix.clone() };
    let cohort = [pai_of("ENT-1"), pai_of("ENT-3")];
    for expected in
        [CutOverReport { turned_on: 2, on_before: 0 }, CutOverReport { turned_on: 0, on_before: 2 }]
    {
        let mut report = CutOverReport::default();
        cut_over.run_cohort(&cohort, &mut report, |_| {}).await.expect("works");
        assert_eq!(report, expected);
    }
    assert_eq!(db.store.list_dark_pais(netflix, None, 10).await, Ok(vec![pai_of("ENT-2")]));
}

async fn unfinished_load_is_known(db: TestStore) {
    load(&db).await;
    assert_eq!(db.store.list_unfinished_loads().await, Ok(Vec::new()));
    db.place
        .run_sql("UPDATE migration_files SET state = 'LOADING', loaded_at = NULL WHERE kind = 'charges'")
        .await;
    assert_eq!(db.store.list_unfinished_loads().await, Ok(vec!["charges.csv".to_owned()]));
}

async fn nothing_is_turned_on_while_a_file_is_half_loaded(db: TestStore) {
    let other = load(&db).await;
    db.place
        .run_sql("UPDATE migration_files SET state = 'LOADING', loaded_at = NULL WHERE kind = 'charges'")
        .await;
    let clock = ManualClock::default();
    let cut_over = CutOver { store: &db.store, clock: &clock, partner: partner_id("netflix") };
    let cohort = [pai_of("ENT-1")];
    let mut report = CutOverReport::default();
    let all = cut_over.run_all(&mut report, |_| {}).await;
    assert!(matches!(all, Err(SwitchError::LoadUnfinished)), "{all:?}");
    let some = cut_over.run_cohort(&cohort, &mut report, |_| {}).await;
    assert!(matches!(some, Err(SwitchError::LoadUnfinished)), "{some:?}");
    assert_eq!(report, CutOverReport::default());
    assert_eq!(db.store.count_dark_pais(partner_id("netflix")).await, Ok(3));
    assert!(jobs_of_pais(&db).await.is_empty());

    // A later export stands for the one that was given up.
    let later = charges_csv(&CLAIMS[..1]);
    other.load_sound(&db.store, &pais_csv(&LINES), Some(&later)).await;
    assert_eq!(cut_over_all(&db.store).await, CutOverReport { turned_on: 3, on_before: 0 });
}

async fn every_page_is_turned_on(db: TestStore) {
    let other = OtherSystem::of_acme(NOW);
    let closed = |n: u32| format!("netflix,closed-{n},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,");
    other.load_sound(&db.store, &pais_csv(&(0..150).map(closed).collect::<Vec<_>>()), None).await;
    assert_eq!(cut_over_all(&db.store).await, CutOverReport { turned_on: 150, on_before: 0 });
    assert_eq!(db.store.count_dark_pais(partner_id("netflix")).await, Ok(0));
}

/// One that was issued here can be turned off alone; until then there is nothing to turn on.
async fn customer_of_onbills_own_is_switched_alone(db: TestStore) {
    let own = db.sign_up_subscriber(1).await.pai;
    let find = async |act| {
        let found = db.store.find_switchable_pais(act, partner_id("netflix"), vec![own]).await;
        found.expect("works").iter().map(|each| (each.pai, each.is_on)).collect::<Vec<_>>()
    };
    assert!(find(SwitchAct::CutOver).await.is_empty());
    assert_eq!(find(SwitchAct::TurnOff).await, [(own, true)]);
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), own).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    assert_eq!(find(SwitchAct::CutOver).await, [(own, false)]);
    assert_eq!(find(SwitchAct::TurnOff).await, [(own, false)]);
}

/// In pages, beside those that are dark or another partner's.
async fn all_pais_of_the_partner_that_are_on_are_listed(db: TestStore) {
    let other = load(&db).await;
    let own = live_on(&db, &other).await;
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), pai_of("ENT-2")).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let list_on = async |partner: &str| {
        let (mut on, mut after) = (BTreeSet::new(), None);
        loop {
            let page = db.store.list_switchable_pais(partner_id(partner), after, 2).await.expect("works");
            let Some(last) = page.last() else { return on };
            after = Some(last.pai);
            on.extend(page.iter().filter(|each| each.is_on).map(|each| each.pai.to_string()));
        }
    };
    let expected = ["ENT-1".to_owned(), "ENT-3".to_owned(), own.to_string()];
    assert_eq!(list_on("netflix").await, BTreeSet::from(expected));
    assert!(list_on("tunes").await.is_empty());
}

async fn refused_lines_are_known(db: TestStore) {
    load(&db).await;
    assert_eq!(db.store.list_refused_lines().await, Ok(Vec::new()));
    db.place.run_sql("UPDATE migration_files SET refused = 2 WHERE kind = 'charges'").await;
    assert_eq!(db.store.list_refused_lines().await, Ok(vec![("charges.csv".to_owned(), 2)]));
}

async fn cut_over_is_in_the_audit(db: TestStore) {
    db.store.record_switch(NOW, stamp(), SwitchAct::CutOver, partner_id("netflix"), 3).await.expect("works");
    let lines = db.store.list_audit_lines(0, 10).await.expect("works");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.act, line.subject.as_deref()), (AuditAct::CutOver, Some("netflix")));
    assert_eq!((line.actor.as_str(), line.reason.as_deref()), ("engineer-1", Some("3 PAIs")));
}

/// The lines of both files, in the order of their text.
pub(crate) async fn write_back(other: &OtherSystem, store: &Store, with_unchanged: bool) -> [Vec<String>; 2] {
    write_files(other, store, with_unchanged).await.1
}

async fn write_files(
    other: &OtherSystem,
    store: &Store,
    with_unchanged: bool,
) -> (Written, [Vec<String>; 2]) {
    let [mut pais, mut charges] = [(); 2].map(|()| csv::Writer::from_writer(Vec::new()));
    let today = parse_day("2026-11-18");
    let way_back =
        WayBack { store, vault: &other.vault, partner: partner_id("netflix"), today, with_unchanged };
    let written = way_back.write(&mut pais, &mut charges, |_| {}).await.expect("writes");
    let lines = [pais, charges].map(|file| {
        let text = String::from_utf8(file.into_inner().expect("is flushed")).expect("is text");
        let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    });
    (written, lines)
}

/// After the cut-over a customer is charged, another one signs up here and is charged, and half of a claim
/// is given back.
pub(crate) async fn live_on(db: &TestStore, other: &OtherSystem) -> Pai {
    cut_over_all(&db.store).await;
    db.post_approved_charge(pai_of("ENT-1"), "n-1", 1599).await;
    let number = Msisdn::parse("+12025550103").expect("is E.164");
    let mut new = new_signup("netflix", 3, "2021-03-16");
    new.pai.number = other.vault.seal_number(&SystemRandom, &number).expect("seals");
    let issued = db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    let IssueSignupResult::Issued(row) = issued else { panic!("{issued:?}") };
    let recorded = db.record_subscription(row.pai, "ps-3", "sub-3").await;
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
    db.post_approved_charge(row.pai, "n-3", 1599).await;
    row.pai
}

async fn what_goes_back_is_what_has_changed(db: TestStore) {
    let other = load(&db).await;
    assert_eq!(write_back(&other, &db.store, false).await, [Vec::<String>::new(), Vec::new()]);
    let new = live_on(&db, &other).await;
    let [pais, charges] = write_back(&other, &db.store, false).await;
    let named: BTreeSet<String> =
        pais.iter().map(|line| line.split(',').nth(1).unwrap_or_default().to_owned()).collect();
    assert_eq!(named, BTreeSet::from(["ENT-1".to_owned(), new.to_string()]), "{pais:?}");
    let line = pais.iter().find(|line| line.contains("ENT-1")).expect("is there");
    assert_eq!(*line, LINES[0].replace("2026-12-17", "2026-12-31"), "paid until the charge's last day");
    let ids: Vec<&str> = charges.iter().filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(ids, ["n-1", "n-3"], "no claim has changed");
    let [all_pais, all_charges] = write_back(&other, &db.store, true).await;
    assert_eq!((all_pais.len(), all_charges.len()), (4, 4));
    assert!(all_pais.contains(&LINES[1].to_owned()) && all_pais.contains(&LINES[2].to_owned()));
    assert!(CLAIMS.iter().all(|claim| all_charges.contains(&(*claim).to_owned())), "{all_charges:?}");
}

async fn changed_number_goes_back(db: TestStore) {
    let other = load(&db).await;
    cut_over_all(&db.store).await;
    let [old, new] = ["+12025550102", "+12025550109"].map(|text| Msisdn::parse(text).expect("is E.164"));
    let moved = NewAccountEvent {
        event_id: parse_ext_id("e-2"),
        fingerprint: [8; 32],
        event: AccountEvent::NumberChanged,
        number: other.vault.index_number(&old),
        new_number: Some(other.vault.seal_number(&SystemRandom, &new).expect("seals")),
        occurred_at: NOW.plus_seconds(1),
    };
    db.store.record_account_event(Some(fresh_nonce()), NOW.plus_seconds(1), moved).await.expect("works");
    let [pais, charges] = write_back(&other, &db.store, false).await;
    assert_eq!(pais, [LINES[1].replace("+12025550102", "+12025550109")]);
    assert_eq!(charges, Vec::<String>::new());
}

async fn charges_and_refunds_that_are_pending_are_counted(db: TestStore) {
    let other = load(&db).await;
    db.place.run_sql("UPDATE transactions SET status = 'PENDING' WHERE ext_transaction_id = 'old-1'").await;
    cut_over_all(&db.store).await;
    let pending = async || write_files(&other, &db.store, true).await.0.pending;
    assert_eq!(pending().await, 0, "the other system finds out about its own");
    db.post_approved_charge(pai_of("ENT-2"), "n-2", 1599).await;
    assert_eq!(pending().await, 0);
    let refunded = db.store.post_refund(fresh_nonce(), NOW, new_refund("n-2", "r-2", Some(100))).await;
    assert!(matches!(refunded, Ok(PostRefundResult::Created(_))), "{refunded:?}");
    assert_eq!(pending().await, 1, "a refund");
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai_of("ENT-1"), "n-1", 1599)).await;
    assert!(matches!(posted, Ok(PostChargeResult::Created(_))), "{posted:?}");
    assert_eq!(pending().await, 2, "and a charge");
}

async fn what_goes_back_loads_to_the_same_state(db: TestStore) {
    let other = load(&db).await;
    live_on(&db, &other).await;
    suspend(&db, &other, "+12025550102").await;
    db.place.run_sql("UPDATE transactions SET refunded_minor = 700 WHERE ext_transaction_id = 'old-1'").await;
    let first = write_back(&other, &db.store, true).await;
    let elsewhere = TestStore::open_beside(&db).await;
    import_accounts(&other, &elsewhere.store).await;
    let files = [pais_csv(&first[0]), charges_csv(&first[1])];
    let (checked, complaints) =
        other.check(&elsewhere.store, &[files[0].as_str()], Some(files[1].as_str())).await;
    assert!(checked.expect("checks").is_clean(), "{complaints:?}");
    other.load_sound(&elsewhere.store, &files[0], Some(&files[1])).await;
    assert_eq!(write_back(&other, &elsewhere.store, true).await, first);
    cut_over_all(&elsewhere.store).await;
    assert_eq!(write_back(&other, &elsewhere.store, true).await, first);
}
