//! The verbs about alarms, as the real program: a person lists what is active, and closes what was
//! seen to.

use crate::crash_system::{CrashSystem, DbKind};
use crate::turn::TURN;
use onbill_origin::ambient::{Clock as _, SystemClock};
use serde_json::Value;

const CONTRADICTS: &str = "account-event-contradicts";

/// The exit code of a verb, and what it prints.
fn run(system: &CrashSystem, verb: &[&str]) -> (Option<i32>, String) {
    let run = system.command_line().args(verb).output().expect("the program starts");
    let said = [run.stdout, run.stderr].concat();
    (run.status.code(), String::from_utf8(said).expect("is text"))
}

/// The active alarms of this name: the disk of the machine that runs the tests may have one, too.
fn list_active(system: &CrashSystem, name: &str) -> Vec<Value> {
    let (code, said) = run(system, &["alarms", "--json"]);
    let alarms: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("is an object")).collect();
    assert_eq!(code, Some(i32::from(!alarms.is_empty())), "{said}");
    alarms.into_iter().filter(|alarm| alarm["alarm"] == name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_listed_and_closed_by_hand() {
    let _turn = TURN.lock().await;
    for kind in [DbKind::Sqlite, DbKind::Postgres] {
        let system = CrashSystem::new(kind).await;
        assert_eq!(list_active(&system, CONTRADICTS), [Value::Null; 0]);

        // A number that another subscriber has: the verb that reads it raises the alarm.
        let [one, other] = [&system.people[0].msisdn, &system.people[1].msisdn];
        let header = "event_id,type,msisdn,new_msisdn,occurred_at";
        let events = format!("{header}\ne-1,number-changed,{one},{other},{}\n", SystemClock.now());
        let events = system.write_file("events.csv", &events);
        let (code, said) = run(&system, &["account-events", events.to_str().expect("is UTF-8")]);
        assert_eq!(code, Some(1), "{said}");

        let active = list_active(&system, CONTRADICTS);
        assert_eq!((active.len(), &active[0]["count"], &active[0]["kind"]), (1, &1.into(), &"event".into()));
        let (code, said) = run(&system, &["alarms"]);
        let row = said.lines().find(|line| line.starts_with(CONTRADICTS)).expect("is listed");
        assert!(code == Some(1) && row.contains("ticket") && row.contains("close it"), "{said}");

        let (code, said) = run(&system, &["alarms", "close", "database-not-writable"]);
        assert!(code == Some(2) && said.contains("ends by itself"), "{said}");
        let (code, said) = run(&system, &["alarms", "close", "no-such-alarm"]);
        assert!(code == Some(2) && said.contains(CONTRADICTS), "{said}");
        let close = ["alarms", "close", CONTRADICTS];
        assert_eq!(run(&system, &close), (Some(0), format!("{CONTRADICTS} is closed.\n")));
        assert_eq!(run(&system, &close), (Some(1), format!("{CONTRADICTS} is not active.\n")));
        assert_eq!(list_active(&system, CONTRADICTS), [Value::Null; 0]);
        let (_, said) = run(&system, &["alarms", "--all"]);
        assert!(said.contains(CONTRADICTS) && said.contains("OVER SINCE"), "{said}");
        assert!(!said.contains(one.as_str()) && !said.contains(other.as_str()), "a number: {said}");
    }
}
