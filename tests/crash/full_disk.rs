//! A disk that fills up under load, and has room again later.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::turn::TURN;
use onbill_test_harness::wait::wait_until_none;
use std::sync::Arc;

/// Charges that are answered before the disk fills up, and again when it has room. So few that the
/// write-ahead log still grows: at 4 MiB it begins at its start again, and then the disk has room
/// for a thousand charges more.
const ANSWERED: u64 = 20;
/// What can still be written to the largest file then: some dozen charges, so that the end comes in
/// the middle of the write-ahead log and in the middle of the load.
const ROOM_BYTES: u64 = 64 * 1024;
/// Calls that fail on the full disk: about one for each caller.
const FAILED: u64 = CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_no_charge_on_a_full_disk() {
    let _turn = TURN.lock().await;
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Sqlite).await), LoadingPartner::default());
    // Opening and closing the file moves the log of the sign-ups into it: the load begins with an
    // empty log.
    system.db.let_time_pass().await;
    let mut origin = system.start_on_a_small_disk().await;
    partner
        .charge_while(&system, &origin, 1, async {
            partner.until_created(ANSWERED).await;
            origin.limit_files(Some(system.largest_file_bytes() + ROOM_BYTES));
            partner.until_tally("calls fail", |tally| tally.failed >= FAILED).await;
        })
        .await;
    let full = partner.lock_record().tally.clone();
    assert!(
        system.read_log().contains("the commit failed: disk I/O error"),
        "it failed for another reason: {full:?}"
    );
    assert!(full.cut_off == 0 && origin.is_alive(), "it ended: {full:?}");
    wait_until_none(async || {
        let ready = origin.is_healthy().await;
        ready.then_some("it does not notice that the disk is full")
    })
    .await;
    origin.wait_for_lost_writes().await;
    assert!(system.read_log().contains("database-not-writable"), "there is no alarm");
    origin.limit_files(None);
    wait_until_none(async || {
        let ready = origin.is_healthy().await;
        (!ready).then_some("it does not notice that there is room again")
    })
    .await;
    origin.wait_until_ready().await;
    assert!(system.read_log().contains("database-not-writable is over"));
    partner.charge_while(&system, &origin, 2, partner.until_created(ANSWERED)).await;
    let after = partner.lock_record().tally.clone();
    assert_eq!(after.failed, full.failed, "the origin has not recovered");
    origin.kill();
    audit_ledger(&system, &partner).await;
}
