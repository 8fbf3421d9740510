//! The origin at a cluster of Patroni, etcd and `HAProxy`, whose primary is killed, stopped, paused
//! and cut off under charges and refunds. `cargo xtask crash --cluster` runs it.

use crate::audit::audit_ledger;
use crate::crash_system::CrashSystem;
use crate::load::LoadingPartner;
use crate::lost_database::goes_on;
use crate::origin_db::OriginDb;
use crate::patroni_cluster::{MachineFault, PatroniCluster};
use crate::turn::TURN;
use onbill_test_harness::environment::{read_number, read_variable};
use onbill_test_harness::unique_name;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const USUAL_FAULTS: u64 = 8;
/// Few enough that an audit of all charges takes minutes.
const CALLERS: u64 = 8;
const BETWEEN_CALLS: Duration = Duration::from_millis(300);
/// After the standby is the primary: `HAProxy` notices it within two of its checks, and the origin
/// tries again within five seconds.
const BACK_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn cluster_of_patroni_loses_no_charge() {
    let _turn = TURN.lock().await;
    if read_variable("ONBILL_CLUSTER").is_none() {
        println!("not run: `cargo xtask crash --cluster` runs it");
        return;
    }
    // The user of the servers has to reach it.
    let folder = std::env::temp_dir().join(format!("onbill-patroni-{}", unique_name()));
    std::fs::create_dir_all(&folder).expect("can be made");
    let mut cluster = PatroniCluster::start(&folder).await;
    let db = OriginDb::in_schema_at(cluster.url.clone()).await;
    let address = db.config_address();
    let system = Arc::new(CrashSystem::on(db, address).await);
    let (mut origin, partner) = (system.start_origin().await, LoadingPartner::default());
    let mut callers = partner.begin_load_of(&system, &origin, 1, CALLERS, BETWEEN_CALLS);
    let faults = [MachineFault::Killed, MachineFault::Paused, MachineFault::CutOff, MachineFault::Stopped];
    let all = read_number("ONBILL_CYCLES").unwrap_or(USUAL_FAULTS);
    for (n, fault) in (1..=all).zip(faults.iter().copied().cycle()) {
        partner.until_created(CALLERS).await;
        let primary = cluster.primary().await.expect("the cluster is whole");
        let since = Instant::now();
        cluster.inflict(fault, primary);
        cluster.until_promoted(primary).await;
        let promoted = Instant::now();
        partner.until_created(1).await;
        let back = promoted.elapsed();
        println!(
            "{n} of {all}: primary {fault:?}; promoted after {} ms, charges went on {} ms later",
            (promoted - since).as_millis(),
            back.as_millis()
        );
        assert!(back < BACK_WITHIN, "{back:?}");
        cluster.mend(fault, primary);
        cluster.until_whole().await;
    }
    callers.end_load().await;
    println!("{:?}", partner.lock_record().tally);
    goes_on(&system, &partner, &mut origin).await;
    origin.kill();
    audit_ledger(&system, &partner).await;
}
