//! The audit: each act at a desk is one transaction with its entry, entries are in one chain whichever
//! origin adds them, and the chain shows what was changed or removed.

use crate::races::at_once;
use crate::test_store::{TestStore, new_pai};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, sealed_number};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditLine, AuditOutcome};
use onbill_origin::audit::{AuditPart, has_exported, read_audit, verify_ledger};
use onbill_origin::instruments::Alarm;
use onbill_origin::store::{AdoptResult, AuditStamp, ClosePaiResult, LostPai, StoreError};
use onbill_test_harness::database::TestDb;

on_each_database!(
    an_audit_begins_empty,
    acts_are_entries_in_their_order,
    an_act_that_finds_nothing_is_an_entry,
    no_entry_has_a_number,
    a_replayed_call_is_no_entry,
    two_origins_add_to_one_chain,
    a_changed_entry_shows,
    a_removed_entry_shows,
    a_removed_last_entry_shows,
    a_removed_end_shows,
    without_its_end_nothing_is_done,
    an_entry_beyond_the_end_shows,
    an_entry_before_the_first_shows,
    an_entry_with_an_unknown_word_shows,
    an_export_shows_another_chain,
);

/// Of an act without a reference.
pub(crate) fn unnamed_stamp() -> AuditStamp {
    AuditStamp { reference: None, ..stamp("T-0") }
}

pub(crate) fn stamp(reference: &str) -> AuditStamp {
    AuditStamp {
        actor: parse_ext_id("care-17"),
        role: ActorRole::Care,
        key: "bss-1".to_owned(),
        reference: Some(parse_ext_id(reference)),
    }
}

async fn list_entries(db: &TestStore) -> Vec<AuditLine> {
    db.store.list_audit_lines(0, 100).await.expect("works")
}

/// Number of entries, if the chain is whole.
async fn verify(db: &TestStore) -> Result<u64, String> {
    verify_ledger(&db.store).await.expect("reads").map(|end| end.lines)
}

/// Three looks at the number of somebody who has signed up.
async fn look_three_times(db: &TestStore) {
    db.sign_up_subscriber(1).await;
    for n in 1..=3 {
        look(db, &format!("T-{n}"), 1).await;
    }
}

async fn look(db: &TestStore, reference: &str, n: u8) -> Option<String> {
    let subscriber_ref = Some("2024-01-01".to_owned());
    let found = db.store.look_up_for_desk(
        fresh_nonce(),
        NOW,
        stamp(reference),
        sealed_number(n).index,
        subscriber_ref,
    );
    found.await.expect("works").map(|found| found.handle)
}

async fn an_audit_begins_empty(db: TestStore) {
    assert!(list_entries(&db).await.is_empty());
    assert_eq!(verify(&db).await, Ok(0));
}

async fn acts_are_entries_in_their_order(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    assert_eq!(look(&db, "T-1", 1).await.as_deref(), Some(subscriber.handle.as_str()));
    let reason = DeclineReason::PaiRevokedByUser;
    let close =
        |reason| db.store.close_link(Some(fresh_nonce()), NOW, stamp("T-2"), None, subscriber.pai, reason);
    assert_eq!(close(reason).await, Ok(ClosePaiResult::Closed));
    let again = close(DeclineReason::AccountClosedFraud).await;
    assert_eq!(again, Ok(ClosePaiResult::AlreadyClosed(reason)));
    assert_eq!(close(DeclineReason::RiskDeclined).await, Ok(ClosePaiResult::NotAClosingReason));

    let entries = list_entries(&db).await;
    let acts: Vec<_> = entries.iter().map(|entry| (entry.sequence, entry.act, entry.outcome)).collect();
    assert_eq!(
        acts,
        [
            (1, AuditAct::SubscriberLookedUp, AuditOutcome::Done),
            (2, AuditAct::LinkClosed, AuditOutcome::Done),
            (3, AuditAct::LinkClosed, AuditOutcome::Unchanged),
        ]
    );
    let closed = &entries[1];
    assert_eq!(closed.subscriber.as_deref(), Some(subscriber.handle.as_str()));
    assert_eq!(closed.subject, Some(subscriber.pai.to_string()));
    assert_eq!(closed.reason.as_deref(), Some("pai-revoked-by-user"));
    assert_eq!((closed.actor.as_str(), closed.role, closed.at), ("care-17", ActorRole::Care, NOW));
    assert_eq!(closed.key, "bss-1");
    assert_eq!(closed.reference, Some(parse_ext_id("T-2")));
    assert_eq!(verify(&db).await, Ok(3));
}

async fn an_act_that_finds_nothing_is_an_entry(db: TestStore) {
    db.sign_up_subscriber(1).await;
    assert_eq!(look(&db, "T-1", 2).await, None);
    let other_subscriber = db.store.look_up_for_desk(
        fresh_nonce(),
        NOW,
        stamp("T-2"),
        sealed_number(1).index,
        Some("2026-01-01".to_owned()),
    );
    assert_eq!(other_subscriber.await, Ok(None));
    let nobody =
        db.store.look_up_for_desk(fresh_nonce(), NOW, stamp("T-3"), sealed_number(1).index, None).await;
    assert_eq!(nobody, Ok(None));
    let unknown = Pai::parse("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f").expect("is a PAI");
    let closed =
        db.store.close_link(None, NOW, stamp("T-4"), None, unknown, DeclineReason::AccountClosed).await;
    assert_eq!(closed, Ok(ClosePaiResult::NotFound));
    assert_eq!(db.store.redrive_by_hand(None, NOW, stamp("T-5"), 404).await, Ok(false));
    let alarms = db.store.close_seen_alarms(NOW, stamp("T-6"), Alarm::OutboxParked, None).await;
    assert_eq!(alarms, Ok(0));

    let entries = list_entries(&db).await;
    assert_eq!(entries.len(), 6);
    for entry in &entries {
        assert_eq!((entry.outcome, &entry.subscriber), (AuditOutcome::NotFound, &None), "{entry:?}");
    }
    assert_eq!(entries[4].subject.as_deref(), Some("job 404"));
    assert_eq!(verify(&db).await, Ok(6));
}

/// A PAI of another system can be a number, and so can what somebody types for one.
async fn no_entry_has_a_number(db: TestStore) {
    let pai = Pai::parse("12025550188").expect("is a PAI");
    let close = async || {
        let reason = DeclineReason::PaiRevokedByUser;
        db.store.close_link(None, NOW, stamp("T-1"), None, pai, reason).await.expect("works")
    };
    assert_eq!(close().await, ClosePaiResult::NotFound);
    let mut new = new_pai("netflix", 1, "2024-01-01");
    new.fresh.pai = pai;
    let lost = LostPai { new, state: PaiState::Active, version: 1 };
    assert_eq!(db.store.adopt_pai(NOW, lost).await, Ok(AdoptResult::Adopted));
    assert_eq!(close().await, ClosePaiResult::Closed);

    let entries = list_entries(&db).await;
    let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.as_deref()).collect();
    assert_eq!(subjects, [None, Some(pai.masked().to_string().as_str())]);
    assert!(!format!("{entries:?}").contains("2025550188"), "{entries:?}");
    assert_eq!(verify(&db).await, Ok(2));
}

async fn a_replayed_call_is_no_entry(db: TestStore) {
    let nonce = fresh_nonce();
    for expected in [Ok(None), Err(StoreError::NonceReplayed)] {
        let looked = db.store.look_up_for_desk(
            nonce.clone(),
            NOW,
            stamp("T-1"),
            sealed_number(1).index,
            Some("2024-01-01".to_owned()),
        );
        assert_eq!(looked.await, expected);
    }
    assert_eq!(list_entries(&db).await.len(), 1);
}

async fn two_origins_add_to_one_chain(db: TestStore) {
    let calls = at_once(&db, 12, |store, n| async move {
        let reference = format!("T-{n}");
        let number = sealed_number(1).index;
        store.look_up_for_desk(fresh_nonce(), NOW, stamp(&reference), number, None).await
    });
    for looked in calls.await {
        assert_eq!(looked, Ok(None));
    }
    assert_eq!(verify(&db).await, Ok(12));
}

async fn a_changed_entry_shows(db: TestStore) {
    look_three_times(&db).await;
    assert_eq!(verify(&db).await, Ok(3));
    db.place.run_sql("UPDATE audit SET actor = 'care-18' WHERE sequence = 2").await;
    assert_eq!(verify(&db).await, Err("entry 2 was changed: its hash is another".to_owned()));
}

async fn a_removed_entry_shows(db: TestStore) {
    look_three_times(&db).await;
    db.place.run_sql("DELETE FROM audit WHERE sequence = 2").await;
    assert_eq!(verify(&db).await, Err("before entry 2, an entry is missing or was changed".to_owned()));
}

async fn a_removed_last_entry_shows(db: TestStore) {
    look_three_times(&db).await;
    db.place.run_sql("DELETE FROM audit WHERE sequence = 3").await;
    assert_eq!(verify(&db).await, Err("after entry 2, an entry is missing".to_owned()));
}

async fn a_removed_end_shows(db: TestStore) {
    look_three_times(&db).await;
    db.place.run_sql("DELETE FROM audit_end").await;
    assert_eq!(verify(&db).await, Err("the end is missing after entry 3".to_owned()));
    // What is left can still be read.
    let mut read = 0;
    let end = read_audit(&db.store, async |part| {
        if let AuditPart::Entries(entries) = part {
            read += entries.len();
        }
        true
    });
    let end = end.await.expect("works");
    assert_eq!((read, end.newest, end.stated), (3, 3, None));
}

/// No act goes on as if nothing had been removed.
async fn without_its_end_nothing_is_done(db: TestStore) {
    look_three_times(&db).await;
    db.place.run_sql("DELETE FROM audit_end").await;
    let pai = db.sign_up_subscriber(2).await.pai;
    let closed = db.store.close_link(None, NOW, stamp("T-4"), None, pai, DeclineReason::AccountClosed);
    assert!(closed.await.is_err());
    assert_eq!(db.place.count_rows("pais WHERE state = 'CLOSED'").await, 0);
}

async fn an_entry_beyond_the_end_shows(db: TestStore) {
    look_three_times(&db).await;
    db.place
        .run_sql("UPDATE audit_end SET lines = 2, hash = (SELECT hash FROM audit WHERE sequence = 2)")
        .await;
    assert_eq!(verify(&db).await, Err("after entry 2, there are entries beyond the end".to_owned()));
}

/// Who can write the database can also remove its checks.
async fn an_entry_before_the_first_shows(db: TestStore) {
    look_three_times(&db).await;
    let unchecked = match &db.place {
        TestDb::Sqlite(_) => "PRAGMA ignore_check_constraints = ON",
        TestDb::Postgres { .. } => "ALTER TABLE audit DROP CONSTRAINT audit_sequence_check",
    };
    let forged = format!(
        "{unchecked};
         INSERT INTO audit (sequence, recorded_at, actor, role, key_id, act, outcome, previous, hash)
         SELECT 0, recorded_at, actor, role, key_id, act, outcome, 'forged', hash FROM audit WHERE sequence = 1"
    );
    db.place.run_sql(&forged).await;
    assert_eq!(verify(&db).await, Err("entry 1 was changed: its hash is another".to_owned()));
}

async fn an_entry_with_an_unknown_word_shows(db: TestStore) {
    look_three_times(&db).await;
    db.place.run_sql("UPDATE audit SET role = 'x' WHERE sequence = 2").await;
    let why = "entry 2 was changed: no onbill writes such a value of role";
    assert_eq!(verify(&db).await, Err(why.to_owned()));
    // The others are still read.
    let mut places = Vec::new();
    let read = read_audit(&db.store, async |part| {
        match part {
            AuditPart::Entries(entries) => places.extend(entries.iter().map(|line| Ok(line.sequence))),
            AuditPart::Unreadable { sequence, column } => places.push(Err((sequence, column))),
        }
        true
    });
    read.await.expect("works");
    assert_eq!(places, [Ok(1), Err((2, "role")), Ok(3)]);
}

async fn an_export_shows_another_chain(db: TestStore) {
    look_three_times(&db).await;
    let exported = db.store.find_audit_end().await.expect("works").stated.expect("is there");
    look(&db, "T-4", 1).await;
    assert_eq!(has_exported(&db.store, &exported).await, Ok(true));
    // Somebody begins the audit again, and its own chain is whole.
    db.place.run_sql("DELETE FROM audit; DELETE FROM audit_end").await;
    for n in 5..=8 {
        look(&db, &format!("T-{n}"), 1).await;
    }
    assert_eq!(verify(&db).await, Ok(4));
    assert_eq!(has_exported(&db.store, &exported).await, Ok(false));
}
