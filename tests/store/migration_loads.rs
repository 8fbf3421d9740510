//! Files of another system, as they come: sound, bad, repeated, changed, and loaded in several runs.

use crate::dark_pais::pai_of;
use crate::test_store::{TestStore, new_charge, new_pai, new_subscription, subscription_terms};
use crate::test_values::{NOW, fresh_nonce, partner_id};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::PaiState;
use onbill_origin::config::ChargeNeeds;
use onbill_origin::migration_files::{Ceilings, LoadError, LoadedFile};
use onbill_origin::store::{FaultHook, StoreError};
use onbill_test_harness::other_system::{OtherSystem, charges_csv, pais_csv};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

on_each_database!(
    same_files_again_change_nothing,
    changed_line_is_named_and_only_a_later_state_is_taken_over,
    line_that_contradicts_the_ledger_is_named_by_the_check_and_not_loaded,
    lines_that_contradict_each_other_are_all_refused,
    too_many_bad_lines_load_nothing,
    file_of_another_kind_is_named,
    check_writes_nothing,
    interrupted_load_continues_after_its_last_batch,
    older_file_does_not_undo_a_newer_one,
    claims_of_a_pai_that_was_loaded_do_not_need_its_line,
    closed_pai_takes_its_closed_line,
    closed_pai_before_the_open_one_is_of_the_same_subscriber,
    open_pai_needs_what_its_charges_will_need,
);

const ACCOUNTS: [&str; 4] = [
    "+12025550101,active,postpaid,,USD,2021-03-14",
    "+12025550102,suspended,postpaid,,USD,2021-03-14",
    "+12025550103,ceased,postpaid,,USD,2021-03-14",
    "+12025550104,active,postpaid,,USD,2025-01-01",
];

fn pai_line(pai: &str, number: &str, more: &str) -> String {
    format!("netflix,{pai},{number},2021-03-14,ACTIVE,2022-09-28T12:01:05Z,{more}")
}

/// With a subscription under this id.
fn subscribed_line(pai: &str, number: &str, id: &str) -> String {
    pai_line(pai, number, &format!("{id},NEW_ACCOUNT,standard,1599,USD,2026-12-17,2022-09-28T12:00:00Z,shop"))
}

fn charge_line(id: &str, pai: &str, refunded: i64) -> String {
    format!(
        "netflix,{id},{pai},1599,USD,{refunded},APPROVED,line-{id},2026-11-17T12:00:00Z,2026-11-17,2026-12-16"
    )
}

async fn begin(db: &TestStore) -> OtherSystem {
    let other = OtherSystem::of_acme(NOW);
    other.import_accounts(&db.store, &ACCOUNTS).await;
    other
}

/// Loaded, unchanged, updated and refused lines of each file.
fn counts(files: &[LoadedFile]) -> Vec<[u64; 4]> {
    files.iter().map(|file| [file.loaded, file.unchanged, file.updated, file.refused]).collect()
}

async fn same_files_again_change_nothing(db: TestStore) {
    let other = begin(&db).await;
    let lines =
        [subscribed_line("pci1", "+12025550101", "s-1"), subscribed_line("pci2", "+12025550102", "s-pci2")];
    let (pais, charges) = (pais_csv(&lines), charges_csv(&[charge_line("c-1", "pci1", 600)]));
    let first = other.load_sound(&db.store, &pais, Some(&charges)).await;
    assert_eq!(counts(&first), [[2, 0, 0, 0], [1, 0, 0, 0]]);
    let tables =
        ["pais", "subscribers", "transactions", "mandates", "migration_files WHERE state = 'LOADED'"];
    for table in tables {
        let rows = if table.starts_with("transactions") { 1 } else { 2 };
        assert_eq!(db.place.count_rows(table).await, rows, "{table}");
    }
    assert_eq!(db.place.count_rows("migration_files WHERE length(sha256) = 32").await, 2);
    // The account is suspended, whatever the other system says.
    let second = db.store.find_pai(partner_id("netflix"), pai_of("pci2")).await.expect("works");
    assert_eq!(second.map(|row| row.state), Some(PaiState::Suspended));
    let again = other.load_sound(&db.store, &pais, Some(&charges)).await;
    assert_eq!(counts(&again), [[0, 2, 0, 0], [0, 1, 0, 0]]);
    // In other bytes, the same lines are the same.
    let spelled = format!("\u{feff}{}", pais.replace('\n', "\r\n"));
    let again = other.load_sound(&db.store, &spelled, Some(&charges)).await;
    assert_eq!(counts(&again), [[0, 2, 0, 0], [0, 1, 0, 0]]);
    for table in tables {
        let rows = match table {
            "pais" | "subscribers" | "mandates" => 2,
            "transactions" => 1,
            _ => 3,
        };
        assert_eq!(db.place.count_rows(table).await, rows, "{table}");
    }
    assert_eq!(db.lease_due(600).await.len(), 0);
}

async fn changed_line_is_named_and_only_a_later_state_is_taken_over(db: TestStore) {
    let other = begin(&db).await;
    let line = subscribed_line("pci1", "+12025550101", "s-1");
    let charge = charge_line("c-1", "pci1", 0);
    other.load_sound(&db.store, &pais_csv(&[&line]), Some(&charges_csv(&[&charge]))).await;

    let (other_plan, other_amount) = (line.replace("standard", "premium"), charge.replace("1599", "1699"));
    let (pais, charges) = (pais_csv(&[other_plan]), charges_csv(&[other_amount]));
    let (loaded, complaints) = other.load(&db.store, &[&pais], Some(&charges)).await;
    assert_eq!(counts(&loaded.expect("loads")), [[0, 0, 0, 1], [0, 0, 0, 1]]);
    assert_eq!(
        complaints,
        [
            "pais.csv changed: line 2, column pai: was loaded before with other values",
            "charges.csv changed: line 2, column ext_transaction_id: was loaded before with other values"
        ]
    );
    assert_eq!(db.place.count_rows("mandates WHERE plan = 'standard'").await, 1);

    let suspended = pais_csv(&[line.replace("ACTIVE", "SUSPENDED").replace("2026-12-17", "2027-01-17")]);
    let refunded = charges_csv(&[charge_line("c-1", "pci1", 500)]);
    let files = other.load_sound(&db.store, &suspended, Some(&refunded)).await;
    assert_eq!(counts(&files), [[0, 0, 1, 0], [0, 0, 1, 0]]);
    assert_eq!(db.place.count_rows("pais WHERE state = 'SUSPENDED' AND paid_until = '2027-01-17'").await, 1);
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 500").await, 1);
    let closed = pais_csv(&[line.replace("ACTIVE", "CLOSED")]);
    assert_eq!(counts(&other.load_sound(&db.store, &closed, None).await), [[0, 0, 1, 0]]);
    // The very first file again would be refused as an older one.
    let (_, complaints) = other.load(&db.store, &[&pais_csv(&[line.replace("2026", "2027")])], None).await;
    assert_eq!(complaints.len(), 1, "closed is permanent: {complaints:?}");
    assert_eq!(db.lease_due(600).await.len(), 0, "it was dark all the time");
}

async fn line_that_contradicts_the_ledger_is_named_by_the_check_and_not_loaded(db: TestStore) {
    let other = begin(&db).await;
    let number = other.vault.index_number(&Msisdn::parse("+12025550104").expect("is E.164"));
    let mut own = new_pai("netflix", 4, "2025-01-01");
    own.number.index = number;
    let own = db.store.issue_pai(None, NOW, own).await.expect("works").expect("is issued");
    let subscribing = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("netflix"),
        "ps-1".to_owned(),
        new_subscription(own.pai, "s-taken"),
        subscription_terms(),
    );
    subscribing.await.expect("works");
    db.post_new_charge(new_charge(own.pai, "c-taken", 1599)).await;
    let lines = [
        subscribed_line("unknown", "+12025550199", "s-unknown"),
        subscribed_line("ceased", "+12025550103", "s-ceased"),
        subscribed_line("another", "+12025550102", "s-another").replace("2021-03-14", "2019-01-01"),
        subscribed_line("second", "+12025550104", "s-second").replace("2021-03-14", "2025-01-01"),
        format!("netflix,{},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,", own.pai),
        subscribed_line("other", "+12025550101", "s-other").replace("netflix", "tunes"),
        subscribed_line("sound", "+12025550101", "s-1"),
    ];
    let charges = charges_csv(&[charge_line("c-taken", "sound", 0), charge_line("c-1", "sound", 0)]);
    let complaints = [
        "pais.csv number-unknown: line 2, column msisdn: has no account",
        "pais.csv number-ceased: line 3, column msisdn: has an account that has ended",
        "pais.csv another-subscriber: line 4, column subscriber_ref: is not the present subscriber of this number",
        "pais.csv two-open-pais: line 5, column msisdn: has an open PAI at this partner in the ledger: \
         end that by close-pai, if its sign-up was left",
        "pais.csv pai-taken: line 6, column pai: is a PAI that onbill issued, or one of another partner",
        "charges.csv charge-taken: line 2, column ext_transaction_id: was posted to onbill",
    ];
    let pais = pais_csv(&lines);
    let (checked, found) = other.check(&db.store, &[&pais], Some(&charges)).await;
    assert_eq!(found, complaints);
    assert!(!checked.expect("is read").is_clean());
    let (loaded, found) = other.load(&db.store, &[&pais], Some(&charges)).await;
    assert_eq!(found, complaints);
    assert_eq!(counts(&loaded.expect("loads")), [[2, 0, 0, 5], [1, 0, 0, 1]]);

    let taken = pais_csv(&[subscribed_line("again", "+12025550102", "s-taken")]);
    let (_, found) = other.load(&db.store, &[&taken], None).await;
    assert!(found[0].contains("subscription-taken: line 2, column ext_subscription_id"), "{found:?}");
    assert_eq!(db.place.count_rows("pais WHERE pai = 'again'").await, 0);
}

async fn lines_that_contradict_each_other_are_all_refused(db: TestStore) {
    let other = begin(&db).await;
    let first = pais_csv(&[
        subscribed_line("twice", "+12025550101", "s-twice"),
        subscribed_line("one", "+12025550102", "s-one"),
        subscribed_line("two", "+12025550102", "s-two"),
        pai_line("euro", "+12025550104", "s-1,NEW_ACCOUNT,standard,1599,EUR,,,"),
    ]);
    let second = pais_csv(&[subscribed_line("twice", "+12025550101", "s-twice")]);
    let charges = charges_csv(&[
        charge_line("c-1", "unloaded", 0),
        charge_line("c-2", "twice", 1600),
        charge_line("c-3", "twice", 0).replace("USD", "EUR"),
    ]);
    let (loaded, complaints) = other.load(&db.store, &[&first, &second], Some(&charges)).await;
    let kinds: Vec<_> = complaints.iter().map(|it| it.split_once(':').expect("has a kind").0).collect();
    assert_eq!(
        kinds,
        [
            "pais.csv currency",
            "pais.csv pai-twice",
            "pais-1.csv pai-twice",
            "pais.csv two-open-pais",
            "pais.csv two-open-pais",
            "charges.csv pai-unknown",
            "charges.csv refunded-above-charged",
            "charges.csv currency",
        ]
    );
    assert_eq!(counts(&loaded.expect("loads")), [[0, 0, 0, 4], [0, 0, 0, 1], [0, 0, 0, 3]]);
    assert_eq!(db.place.count_rows("pais").await, 0);
}

async fn too_many_bad_lines_load_nothing(db: TestStore) {
    let mut other = begin(&db).await;
    let sound = |n: u32| format!("netflix,closed-{n},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,");
    let mut lines: Vec<String> = (0..18).map(sound).collect();
    lines.insert(4, "broken".to_owned());
    lines.insert(12, subscribed_line("unknown", "+12025550199", "s-unknown"));
    let ceilings = |bad_percent, bad_in_a_row| Ceilings { bad_percent, bad_in_a_row };
    for (ceilings, why) in [(ceilings(9, 10), "2 of 20 lines are bad"), (ceilings(10, 1), "all bad")] {
        other.ceilings = ceilings;
        let (loaded, complaints) = other.load(&db.store, &[&pais_csv(&lines)], None).await;
        assert!(matches!(&loaded, Err(LoadError::AboveCeiling(said)) if said.contains(why)), "{loaded:?}");
        assert_eq!(complaints.len(), 2, "all are named");
        assert_eq!(db.place.count_rows("pais").await, 0);
    }
    other.ceilings = ceilings(10, 2);
    let (loaded, _) = other.load(&db.store, &[&pais_csv(&lines)], None).await;
    assert_eq!(counts(&loaded.expect("loads")), [[18, 0, 0, 2]]);
}

async fn file_of_another_kind_is_named(db: TestStore) {
    let other = begin(&db).await;
    let sound = pais_csv(&[subscribed_line("pci1", "+12025550101", "s-pci1")]);
    let utf_16: String = sound.chars().flat_map(|each| [each, '\0']).collect();
    let (no_lines, semicolons) = (pais_csv(&[""]), sound.replace(',', ";"));
    let charges_first = charges_csv(&[charge_line("c-1", "pci1", 0)]);
    for (pais, charges, name, begins) in [
        ("", None, "pais.csv", "is empty"),
        (no_lines.as_str(), None, "pais.csv", "has no line"),
        (charges_first.as_str(), None, "pais.csv", "is a file of charges"),
        (utf_16.as_str(), None, "pais.csv", "is UTF-16"),
        (semicolons.as_str(), None, "pais.csv", "has semicolons"),
        (sound.as_str(), Some(sound.as_str()), "charges.csv", "is a file of PAIs"),
    ] {
        let (loaded, _) = other.load(&db.store, &[pais], charges).await;
        let Err(LoadError::WrongFile { name: found, why }) = loaded else { panic!("{loaded:?}") };
        assert!(found == name && why.starts_with(begins), "{found}: {why}");
        assert_eq!(db.place.count_rows("migration_files").await, 0);
    }
    // A line of 30 megabytes is refused alone.
    let long = pai_line(&"9".repeat(30_000_000), "+12025550101", ",,,,,,,");
    let (loaded, complaints) = other.load(&db.store, &[&format!("{sound}{long}\n")], None).await;
    assert_eq!(counts(&loaded.expect("loads")), [[1, 0, 0, 1]]);
    assert_eq!(complaints, ["pais.csv unreadable: line 3: is longer than 16384 bytes"]);
}

async fn check_writes_nothing(db: TestStore) {
    let other = begin(&db).await;
    let lines = [subscribed_line("pci1", "+12025550101", "s-1")];
    let (pais, charges) = (pais_csv(&lines), charges_csv(&[charge_line("c-1", "pci1", 0)]));
    let (checked, complaints) = other.check(&db.store, &[&pais], Some(&charges)).await;
    assert!(checked.expect("is read").is_clean(), "{complaints:?}");
    for table in ["pais", "subscribers", "transactions", "migration_files"] {
        assert_eq!(db.place.count_rows(table).await, 0, "{table}");
    }
}

/// Fails the second batch, which was written or not.
struct SecondBatchFails(AtomicU32);

#[async_trait]
impl FaultHook for SecondBatchFails {
    async fn around(&self, name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError> {
        if name == "load_dark_pais" && self.0.fetch_add(1, Ordering::Relaxed) == 1 {
            return Err(StoreError::Interrupted);
        }
        use_case.await;
        Ok(())
    }
}

async fn interrupted_load_continues_after_its_last_batch(db: TestStore) {
    let other = begin(&db).await;
    let sound = |n: u32| format!("netflix,closed-{n},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,");
    let pais = pais_csv(&(0..1_200).map(sound).collect::<Vec<_>>());
    let failing = db.store.with_faults(Arc::new(SecondBatchFails(AtomicU32::new(0))));
    let charges = charges_csv(&[charge_line("c-1", "closed-1", 0)]);
    let (loaded, _) = other.load(&failing, &[&pais], Some(&charges)).await;
    assert!(matches!(loaded, Err(LoadError::Store(StoreError::Interrupted))), "{loaded:?}");
    let unfinished = "migration_files WHERE state = 'LOADING' AND kind = 'charges' AND loaded_through = 0";
    assert_eq!(db.place.count_rows(unfinished).await, 1, "no PAI is turned on without its charges");
    assert_eq!(db.place.count_rows("pais").await, 500);
    assert_eq!(
        db.place.count_rows("migration_files WHERE state = 'LOADING' AND loaded_through = 501").await,
        1
    );
    let files = other.load_sound(&db.store, &pais, None).await;
    assert_eq!((counts(&files), files[0].resumed_after), (vec![[700, 0, 0, 0]], 501));
    assert_eq!(db.place.count_rows("pais").await, 1_200);
}

async fn older_file_does_not_undo_a_newer_one(db: TestStore) {
    let other = begin(&db).await;
    let line = subscribed_line("pci1", "+12025550101", "s-1");
    let older = [pais_csv(&[&line]), charges_csv(&[charge_line("c-1", "pci1", 100)])];
    let newer =
        [pais_csv(&[line.replace("ACTIVE", "SUSPENDED")]), charges_csv(&[charge_line("c-1", "pci1", 600)])];
    for [pais, charges] in [&older, &newer] {
        other.load_sound(&db.store, pais, Some(charges)).await;
    }
    let (loaded, complaints) = other.load(&db.store, &[&older[0]], Some(&older[1])).await;
    assert_eq!(counts(&loaded.expect("loads")), [[0, 0, 0, 1], [0, 0, 0, 1]], "{complaints:?}");
    // So is one that was never loaded.
    let less = charge_line("c-1", "pci1", 500);
    for charge in [less.clone(), less.replace("APPROVED", "DECLINED").replace("500", "0")] {
        let charges = charges_csv(&[charge]);
        let (_, complaints) = other.load(&db.store, &[&newer[0]], Some(&charges)).await;
        let changed =
            "charges.csv changed: line 2, column ext_transaction_id: was loaded before with other values";
        assert_eq!(complaints, [changed]);
    }
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 600").await, 1);
    assert_eq!(db.place.count_rows("pais WHERE state = 'SUSPENDED'").await, 1);
}

async fn claims_of_a_pai_that_was_loaded_do_not_need_its_line(db: TestStore) {
    let other = begin(&db).await;
    let line = subscribed_line("pci1", "+12025550101", "s-1");
    other.load_sound(&db.store, &pais_csv(&[&line]), None).await;
    let changed = pais_csv(&[line.replace("standard", "premium")]);
    let charges = charges_csv(&[charge_line("c-1", "pci1", 0)]);
    let (loaded, complaints) = other.load(&db.store, &[&changed], Some(&charges)).await;
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert_eq!(counts(&loaded.expect("loads")), [[0, 0, 0, 1], [1, 0, 0, 0]]);
}

async fn closed_pai_takes_its_closed_line(db: TestStore) {
    let other = begin(&db).await;
    let line = subscribed_line("pci1", "+12025550101", "s-1");
    other.load_sound(&db.store, &pais_csv(&[&line]), None).await;
    // The account ends here, and both systems learn of it.
    db.place
        .run_sql("UPDATE pais SET state = 'CLOSED', closed_reason = 'account-closed', closed_at = 1")
        .await;
    let closed = pais_csv(&[line.replace("ACTIVE", "CLOSED")]);
    assert_eq!(counts(&other.load_sound(&db.store, &closed, None).await), [[0, 0, 1, 0]]);
    assert_eq!(counts(&other.load_sound(&db.store, &closed, None).await), [[0, 1, 0, 0]]);
}

async fn open_pai_needs_what_its_charges_will_need(db: TestStore) {
    let mut other = begin(&db).await;
    let priced = subscribed_line("pci1", "+12025550101", "s-1");
    let lines = [
        pai_line("pci4", "+12025550104", ",,,,,,,").replace("2021-03-14", "2025-01-01"),
        priced.replace("1599,USD", ","),
        "netflix,pci9,,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,".to_owned(),
    ];
    let pais = pais_csv(&lines);
    let subscription = "pais.csv value: line 2, column ext_subscription_id: must not be empty: by charge_needs, \
                        charges of an open PAI need a subscription";
    let price = "pais.csv value: line 3, column price: must not be empty: by charge_needs, charges of an open PAI need \
                 an agreed price";
    for (needs, expected) in [
        (ChargeNeeds::Mandate, vec![subscription, price]),
        (ChargeNeeds::Subscription, vec![subscription]),
        (ChargeNeeds::Pai, vec![]),
    ] {
        set_charge_needs(&mut other, needs);
        let (_, complaints) = other.check(&db.store, &[&pais], None).await;
        assert_eq!(complaints, expected, "{needs:?}");
    }
    set_charge_needs(&mut other, ChargeNeeds::Mandate);
    let (loaded, _) = other.load(&db.store, &[&pais], None).await;
    assert_eq!(counts(&loaded.expect("loads")), [[1, 0, 0, 2]]);
}

fn set_charge_needs(other: &mut OtherSystem, needs: ChargeNeeds) {
    let partner = other.config.partners.iter_mut().find(|partner| partner.id.as_str() == "netflix");
    partner.expect("is sold").charge_needs = needs;
}

async fn closed_pai_before_the_open_one_is_of_the_same_subscriber(db: TestStore) {
    let other = begin(&db).await;
    let closed = |pai: &str, number: &str| subscribed_line(pai, number, pai).replace("ACTIVE", "CLOSED");
    // In one batch, and in another file.
    let first = [
        closed("old1", "+12025550101"),
        subscribed_line("new1", "+12025550101", "s-1"),
        closed("old2", "+12025550102"),
    ];
    other.load_sound(&db.store, &pais_csv(&first), None).await;
    let second = [subscribed_line("new2", "+12025550102", "s-2")];
    other.load_sound(&db.store, &pais_csv(&second), None).await;
    assert_eq!(db.place.count_rows("subscribers").await, 2);
    assert_eq!(db.place.count_rows("subscribers WHERE ended_at IS NULL").await, 2);
    assert_eq!(db.place.count_rows("pais").await, 4);
}
