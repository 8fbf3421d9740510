//! The verbs that read a file, typed with one in which each line is bad: the terminal gets some of
//! the problems, and a file all of them. Typed with the name of a file that is not there, they leave
//! the file of problems as it is.

use crate::crash_system::{CrashSystem, DbKind};
use crate::switch_commands::{path, run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Lines that are bad in each file.
const BAD: usize = 100;

fn file_of(system: &CrashSystem, name: &str, header: &str, line: &str) -> String {
    path(system, name, &format!("{header}\n{}", format!("{line}\n").repeat(BAD)))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_verb_floods_the_terminal_with_the_lines_of_a_wrong_file() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let file = |name: &str, header: &str, line: &str| file_of(&system, name, header, line);
    let accounts = file(
        "accounts.csv",
        "msisdn,status,type,balance,currency,activated_on",
        "+12025550199,gone,postpaid,,USD,2021-03-14",
    );
    let events = file(
        "events.csv",
        "event_id,type,msisdn,new_msisdn,occurred_at",
        "e-1,stolen,+12025550199,,2026-11-18T09:30:00Z",
    );
    let coupons = file(
        "coupons.csv",
        "ext_coupon_id,msisdn,plan,amount,currency,offer,locale",
        "c-1,+12025550199,6M,much,USD,,",
    );
    let numbers = file("numbers.txt", "", "+12025550199, and +12025550199");
    let list = file("list.csv", "pai,state", "+12025550199,ACTIVE");
    let statement = file(
        "statement.csv",
        "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status",
        "charge,n-1,,+12025550199,much,USD,APPROVED",
    );
    let extract = path(&system, "extract.csv", "kind,transactionID,refundID,amount_minor,currency\n");
    let month = ["--partner", "netflix", "--from", "2026-10-01", "--to", "2026-10-31"];
    let inputs = ["--statement", statement.as_str(), "--billing", extract.as_str()];
    let unreadable = file("unreadable.csv", "pai", "+12025550199");
    let unknown: Vec<String> = (0..BAD).map(|n| format!("1-202-555-{n:04}")).collect();
    let unknown = path(&system, "unknown.csv", &format!("pai\n{}\n", unknown.join("\n")));
    for (code, verb) in [
        (1, &["import-accounts", &accounts][..]),
        (1, &["account-events", &events]),
        (1, &["coupons", "issue", &coupons]),
        (1, &["erase", &numbers]),
        (1, &["subscribers", "export", &numbers]),
        (1, &["correlate", "--partner-file", &list]),
        (1, &["switch", "compare", "--partner", "netflix", "--partner-file", &list]),
        (1, &[&["reconcile"][..], &month, &inputs].concat()),
        (2, &["switch", "cut-over", "--partner", "netflix", "--cohort", &unreadable]),
        (2, &["switch", "off", "--partner", "netflix", "--cohort", &unknown]),
    ] {
        let (ended, _, complaint) = run(&system, verb);
        assert_eq!(ended, Some(code), "{verb:?}: {complaint}");
        assert_eq!(complaint.matches(": line ").count(), 20, "{verb:?}: {complaint}");
        assert!(
            complaint.contains("... and 80 more: --problems FILE has them all."),
            "{verb:?}: {complaint}"
        );
        let problems = system.folder().join("problems.csv");
        let to = problems.to_string_lossy().into_owned();
        let words = [verb, &["--problems", &to]].concat();
        let (ended, said, silent) = run(&system, &words);
        assert_eq!((ended, silent.contains(": line ")), (Some(code), false), "{verb:?}: {silent}");
        assert!(silent.contains("All problems are in "), "{verb:?}: {silent}");
        assert!(!said.contains("All problems are in "), "a program may read it: {verb:?}: {said}");
        let written = fs::read_to_string(&problems).expect("is readable");
        assert_eq!(written.lines().count(), 1 + BAD, "{verb:?}: {written}");
        for text in [&complaint, &silent, &said, &written] {
            assert!(!text.contains("5550199") && !text.contains("202-555"), "a number is said: {text}");
        }
        fs::remove_file(&problems).expect("is there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistyped_name_leaves_the_file_of_problems_as_it_is() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let missing = system.folder().join("missing.csv").to_string_lossy().into_owned();
    let folder = system.folder().to_string_lossy().into_owned();
    let sound = path(&system, "sound.csv", "pai,state\n");
    let problems = system.folder().join("problems.csv");
    let to = problems.to_string_lossy().into_owned();
    let month = ["--partner", "netflix", "--from", "2026-10-01", "--to", "2026-10-31"];
    let inputs = ["--statement", sound.as_str(), "--billing", missing.as_str()];
    for verb in [
        &["import-accounts", &missing][..],
        &["import-accounts", &folder],
        &["account-events", &missing],
        &["coupons", "issue", &missing],
        &["erase", &missing],
        &["subscribers", "export", &missing],
        &["correlate", "--partner-file", &sound, "--bss-file", &missing],
        &["switch", "check", &sound, &missing],
        &["switch", "load", &missing],
        &["switch", "compare", "--partner", "netflix", "--partner-file", &missing],
        &["switch", "off", "--partner", "netflix", "--cohort", &missing],
        &[&["reconcile"][..], &month, &inputs].concat(),
    ] {
        let words = [verb, &["--problems", &to]].concat();
        let (code, _, complaint) = run(&system, &words);
        assert_eq!(code, Some(2), "{verb:?}: {complaint}");
        assert!(!problems.exists(), "{verb:?}: it would be in the way of the next run");
        fs::write(&problems, "of an earlier run").expect("is written");
        let (code, _, complaint) = run(&system, &words);
        assert_eq!(code, Some(2), "{verb:?}: {complaint}");
        assert!(!complaint.contains("is there already"), "{verb:?}: the name is what is wrong: {complaint}");
        let kept = fs::read_to_string(&problems).expect("is readable");
        assert_eq!(kept, "of an earlier run", "{verb:?}");
        fs::remove_file(&problems).expect("is there");
    }
}

/// A script can read it without asking whether it is there, and only as the user of the verb.
#[tokio::test(flavor = "multi_thread")]
async fn sound_file_leaves_a_file_of_problems_without_any() {
    let system = CrashSystem::new(DbKind::Sqlite).await;
    let events = path(&system, "events.csv", "event_id,type,msisdn,new_msisdn,occurred_at\n");
    let list = path(&system, "list.txt", "");
    let problems = system.folder().join("problems.csv");
    let to = problems.to_string_lossy().into_owned();
    for verb in [["account-events", events.as_str()], ["erase", list.as_str()]] {
        let words = [&verb[..], &["--problems", &to]].concat();
        let (code, _, complaint) = run(&system, &words);
        assert_eq!(code, Some(0), "{verb:?}: {complaint}");
        assert!(!complaint.contains("All problems are in "), "{verb:?}: {complaint}");
        let written = fs::read_to_string(&problems).expect("is readable");
        assert_eq!(written, "file,line,kind,problem\n", "{verb:?}");
        let mode = fs::metadata(&problems).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{verb:?}: a PAI can have a number in it");
        fs::remove_file(&problems).expect("is there");
    }
}
