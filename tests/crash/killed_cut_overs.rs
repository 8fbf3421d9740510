//! `switch cut-over` and `switch off` beside a serving origin, killed at random moments. Each PAI is turned on
//! whole, with its job for the edge, or is still dark; the last run turns on the rest, and no charge is refused
//! but those of PAIs that are dark.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::LoadingPartner;
use crate::turn::TURN;
use http::StatusCode;
use onbill_test_harness::Dice;
use onbill_test_harness::environment::read_number;
use onbill_test_harness::origin_process::OriginProcess;
use onbill_test_harness::other_system::pais_csv;
use onbill_test_harness::wait::wait_until_none;
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Kills on each database in a run of the usual length.
const USUAL_CYCLES: u64 = 6;
/// PAIs: several times as many as a run that is killed can switch.
const PAIS: u64 = 1_500;
/// A run is killed within so many PAIs, some batches.
const PAIS_BEFORE_KILL: u64 = 300;
/// With fewer PAIs left to switch, the next run switches them the other way. Otherwise runs of both ways take
/// turns.
const PAIS_LEFT_MIN: u64 = 2 * PAIS_BEFORE_KILL;
/// The last PAI in their order, which is that of the cut-over.
const LAST: &str = "other-1499";
/// PAIs that are on.
const ON: &str = "pais WHERE migration_file IS NOT NULL AND dark_since IS NULL AND cut_over_at IS NOT NULL";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_switches_each_pai_whole_however_often_it_is_killed() {
    switch_each_pai_whole(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_switches_each_pai_whole_however_often_it_is_killed() {
    switch_each_pai_whole(DbKind::Postgres).await;
}

async fn switch_each_pai_whole(kind: DbKind) {
    let _turn = TURN.lock().await;
    let cycles = read_number("ONBILL_CYCLES").unwrap_or(USUAL_CYCLES);
    let dice = Dice::new(read_number("ONBILL_SEED").unwrap_or(1));
    let (system, partner) =
        (Arc::new(CrashSystem::with_accounts_in_table(kind).await), LoadingPartner::default());
    let origin = system.start_origin().await;
    let accounts = system.write_file("more-accounts.csv", &account_lines());
    run_to_its_end(system.command_line().arg("import-accounts").arg(&accounts));
    let pais = system.write_file("pais.csv", &pai_lines(PAIS));
    run_to_its_end(system.command_line().args(["switch", "load"]).arg(&pais));
    // Half of them, so that runs of both ways are killed from the beginning.
    let half = system.write_file("half.csv", &pai_lines(PAIS / 2));
    let mut cut_over = system.command_line();
    cut_over.args(["switch", "cut-over", "--partner", "netflix", "--cohort"]).arg(&half);
    run_to_its_end(&mut cut_over);
    let mut callers = partner.begin_load(&system, &origin, 11);
    let counts = kill_runs(&system, &origin, &pais, cycles, dice).await;
    println!("{cycles} runs were killed: {counts:?}");
    assert!(cycles < USUAL_CYCLES || counts.of_each.iter().all(|runs| *runs > 0), "{counts:?}");
    run_to_its_end(system.command_line().args(["switch", "cut-over", "--partner", "netflix"]));
    callers.end_load().await;
    partner.lock_record().tally.clone().assert_served();
    assert_whole(&system).await;
    assert_eq!(system.db.count_of(ON).await, PAIS);
    let notices =
        "outbox o JOIN pais p ON p.pai = o.pai WHERE p.migration_file IS NOT NULL AND o.kind = 'pai-notice'";
    assert_eq!(system.db.count_of(notices).await, 0, "the partner knows them");
    // A run is in the audit before it switches anything.
    let runs = system.db.count_of("audit WHERE act IN ('cut-over', 'turned-off')").await;
    assert_eq!(runs, cycles + 2);
    origin.kill();
    system.db.remove_edge_jobs().await;
    audit_ledger(&system, &partner).await;
    let origin = system.start_origin().await;
    assert_eq!(post_charge(&system, &origin).await, StatusCode::CREATED, "it is on");
    origin.kill();
}

/// What the kills met.
#[derive(Debug, Default)]
struct KillCounts {
    /// Runs of `cut-over` and of `off`.
    of_each: [u64; 2],
    /// PAIs that these have switched before they were killed.
    switched: u64,
    /// Runs that came to their end first.
    ended: u64,
}

async fn kill_runs(
    system: &CrashSystem,
    origin: &OriginProcess,
    pais: &Path,
    cycles: u64,
    mut dice: Dice,
) -> KillCounts {
    let (mut counts, mut turns_on) = (KillCounts::default(), false);
    for _ in 0..cycles {
        let before = system.db.count_of(ON).await;
        turns_on = match (PAIS - before < PAIS_LEFT_MIN, before < PAIS_LEFT_MIN) {
            (true, _) => false,
            (_, true) => true,
            (false, false) => !turns_on,
        };
        let goal = 1 + dice.draw_below(PAIS_BEFORE_KILL);
        let mut run = begin_run(system, pais, turns_on);
        wait_until_none(async || {
            let has_ended = !matches!(run.try_wait(), Ok(None));
            let switched = system.db.count_of(ON).await.abs_diff(before);
            (!has_ended && switched < goal).then(|| format!("{switched} of {goal} PAIs are switched"))
        })
        .await;
        counts.ended += u64::from(!matches!(run.try_wait(), Ok(None)));
        let _ = run.kill();
        let _ = run.wait();
        counts.of_each[usize::from(!turns_on)] += 1;
        let switched = system.db.count_of(ON).await.abs_diff(before);
        assert!(switched >= goal, "a run has ended after {switched} of {goal} PAIs");
        counts.switched += switched;
        assert_whole(system).await;
        if system.db.count_of(&format!("pais WHERE pai = '{LAST}' AND dark_since IS NOT NULL")).await == 1 {
            assert_eq!(post_charge(system, origin).await, StatusCode::SERVICE_UNAVAILABLE, "it is dark");
        }
    }
    counts
}

/// Charges the PAI that is turned on last. Whom the edge takes for its subscriber does not matter.
async fn post_charge(system: &CrashSystem, origin: &OriginProcess) -> StatusCode {
    let body = json!({"extTransactionID": "of-a-loaded-pai", "pai": LAST, "description": "Netflix Standard",
                      "amount": {"value": 1599, "currency": "USD"},
                      "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
    let handle = &system.people[0].handle;
    let call = system.caller.forward_partner_call(&origin.address, "/ott/v1/transaction", handle, &body);
    call.await.expect("answers").0
}

/// There is no edge here, so that the job of each PAI stays in the queue.
async fn assert_whole(system: &CrashSystem) {
    let job = "EXISTS (SELECT 1 FROM outbox o WHERE o.pai = p.pai AND o.kind = 'pai-mapping')";
    for (rows, why) in [
        (
            format!("pais p WHERE p.cut_over_at IS NOT NULL AND NOT {job}"),
            "was turned on, and the edge is not informed",
        ),
        (
            format!("pais p WHERE p.migration_file IS NOT NULL AND p.cut_over_at IS NULL AND {job}"),
            "was never on, and the edge is informed",
        ),
    ] {
        assert_eq!(system.db.count_of(&rows).await, 0, "{why}");
    }
}

fn run_to_its_end(command: &mut Command) {
    let run = command.output().expect("the program starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// The cohort of a run that turns off: the subscribers whom the partner charges meanwhile stay on.
fn begin_run(system: &CrashSystem, pais: &Path, turns_on: bool) -> Child {
    let mut command = system.command_line();
    command.args(["switch", if turns_on { "cut-over" } else { "off" }, "--partner", "netflix"]);
    if !turns_on {
        command.arg("--cohort").arg(pais);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

/// Their accounts. In the embedded table, the day of activation stands for the subscriber.
fn account_lines() -> String {
    let line = |n: u64| format!("+1202600{n:04},active,postpaid,,USD,2021-03-14\n");
    let lines: String = (0..PAIS).map(line).collect();
    format!("msisdn,status,type,balance,currency,activated_on\n{lines}")
}

/// Open PAIs with subscriptions.
fn pai_lines(count: u64) -> String {
    let line = |n: u64| {
        format!(
            "netflix,other-{n:04},+1202600{n:04},2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-{n},NEW_ACCOUNT,standard,\
             1599,USD,,2022-09-28T12:00:00Z,web"
        )
    };
    pais_csv(&(0..count).map(line).collect::<Vec<_>>())
}
