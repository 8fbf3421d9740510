//! `switch cut-over` beside a serving origin, killed at random moments. Each PAI is turned on whole, with
//! its job for the edge, or is still dark; the last run turns on the rest, and no charge is refused but
//! those of PAIs that are dark.

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
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Kills on each database in a run of the usual length.
const USUAL_CYCLES: u64 = 6;
/// PAIs: several times as many as a run that is killed can turn on.
const PAIS: u64 = 6_000;
/// Longest time after which a run is killed, in milliseconds.
const KILLED_WITHIN: u64 = 700;
/// The last PAI in their order, which is that of the cut-over.
const LAST: &str = "other-5999";
/// PAIs that are on.
const ON: &str = "pais WHERE migration_file IS NOT NULL AND dark_since IS NULL AND cut_over_at IS NOT NULL";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_turns_each_pai_on_once_however_often_it_is_killed() {
    turn_each_pai_on_once(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_turns_each_pai_on_once_however_often_it_is_killed() {
    turn_each_pai_on_once(DbKind::Postgres).await;
}

async fn turn_each_pai_on_once(kind: DbKind) {
    let _turn = TURN.lock().await;
    let cycles = read_number("ONBILL_CYCLES").unwrap_or(USUAL_CYCLES);
    let mut dice = Dice::new(read_number("ONBILL_SEED").unwrap_or(1));
    let (system, partner) = (Arc::new(CrashSystem::new(kind).await), LoadingPartner::default());
    let origin = system.start_origin().await;
    let accounts = system.write_file("accounts.csv", &account_lines());
    let imported = system.command_line().arg("import-accounts").arg(&accounts).output();
    let imported = imported.expect("the program starts");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let pais = system.write_file("pais.csv", &pai_lines());
    let loaded = system.command_line().args(["switch", "load"]).arg(&pais).output();
    let loaded = loaded.expect("the program starts");
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let mut callers = partner.begin_load(&system, &origin, 11);
    for cycle in 0..cycles {
        let mut run = begin_cut_over(&system);
        if cycle == 0 {
            wait_until_none(async || (system.db.count_of(ON).await == 0).then(|| "none is on".to_owned()))
                .await;
        } else {
            sleep(Duration::from_millis(dice.draw_below(KILLED_WITHIN))).await;
        }
        let _ = run.kill();
        let _ = run.wait();
        assert_whole(&system).await;
        let on = system.db.count_of(ON).await;
        assert!(cycle > 0 || (1..PAIS).contains(&on), "the first run is killed in the middle, at {on}");
        if system.db.count_of(&format!("pais WHERE pai = '{LAST}' AND dark_since IS NOT NULL")).await == 1 {
            assert_eq!(post_charge(&system, &origin).await, StatusCode::SERVICE_UNAVAILABLE, "it is dark");
        }
    }
    let run = system.command_line().args(["switch", "cut-over", "--partner", "netflix"]).output();
    let run = run.expect("the program starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    callers.end_load().await;
    partner.lock_record().tally.clone().assert_served();
    assert_whole(&system).await;
    assert_eq!(system.db.count_of(ON).await, PAIS);
    let notices =
        "outbox o JOIN pais p ON p.pai = o.pai WHERE p.migration_file IS NOT NULL AND o.kind = 'pai-notice'";
    assert_eq!(system.db.count_of(notices).await, 0, "the partner knows them");
    // A run is in the audit before it turns anything on. One that was killed at once may have none.
    let runs = system.db.count_of("audit WHERE act = 'cut-over'").await;
    assert!((1..=cycles + 1).contains(&runs), "{runs}");
    origin.kill();
    audit_ledger(&system, &partner).await;
    let origin = system.start_origin().await;
    assert_eq!(post_charge(&system, &origin).await, StatusCode::CREATED, "it is on");
    origin.kill();
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
            "is on, and the edge is not informed",
        ),
        (format!("pais p WHERE p.dark_since IS NOT NULL AND {job}"), "is dark, and the edge is informed"),
    ] {
        assert_eq!(system.db.count_of(&rows).await, 0, "{why}");
    }
}

fn begin_cut_over(system: &CrashSystem) -> Child {
    let mut command = system.command_line();
    command.args(["switch", "cut-over", "--partner", "netflix"]);
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
fn pai_lines() -> String {
    let line = |n: u64| {
        format!(
            "netflix,other-{n:04},+1202600{n:04},2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-{n},NEW_ACCOUNT,standard,\
             1599,USD,,2022-09-28T12:00:00Z,web"
        )
    };
    pais_csv(&(0..PAIS).map(line).collect::<Vec<_>>())
}
