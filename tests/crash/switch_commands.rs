//! `switch` and `correlate` as an engineer types them: exit codes, what is refused, and what is written.

use crate::crash_system::{CrashSystem, DbKind};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_test_harness::other_system::pais_csv;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

const PAIS: usize = 3;
/// As long as a program may take to start on a busy machine.
const WAIT_SECONDS: i64 = 10;

/// Exit code, standard output and complaints.
pub(crate) fn run(system: &CrashSystem, words: &[&str]) -> (Option<i32>, String, String) {
    let ran = system.command_line().args(words).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

pub(crate) fn path(system: &CrashSystem, name: &str, contents: &str) -> String {
    system.write_file(name, contents).to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn takeover_is_typed_step_by_step() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let line = |n: usize| format!("netflix,other-{n},,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,");
    let lines: Vec<String> = (0..PAIS).map(line).collect();
    let pais = path(&system, "pais.csv", &pais_csv(&lines));
    let (code, _, complaint) = run(&system, &["switch", "off", "--partner", "netflix"]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("no other system charges its customers"), "{complaint}");
    let bad = path(
        &system,
        "bad.csv",
        &pais_csv(&["netflix,other-0,,,OPEN,2022-09-28T12:01:05Z,,,,,,,,".to_owned()]),
    );
    for (file, expected) in [(&pais, 0), (&bad, 1)] {
        let (code, said, complaint) = run(&system, &["switch", "check", file]);
        assert_eq!(code, Some(expected), "{said} {complaint}");
    }
    let folder = system.folder().to_string_lossy().into_owned();
    for (words, why) in [
        (&[pais.as_str(), "--also", pais.as_str()][..], "is given twice"),
        (&[folder.as_str()][..], "is a directory"),
    ] {
        let (code, _, complaint) = run(&system, &[&["switch", "check"][..], words].concat());
        assert_eq!(code, Some(2), "{complaint}");
        assert!(complaint.contains(why), "{complaint}");
    }
    let (code, _, complaint) = run(&system, &["switch", "load", &bad]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("allow more of them with --bad-percent"), "{complaint}");
    assert_eq!(system.db.count_of("migration_files").await, 0, "a check writes nothing");
    assert_eq!(run(&system, &["switch", "load", &pais]).0, Some(0));
    assert_eq!(
        run(&system, &["switch", "check", &pais]).0,
        Some(0),
        "once more, on a ledger with subscribers"
    );
    let on = "pais WHERE cut_over_at IS NOT NULL";

    let unknown = path(&system, "unknown.csv", "pai\nother-1\nother-9\n");
    let (code, _, complaint) =
        run(&system, &["switch", "cut-over", "--partner", "netflix", "--cohort", &unknown]);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("netflix has no loaded PAI other-9"), "{complaint}");
    let numbers = path(&system, "numbers.csv", "pai\n12025550101\n1-202-555-0101\n");
    let (code, _, complaint) =
        run(&system, &["switch", "cut-over", "--partner", "netflix", "--cohort", &numbers]);
    assert_eq!(code, Some(2));
    assert_eq!(complaint.matches("no letters, as a telephone number").count(), 2, "{complaint}");
    assert!(!complaint.contains("5550101") && !complaint.contains("555-0101"), "{complaint}");
    for (at, why) in
        [("2099-01-01T00:00:00Z", "within a day"), ("2026-01-01T00:00:00Z", "leave it out to begin now")]
    {
        let (code, _, complaint) = run(&system, &["switch", "cut-over", "--partner", "netflix", "--at", at]);
        assert_eq!(code, Some(2));
        assert!(complaint.contains(why), "{complaint}");
    }
    for words in [&["cut-over"][..], &["off"], &["back"], &["compare", "--accounts"]] {
        let words = [&["switch"][..], words, &["--partner", "netflx"]].concat();
        let (code, _, complaint) = run(&system, &words);
        assert_eq!(code, Some(2), "{words:?}");
        assert!(
            complaint.contains("netflx is no partner of this operator, which has netflix"),
            "{complaint}"
        );
    }
    assert_eq!(system.db.count_of(on).await, 0, "nothing was turned on");

    let first = path(&system, "first.csv", "pai\nother-1\n");
    let cohort = ["switch", "cut-over", "--partner", "netflix", "--cohort", &first, "--as", "ann"];
    let (code, said, complaint) = run(&system, &cohort);
    assert_eq!(code, Some(0));
    assert!(said.contains("The newest file of pais was loaded at 20"), "{said}");
    assert!(complaint.contains("No file of charges was loaded"), "{complaint}");
    assert!(
        said.contains("1 PAIs were turned on; 0 were on before.\n2 PAIs of this partner are dark."),
        "{said}"
    );
    system.db.leave_load_unfinished("older.csv").await;
    let all = ["switch", "cut-over", "--partner", "netflix"];
    let (code, _, complaint) = run(&system, &all);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("the load of older.csv has not come to its end"), "{complaint}");
    let superseded = [&all[..], &["--superseded", "exports/older.csv"]].concat();
    let (code, said, _) = run(&system, &superseded);
    assert_eq!(code, Some(0));
    assert!(said.contains("2 PAIs were turned on"), "{said}");
    assert_eq!(system.db.count_of(on).await, 3);
    assert_eq!(system.db.count_of("audit WHERE act = 'cut-over' AND actor = 'ann'").await, 1);

    let early = system.folder().join("early").to_string_lossy().into_owned();
    let (code, _, complaint) = run(&system, &["switch", "back", "--partner", "netflix", "--to", &early]);
    assert_eq!(code, Some(0));
    let are_on = format!("{} PAIs of this partner are on", PAIS + system.people.len());
    assert!(complaint.contains(&are_on), "{complaint}");
    turn_off(&system, &unknown, &first);
    go_back(&system, &lines);
    assert_eq!(system.db.count_of("audit WHERE act = 'turned-off' AND actor = 'ann'").await, 4);
    let unchanged = "audit WHERE act = 'turned-off' AND outcome = 'unchanged' AND reason = '0 PAIs'";
    assert_eq!(system.db.count_of(unchanged).await, 1, "the cohort was dark before");
}

/// The subscribers of the system are turned off too, one of them alone.
fn turn_off(system: &CrashSystem, unknown: &str, first: &str) {
    let all = ["switch", "off", "--partner", "netflix", "--as", "ann"];
    let (code, _, complaint) = run(system, &all);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("the load of older.csv has not come to its end"), "{complaint}");
    let all = [&all[..], &["--superseded", "older.csv"]].concat();
    let (code, _, complaint) = run(system, &[&all[..], &["--cohort", unknown]].concat());
    assert_eq!(code, Some(2));
    assert!(complaint.contains("netflix has no PAI other-9"), "{complaint}");
    let cohort = [&all[..], &["--cohort", first]].concat();
    let own = path(system, "own.csv", &format!("pai\n{}\n", system.people[0].pai));
    let own = [&all[..], &["--cohort", own.as_str()]].concat();
    let rest = format!("{} PAIs were turned off; 0 were dark before.", system.people.len() + PAIS - 2);
    for (words, expected) in [
        (&cohort[..], "1 PAIs were turned off; 0 were dark before."),
        (&cohort, "0 PAIs were turned off; 1 were dark before."),
        (&own, "1 PAIs were turned off; 0 were dark before."),
        (&all, &rest),
    ] {
        let (code, said, complaint) = run(system, words);
        assert_eq!(code, Some(0), "{complaint}");
        assert!(said.contains(expected), "{said}");
    }
}

/// Both files are written whole, or neither is.
fn go_back(system: &CrashSystem, lines: &[String]) {
    let back = system.folder().join("back");
    let to = back.to_string_lossy().into_owned();
    let words = ["switch", "back", "--partner", "netflix", "--all", "--to", &to];
    let (code, _, complaint) = run(system, &words);
    assert_eq!((code, complaint.contains("are on")), (Some(0), false), "{complaint}");
    let file = back.join("pais.csv");
    let written = fs::read_to_string(&file).expect("is readable");
    assert!(lines.iter().all(|line| written.lines().any(|found| found == line)), "{written}");
    let mode = fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "it has numbers");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).expect("is there");
        let names =
            entries.map(|entry| entry.expect("is readable").file_name().into_string().expect("is text"));
        names.collect::<BTreeSet<_>>()
    };
    let both = BTreeSet::from(["charges.csv".to_owned(), "pais.csv".to_owned()]);
    assert_eq!(names(&back), both, "no part is left");
    let (code, _, complaint) = run(system, &words);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("is there already"), "{complaint}");
    // The second file cannot be written: the first one is not left behind.
    fs::remove_file(&file).expect("is removed");
    assert_eq!(run(system, &words).0, Some(2));
    assert_eq!(names(&back), BTreeSet::from(["charges.csv".to_owned()]));
}

/// With the wrong file, each of its lines is bad: the terminal gets some of each kind, and a file all of them.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_file_does_not_flood_the_terminal() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let line = |partner: &str, n: usize| format!("{partner},other-{n},,,OPEN,2022-09-28T12:01:05Z,,,,,,,,");
    let mut lines: Vec<String> = (0..100).map(|n| line("netflix", n)).collect();
    lines.push(line("tunes-x", 100));
    let wrong = path(&system, "wrong.csv", &pais_csv(&lines));
    for (verb, expected) in [("check", 1), ("load", 2)] {
        let (code, _, complaint) = run(&system, &["switch", verb, &wrong]);
        assert_eq!(code, Some(expected), "{complaint}");
        assert_eq!(complaint.matches("wrong.csv: line ").count(), 21, "{complaint}");
        assert!(complaint.contains("wrong.csv: line 102, column partner"), "another kind: {complaint}");
        assert!(complaint.contains("... and 80 more: --problems FILE has them all."), "{complaint}");
    }
    let problems = system.folder().join("problems.csv");
    let words = ["switch", "check", &wrong, "--problems", &problems.to_string_lossy()];
    let (code, said, complaint) = run(&system, &words);
    assert_eq!((code, complaint.contains("line ")), (Some(1), false), "{complaint}");
    assert!(complaint.contains("All problems are in "), "{complaint}");
    for expected in ["101 bad.", "value: 100", "partner: 1"] {
        assert!(said.contains(expected), "{said}");
    }
    let written = fs::read_to_string(&problems).expect("is readable");
    assert_eq!(written.lines().count(), 1 + lines.len(), "{written}");
    assert!(written.starts_with("file,line,kind,problem\n"), "{written}");
    assert!(written.contains(",102,partner,\"line 102, column partner: "), "{written}");
    let (code, _, complaint) = run(&system, &words);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("is there already"), "{complaint}");
}

/// The person who turns PAIs off may not know of a cut-over that waits.
#[tokio::test(flavor = "multi_thread")]
async fn cut_over_that_waits_turns_nothing_on_that_was_turned_off_meanwhile() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let line = "netflix,other-1,,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,".to_owned();
    let pais = path(&system, "pais.csv", &pais_csv(&[line]));
    assert_eq!(run(&system, &["switch", "load", &pais]).0, Some(0));
    let at = Timestamp::from_unix_seconds(SystemClock.now().unix_seconds() + WAIT_SECONDS).to_string();
    let mut waiting = system.command_line();
    waiting.args(["switch", "cut-over", "--partner", "netflix", "--at", &at]);
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut waiting = waiting.expect("the program starts");
    // It says so once it has looked at what was turned off before.
    let mut said = [0; "Waiting".len()];
    waiting.stdout.as_mut().expect("is piped").read_exact(&mut said).expect("it waits");
    assert_eq!(&said, b"Waiting");
    assert_eq!(run(&system, &["switch", "off", "--partner", "netflix"]).0, Some(0));
    let ended = waiting.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("were turned off meanwhile"), "{complaint}");
    assert_eq!(system.db.count_of("pais WHERE cut_over_at IS NOT NULL").await, 0, "nothing was turned on");
}

#[tokio::test(flavor = "multi_thread")]
async fn correlation_says_what_differs() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let list = path(&system, "partner.csv", "state,pai,more\nACTIVE,other-7,\n");
    let differences = system.folder().join("differences.csv");
    let to = differences.to_string_lossy().into_owned();
    let (code, said, complaint) = run(&system, &["correlate", "--partner-file", &list, "--differences", &to]);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(said.contains("extra"), "{said}");
    let written = fs::read_to_string(&differences).expect("is readable");
    assert!(written.starts_with("side,class,pai,line,ours,theirs,repair\n"), "{written}");
    assert!(written.contains("partner,extra,other-7,2,,ACTIVE,by-hand\n"), "{written}");
    let empty = path(&system, "empty.csv", "pai,state\n");
    let bad = path(&system, "bad.csv", "pai,state\nother-7,ALIVE\n");
    for (words, why) in [
        (vec!["correlate", "--partner-file", &empty, "--repair"], "with lines"),
        (vec!["correlate", "--partner-file", &bad, "--repair"], "every line can be read"),
        (vec!["correlate", "--partner", "tunes-x", "--partner-file", &list], "is no partner"),
        (vec!["correlate", "--bss-file", &list], "msisdn is missing"),
        (vec!["correlate"], "--partner-file"),
    ] {
        let (code, _, complaint) = run(&system, &words);
        assert_eq!(code, Some(2), "{words:?}");
        assert!(complaint.contains(why), "{complaint}");
    }
    assert_eq!(system.db.count_of("audit WHERE act = 'state-sent-again'").await, 0, "nothing was sent again");
}
