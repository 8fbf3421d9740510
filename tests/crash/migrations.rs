//! The verbs about the schema of the database.

use crate::crash_system::{CrashSystem, DbKind};
use crate::turn::TURN;
use onbill_origin::store::SCHEMA_VERSION;
use std::process::Output;

fn run(system: &CrashSystem, words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        system.command_line().args(words).output().expect("the program starts");
    (status.code(), String::from_utf8([stdout, stderr].concat()).expect("is text"))
}

async fn current_schema_has_nothing_to_do(kind: DbKind) {
    let _turn = TURN.lock().await;
    let system = CrashSystem::new(kind).await;
    for words in [&["migrate", "--plan"][..], &["migrate"]] {
        let (code, said) = run(&system, words);
        assert!(code == Some(0) && said.starts_with("Nothing to do: the schema is at "), "{code:?} {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_schema_is_current() {
    current_schema_has_nothing_to_do(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_schema_is_current() {
    current_schema_has_nothing_to_do(DbKind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_schema_is_named_and_left_alone() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let file = rusqlite::Connection::open(system.folder().join("acme.sqlite")).expect("opens");
    file.pragma_update(None, "user_version", 99).expect("is writable");
    let (code, said) = run(&system, &["migrate", "--plan"]);
    assert!(code == Some(1) && said.contains("is at 99"), "{code:?} {said}");
    for words in [&["migrate"][..], &["outbox", "list"], &["mandates", "show", "netflix", "x"]] {
        let (code, said) = run(&system, words);
        assert!(code == Some(2), "{words:?}: {code:?} {said}");
    }
    let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("is there");
    assert_eq!(version, 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_schema_that_allows_it_is_served() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let file = rusqlite::Connection::open(system.folder().join("acme.sqlite")).expect("opens");
    let newer = SCHEMA_VERSION + 1;
    file.execute_batch(&format!(
        "INSERT INTO migrations (number, served_from, onbill) VALUES ({newer}, {SCHEMA_VERSION}, '99.0.0');
         PRAGMA user_version = {newer};"
    ))
    .expect("is SQL");
    for (words, expected) in [
        (&["migrate", "--plan"][..], format!("Nothing to do: the schema is at {newer}. This onbill knows")),
        (&["migrate"][..], format!("Nothing to do: the schema is at {newer}.")),
        (&["outbox", "list"][..], String::new()),
    ] {
        let (code, said) = run(&system, words);
        assert!(code == Some(0) && said.contains(&expected), "{words:?}: {code:?} {said}");
    }
    system.start_origin().await.wait_until_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_keeps_as_many_backups_as_configured() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let folder = system.folder().join("backups");
    std::fs::create_dir(&folder).expect("is ours");
    let others =
        ["nova-2020-01-01T000000Z.sqlite", "acme-old.sqlite", "nova-2020-01-01T000000Z.sqlite.unfinished"];
    let left = "acme-2020-01-01T000000Z.sqlite.unfinished";
    let old = [1, 2, 3].map(|day| format!("acme-2020-01-0{day}T000000Z.sqlite"));
    for name in others.iter().copied().chain([left]).chain(old.iter().map(String::as_str)) {
        std::fs::write(folder.join(name), "x").expect("is writable");
    }
    let (code, said) = run(&system, &["backup", "--into", folder.to_str().expect("is UTF-8"), "--keep", "2"]);
    assert_eq!(code, Some(0), "{said}");
    let entries = std::fs::read_dir(&folder).expect("can be listed");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("stays").file_name().into_string().expect("is UTF-8")).collect();
    // What it locks stays.
    names.retain(|name| name != ".acme.lock");
    names.sort();
    assert!(others.iter().all(|other| names.iter().any(|name| name == other)), "{names:?}");
    assert!(!names.iter().any(|name| name == left), "its program is gone: {names:?}");
    let kept: Vec<&String> = names.iter().filter(|name| !others.contains(&name.as_str())).collect();
    assert!(kept.len() == 2 && kept[0] == &old[2], "the last of the old ones and the new one: {names:?}");
    let copy = rusqlite::Connection::open(folder.join(kept[1])).expect("opens");
    let people: i64 =
        copy.query_row("SELECT count(*) FROM subscribers", [], |row| row.get(0)).expect("is whole");
    assert_eq!(usize::try_from(people), Ok(system.people.len()));
    for words in [&["backup"][..], &["backup", "--into", "x"], &["backup", "x", "--into", "y", "--keep", "1"]]
    {
        assert_eq!(run(&system, words).0, Some(2), "{words:?}");
    }
}
