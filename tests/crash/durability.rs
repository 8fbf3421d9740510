//! What the servers of a cluster have to promise: a commit that is confirmed is on two disks, and
//! settings with which it could be lost are refused.

use crate::audit::audit_ledger;
use crate::crash_system::CrashSystem;
use crate::load::{LoadingPartner, PostKind, RequestedCharge, StoredResponses};
use crate::origin_db::OriginDb;
use crate::postgres_cluster::{Cluster, Stop};
use onbill_test_harness::wait::wait_until_none;
use std::sync::Arc;

/// Without its standby the primary waits at each commit. When that wait is cancelled, the server
/// reports success, with a warning: the charge is on one disk only, and the next failover loses it.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_commit_without_its_standby_is_not_confirmed() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let address = db.config_address();
    let system = Arc::new(CrashSystem::on(db, address).await);
    let (origin, partner) = (system.start_origin().await, LoadingPartner::default());
    partner.lock_record().asked.push(RequestedCharge {
        person: 0,
        value: 100,
        month: 0,
        charge: StoredResponses::default(),
        refund: None,
    });
    cluster.standby.stop(Stop::Fast);
    let posted = partner.post_once(&system, &origin.address, 0, PostKind::Charge);
    let (status, ()) = tokio::join!(posted, async {
        wait_until_none(async || (cluster.cancel_waiting_commits().await == 0).then_some("no commit waits"))
            .await;
    });
    let status = status.expect("it answers");
    assert!(status.is_server_error(), "confirmed without the standby: {status}");
    cluster.start_standby().await;
    origin.kill();
    audit_ledger(&system, &partner).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_server_that_does_not_sync_is_refused() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let address = db.config_address();
    let system = CrashSystem::on(db, address).await;
    for (setting, sentence) in
        [("fsync=off", "set fsync=on"), ("full_page_writes=off", "set full_page_writes=on")]
    {
        cluster.restart_primary_with(setting).await;
        let run = system.command_line().args(["outbox", "list"]).output().expect("it starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && said.contains(sentence), "{setting}: {said}");
    }
    let run = system.command_line_with("database_tears_no_pages = true").args(["outbox", "list"]).output();
    let run = run.expect("it starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// An operator may freeze a database by this setting; then nothing is written to it.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_database_that_is_frozen_is_left_alone() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let db = OriginDb::in_schema_at(cluster.url()).await;
    let address = db.config_address();
    let system = CrashSystem::on(db, address).await;
    cluster.restart_primary_with("default_transaction_read_only=on").await;
    let run = system.command_line().args(["outbox", "list"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success() && said.contains("takes no writes"), "{said}");
    // Or the schema could not be dropped.
    cluster.restart_primary_with("default_transaction_read_only=off").await;
}
