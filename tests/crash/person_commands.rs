//! The verbs about a person, as the real program: what is kept on them, and the audit of who has looked.

use crate::crash_system::{CrashSystem, DbKind};
use serde_json::Value;

/// The exit code of a verb, its output and its complaints.
fn run(system: &CrashSystem, verb: &[&str]) -> (Option<i32>, String, String) {
    let run = system.command_line().args(verb).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("is text");
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn person_is_exported_and_the_audit_has_it() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let person = &system.people[0];
    let list = system.write_file("people.txt", &format!("{}\nx\n+12025559999\n", person.msisdn));
    let list = list.to_str().expect("is UTF-8");
    let (code, said, complaints) =
        run(&system, &["subscribers", "export", "--json", "--as", "care-17", "--ref", "T-1", list]);
    assert_eq!(code, Some(1), "{complaints}");
    let export: Value = serde_json::from_str(said.trim()).expect("is one object");
    assert_eq!(export["msisdn"], person.msisdn.as_str());
    assert_eq!(export["tables"]["subscribers"][0]["handle"], person.handle.as_str());
    assert_eq!(export["tables"]["pais"][0]["pai"], person.pai.as_str());
    assert!(complaints.contains("line 2") && complaints.contains("line 3"), "{complaints}");
    assert!(!complaints.contains("9999"), "a number: {complaints}");
    let (_, said, _) = run(&system, &["subscribers", "export", list]);
    assert!(said.contains("Links with partners") && said.contains(&person.pai), "{said}");

    let (code, said, _) = run(&system, &["audit", "export"]);
    assert_eq!(code, Some(0), "{said}");
    let entries = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("is JSON"));
    let exports: Vec<Value> = entries.filter(|entry| entry["act"] == "subscriber-exported").collect();
    let outcomes: Vec<&Value> = exports.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["done", "not-found", "done", "not-found"]);
    assert_eq!((&exports[0]["actor"], &exports[0]["ref"]), (&"care-17".into(), &"T-1".into()));
    assert_eq!(exports[0]["subscriber"], person.handle.as_str());
    // The setting has imported the accounts.
    assert!(said.contains("\"subject\":\"import-accounts\""), "{said}");
    assert!(!said.contains(person.msisdn.trim_start_matches('+')), "no entry has a number");
    assert!(said.lines().last().is_some_and(|line| line.contains("\"end\"")), "{said}");

    // Somebody removes the end.
    let lines = said.lines().count();
    let db = rusqlite::Connection::open(system.db.path()).expect("opens");
    db.execute_batch("DELETE FROM audit_end").expect("is SQL");
    let (code, said, complaints) = run(&system, &["audit", "export"]);
    assert_eq!((code, said.lines().count()), (Some(1), lines - 1), "{said}");
    assert!(complaints.contains("the end is missing after entry"), "{complaints}");
    let (code, _, _) = run(&system, &["close-pai", "netflix", &person.pai, "account-closed"]);
    assert_eq!(code, Some(2), "nothing is done without an entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn reference_with_a_number_in_it_is_refused_before_anything_is_done() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let person = &system.people[0];
    let list = system.write_file("people.txt", &format!("{}\n", person.msisdn));
    let list = list.to_str().expect("is UTF-8");
    let (_, before, _) = run(&system, &["audit", "export"]);
    for verb in [
        &["subscribers", "export", list][..],
        &["erase", list],
        &["close-pai", "netflix", person.pai.as_str(), "account-closed"],
        &["outbox", "redrive", "--all"],
    ] {
        let words = [verb, &["--ref", "tel:+12025550101"]].concat();
        let (code, said, complaints) = run(&system, &words);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{verb:?}: {complaints}");
        assert!(complaints.contains("--ref") && !complaints.contains("2025550101"), "{complaints}");
    }
    let (_, after, _) = run(&system, &["audit", "export"]);
    assert_eq!(after, before);
}
