//! Without faults: all concurrent callers are served, and at which rate per second.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::turn::TURN;
use onbill_test_harness::environment::read_number;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Charges that the load has created, unless it is to be measured: several for each caller.
const USUAL_CHARGES: u64 = 4 * CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_serves_all_at_once() {
    serves_all(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_serves_all_at_once() {
    serves_all(DbKind::Postgres).await;
}

/// `ONBILL_THROUGHPUT=SECONDS` measures for longer; only a build with optimisations, of this test
/// too, gives meaningful results.
async fn serves_all(kind: DbKind) {
    let _turn = TURN.lock().await;
    let seconds = read_number("ONBILL_THROUGHPUT");
    let (system, partner) = (Arc::new(CrashSystem::new(kind).await), LoadingPartner::default());
    let origin = system.start_origin().await;
    let enough = async {
        match seconds {
            Some(seconds) => sleep(Duration::from_secs(seconds)).await,
            None => partner.until_created(USUAL_CHARGES).await,
        }
    };
    partner.charge_while(&system, &origin, 1, enough).await;
    let tally = partner.lock_record().tally.clone();
    if let Some(seconds) = seconds {
        let rate = tally.created / seconds;
        println!("{kind:?}: {rate} charges a second over {CONNECTIONS} connections; {tally:?}");
    }
    tally.assert_served();
    origin.kill();
    audit_ledger(&system, &partner).await;
}
