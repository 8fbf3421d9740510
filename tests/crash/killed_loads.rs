//! `switch load` beside a serving origin, killed at random moments. Each run goes on after the last one,
//! each line is loaded once, no charge is refused meanwhile, and no party is informed.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::LoadingPartner;
use crate::turn::TURN;
use onbill_test_harness::Dice;
use onbill_test_harness::environment::read_number;
use onbill_test_harness::other_system::{charges_csv, pais_csv};
use onbill_test_harness::wait::wait_until_none;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

/// Kills on each database in a run of the usual length.
const USUAL_CYCLES: u64 = 6;
/// Lines of a batch.
const BATCH: u64 = 500;
/// A run is killed within so many batches.
const BATCHES_BEFORE_KILL: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loads_each_line_once_however_often_it_is_killed() {
    load_each_line_once(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loads_each_line_once_however_often_it_is_killed() {
    load_each_line_once(DbKind::Postgres).await;
}

async fn load_each_line_once(kind: DbKind) {
    let _turn = TURN.lock().await;
    let cycles = read_number("ONBILL_CYCLES").unwrap_or(USUAL_CYCLES);
    let mut dice = Dice::new(read_number("ONBILL_SEED").unwrap_or(1));
    let (system, partner) = (Arc::new(CrashSystem::new(kind).await), LoadingPartner::default());
    let origin = system.start_origin().await;
    let lines = count_lines(cycles);
    let pais = system.write_file("pais.csv", &pai_lines(lines));
    let charges = system.write_file("charges.csv", &charge_lines(lines));
    let mut callers = partner.begin_light_load(&system, &origin, 11);
    for _ in 0..cycles {
        let mut run = begin_load(&system, &pais, &charges);
        let goal = count_loaded(&system).await + 1 + dice.draw_below(BATCHES_BEFORE_KILL * BATCH);
        wait_until_none(async || {
            let has_ended = !matches!(run.try_wait(), Ok(None));
            let loaded = count_loaded(&system).await;
            (!has_ended && loaded < goal).then(|| format!("{loaded} of {goal} rows are loaded"))
        })
        .await;
        let _ = run.kill();
        let _ = run.wait();
        let loaded = count_loaded(&system).await;
        assert!(loaded >= goal, "a run has ended after {loaded} of {goal} rows");
        assert_whole_batches(&system, lines).await;
    }
    let run = system.command_line().args(["switch", "load"]).arg(&pais).arg(&charges).output();
    let run = run.expect("the program starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    callers.end_load().await;
    partner.lock_record().tally.clone().assert_served();
    for (rows, count) in [
        ("pais WHERE migration_file IS NOT NULL AND dark_since IS NOT NULL", lines),
        ("transactions WHERE migration_file IS NOT NULL", lines),
        ("migration_files WHERE state = 'LOADED'", 2),
    ] {
        assert_eq!(system.db.count_of(rows).await, count, "{rows}");
    }
    let reports = "outbox o JOIN pais p ON p.pai = o.pai WHERE p.migration_file IS NOT NULL";
    assert_eq!(system.db.count_of(reports).await, 0, "no party is informed");
    origin.kill();
    audit_ledger(&system, &partner).await;
}

/// Lines of each file. The two files together have eight batches more than all goals: that is room for what
/// is loaded between a goal and its kill, so that no run comes to its end.
const fn count_lines(cycles: u64) -> u64 {
    (cycles * BATCHES_BEFORE_KILL / 2 + 4) * BATCH
}

/// Rows of both files. It is asked often, so with one query.
async fn count_loaded(system: &CrashSystem) -> u64 {
    let loaded = "(SELECT 1 FROM pais WHERE migration_file > 0
         UNION ALL SELECT 1 FROM transactions WHERE migration_file > 0) AS loaded";
    system.db.count_of(loaded).await
}

/// What is loaded of a file is all up to a line, and nothing after it.
async fn assert_whole_batches(system: &CrashSystem, lines: u64) {
    for table in ["pais", "transactions"] {
        let loaded = system.db.count_of(&format!("{table} WHERE migration_file IS NOT NULL")).await;
        if loaded == lines {
            // A further run begins again with what is there.
            continue;
        }
        assert!(loaded.is_multiple_of(BATCH), "{loaded} rows of {table}");
        let beyond = format!(
            "{table} t WHERE migration_line > (SELECT loaded_through FROM migration_files f
             WHERE f.file_id = t.migration_file)"
        );
        assert_eq!(system.db.count_of(&beyond).await, 0, "{table}: a part of a batch is loaded");
    }
}

fn begin_load(system: &CrashSystem, pais: &Path, charges: &Path) -> Child {
    let mut command = system.command_line();
    command.args(["switch", "load"]).arg(pais).arg(charges);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

/// Closed PAIs need no account, so that the same file serves an origin with any source of accounts.
fn pai_lines(lines: u64) -> String {
    let line = |n: u64| format!("netflix,other-{n},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,");
    pais_csv(&(0..lines).map(line).collect::<Vec<_>>())
}

fn charge_lines(lines: u64) -> String {
    let line = |n: u64| {
        format!(
            "netflix,other-charge-{n},other-{n},1599,USD,0,APPROVED,line-{n},2023-09-28T12:01:05Z,2023-09-28,2023-10-27"
        )
    };
    charges_csv(&(0..lines).map(line).collect::<Vec<_>>())
}
