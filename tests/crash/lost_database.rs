//! A database that goes away under load: its connections are cut, or the server itself crashes. The
//! origin stays up, and continues by itself when the database is back.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::turn::TURN;
use onbill_test_harness::Dice;
use onbill_test_harness::environment::{read_number, read_variable};
use onbill_test_harness::origin_process::OriginProcess;
use onbill_test_harness::wait::wait_until_none;
use std::process::Command;
use std::sync::Arc;

/// How often the database goes away.
const USUAL_CUTS: u64 = 20;
const USUAL_CRASHES: u64 = 3;
/// Charges that are created before the server crashes, and after it is back: about one for each
/// caller.
const CREATED: u64 = CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_no_charge_with_its_connections() {
    let _turn = TURN.lock().await;
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Postgres).await), LoadingPartner::default());
    let mut dice = Dice::new(read_number("ONBILL_SEED").unwrap_or(1));
    let mut origin = system.start_origin().await;
    let mut cut = 0;
    partner
        .charge_while(&system, &origin, 1, async {
            for _ in 0..read_number("ONBILL_CYCLES").unwrap_or(USUAL_CUTS) {
                partner.until_answers(1 + dice.draw_below(100)).await;
                cut += system.db.cut_connections().await;
            }
        })
        .await;
    assert!(cut > 0 && partner.lock_record().tally.failed > 0, "nothing was cut in the middle: {cut}");
    goes_on(&system, &partner, &mut origin).await;
    origin.kill();
    audit_ledger(&system, &partner).await;
}

/// One of the server's processes is killed by SIGKILL: all of them end with it, and the server
/// recovers from its log.
///
/// Only with a server that was started for the tests, as `ONBILL_POSTGRES_MAY_DIE` says.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_no_charge_when_the_server_crashes() {
    let _turn = TURN.lock().await;
    if read_variable("ONBILL_POSTGRES_MAY_DIE").is_none() {
        println!("not run: the server in DATABASE_URL is somebody else's");
        return;
    }
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Postgres).await), LoadingPartner::default());
    let mut origin = system.start_origin().await;
    partner
        .charge_while(&system, &origin, 1, async {
            for _ in 0..USUAL_CRASHES {
                partner.until_created(CREATED).await;
                let processes = system.db.list_connections().await;
                let process = processes.first().expect("the origin is connected");
                let killed = Command::new("kill").args(["-KILL", process]).status().expect("there is a kill");
                assert!(killed.success());
                wait_until_none(async || {
                    let back = system.db.has_recovered_from(process).await;
                    (!back).then_some("the server does not come back")
                })
                .await;
            }
        })
        .await;
    assert!(partner.lock_record().tally.failed > 0, "nobody noticed");
    goes_on(&system, &partner, &mut origin).await;
    origin.kill();
    audit_ledger(&system, &partner).await;
}

/// The same process charges again, without a restart.
pub(crate) async fn goes_on(system: &Arc<CrashSystem>, partner: &LoadingPartner, origin: &mut OriginProcess) {
    assert!(origin.is_alive(), "the origin has ended");
    wait_until_none(async || {
        let healthy = origin.is_healthy().await;
        (!healthy).then_some("the origin does not come back")
    })
    .await;
    assert_eq!(partner.lock_record().tally.cut_off, 0, "callers get an answer, and be it 503");
    let before = partner.lock_record().tally.clone();
    partner.charge_while(system, origin, 2, partner.until_created(CREATED)).await;
    assert_eq!(partner.lock_record().tally.failed, before.failed, "the origin has not recovered");
}
