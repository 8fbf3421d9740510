//! `kill -9` under load, repeatedly.

use crate::audit::audit_ledger;
use crate::billing::billing_faults;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner};
use crate::turn::TURN;
use onbill_test_harness::Dice;
use onbill_test_harness::environment::read_number;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Enough to meet each kind of fault, in some ten seconds for each database.
const USUAL_CYCLES: u64 = 10;
/// Fewest responses that the load gets in a cycle with healthy billing: one for each caller.
const ANSWERS_MIN: u64 = CONNECTIONS;
/// An audit posts everything again, so a long run has it only now and then.
const CYCLES_BETWEEN_AUDITS: u64 = 25;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_survives_being_killed() {
    survive_kills(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_survives_being_killed() {
    survive_kills(DbKind::Postgres).await;
}

async fn survive_kills(kind: DbKind) {
    let _turn = TURN.lock().await;
    let cycles = read_number("ONBILL_CYCLES").unwrap_or(USUAL_CYCLES);
    let mut dice = Dice::new(read_number("ONBILL_SEED").unwrap_or(1));
    let (system, partner) = (Arc::new(CrashSystem::new(kind).await), LoadingPartner::default());
    for cycle in 1..=cycles {
        one_life(&system, &partner, &mut dice).await;
        if cycle % CYCLES_BETWEEN_AUDITS == 0 || cycle == cycles {
            audit_ledger(&system, &partner).await;
            let memory = partner.lock_record();
            println!(
                "{kind:?}: killed {cycle} of {cycles} times; {} charges, {:?}",
                memory.asked.len(),
                memory.tally
            );
        }
    }
    let tally = partner.lock_record().tally.clone();
    // Without interrupted and repeated calls, the test proves nothing.
    let met = [tally.created, tally.replayed, tally.in_progress, tally.cut_off];
    assert!(met.iter().all(|count| *count > 0), "{tally:?}");
}

/// Starts, loads, kills. In two of three cycles billing has faults for a while; before every other
/// one, the jobs that the last one left open become due.
///
/// With healthy billing a cycle lasts until some responses have come. A call that billing holds has
/// no response for seconds: there the time is random, so that the kill comes in the middle of it.
/// Nothing depends on how much fits into it.
async fn one_life(system: &Arc<CrashSystem>, partner: &LoadingPartner, dice: &mut Dice) {
    if dice.draw_below(2) == 0 {
        system.db.let_time_pass().await;
    }
    let origin = system.start_origin().await;
    let (calm, ill, last) = (dice.draw_below(100), dice.draw_below(200), dice.draw_below(200));
    let fault = (dice.draw_below(3) > 0).then(|| dice.pick_one(&billing_faults()).clone());
    let mut callers = partner.begin_load(system, &origin, dice.draw_below(1 << 32));
    partner.until_answers(calm).await;
    if let Some(fault) = fault {
        system.billing.inject_faults(&fault).await;
        sleep(Duration::from_millis(ill)).await;
        system.billing.inject_faults(&json!({})).await;
        sleep(Duration::from_millis(last)).await;
    } else {
        partner.until_answers(ANSWERS_MIN + last).await;
    }
    origin.kill();
    callers.end_load().await;
}
