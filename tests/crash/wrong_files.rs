//! The verbs that read a file, typed with one in which each line is bad: the terminal gets some of the problems,
//! and a file all of them.

use crate::crash_system::{CrashSystem, DbKind};
use crate::switch_commands::{path, run};
use std::fs;

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
