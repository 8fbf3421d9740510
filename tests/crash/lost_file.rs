//! A database file that is moved away under a serving origin, or is missing at its start.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::turn::TURN;
use onbill_test_harness::wait::wait_until_none;
use std::fs;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn origin_acknowledges_nothing_into_a_file_that_was_moved() {
    let _turn = TURN.lock().await;
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Sqlite).await), LoadingPartner::default());
    let mut origin = system.start_origin().await;
    let (file, away) = (system.db.path(), system.db.path().with_extension("away"));
    partner
        .charge_while(&system, &origin, 1, async {
            partner.until_created(CONNECTIONS).await;
            fs::rename(file, &away).expect("is there");
            partner.until_tally("calls fail", |tally| tally.failed >= 2 * CONNECTIONS).await;
            // What was committed before the move may still be on its way; nothing after it is.
            let created = partner.lock_record().tally.created;
            partner.until_answers(2 * CONNECTIONS).await;
            assert_eq!(partner.lock_record().tally.created, created, "a charge was acknowledged");
        })
        .await;
    assert!(!origin.is_healthy().await, "it is not ready");
    wait_until_none(async || {
        let log = system.read_log();
        let said = log.contains("database-not-writable") && log.contains("moved, deleted or replaced");
        (!said).then_some("there is no alarm")
    })
    .await;
    origin.wait_for_lost_writes().await;
    assert!(!file.exists(), "nothing is made in its place");
    fs::rename(&away, file).expect("is there");
    wait_until_none(async || {
        let ready = origin.is_healthy().await;
        (!ready).then_some("it does not recover")
    })
    .await;
    origin.wait_until_ready().await;
    assert!(system.read_log().contains("database-not-writable is over"));
    partner.charge_while(&system, &origin, 2, partner.until_created(CONNECTIONS)).await;
    assert!(origin.is_alive());
    origin.kill();
    audit_ledger(&system, &partner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_verb_but_init_begins_a_ledger() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let (file, away) = (system.db.path(), system.db.path().with_extension("away"));
    fs::rename(file, &away).expect("is there");
    let list = system.write_file("list.csv", "");
    let list = list.to_str().expect("is UTF-8");
    let report = ["settlement", "--partner", "netflix", "--from", "2026-10-01", "--to", "2026-10-31"];
    for verb in [
        &["serve"][..],
        &["import-accounts", list],
        &["account-events", list],
        &["outbox", "list"],
        &["alarms"],
        &["alarms", "close", "coupon-unpaid"],
        &["outbox", "redrive", "--all"],
        &report,
        &["close-pai", "netflix", &system.people[0].pai, "account-closed"],
        &["kv-sync", "--dry-run"],
        &["coupons", "list"],
        &["coupons", "issue", list],
        &["erase", list],
        &["rotate-keys"],
    ] {
        let run = system.command_line().args(verb).output().expect("the program starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{verb:?}: {said}");
        assert!(said.contains("has no ledger") && said.contains("onbill-origin init"), "{verb:?}: {said}");
        assert!(!file.exists(), "{verb:?} has made a file");
    }
    fs::rename(&away, file).expect("is there");
    let run = system.command_line().arg("init").output().expect("the program starts");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{said}");
    assert!(said.contains("has a ledger already"), "{said}");
}
