//! The program crashes before or after any step, in the database or in the folder: it resumes where
//! it was.

use super::{INTERVAL, count_bill, post_charge, query_status, start_system};
use onbill_test_harness::TestSystem;
use onbill_test_harness::crash_point::CrashMoment;
use std::collections::{BTreeMap, HashMap};

/// Every name that was ever in `out`, and that its file never changed.
#[derive(Default)]
struct SeenFiles(BTreeMap<String, String>);

impl SeenFiles {
    fn look(&mut self, system: &TestSystem) {
        for (name, text) in system.acme.billing_files().contents_of("out") {
            let before = self.0.entry(name.clone()).or_insert_with(|| text.clone());
            assert_eq!(*before, text, "{name} has changed");
        }
    }

    /// In how many files each charge is.
    fn charges(&self) -> HashMap<&str, u32> {
        let mut count = HashMap::new();
        for line in self.0.values().flat_map(|text| text.lines()) {
            let fields: Vec<&str> = line.split(',').collect();
            if fields.get(1) == Some(&"charge") {
                *count.entry(fields[2]).or_default() += 1;
            }
        }
        count
    }
}

/// Crashes once before each step of making and writing files, and once before each step of taking
/// their responses: that is also right after each of them.
#[tokio::test]
async fn crashed_program_files_and_settles_charges_once() {
    let (mut system, pai) = start_system().await;
    let mut seen = SeenFiles::default();
    let mut posted = Vec::new();
    let mut deaths = 0;
    for step in 1.. {
        // Four charges need two files.
        for n in 0..4 {
            let id = format!("c-{}", 4 * step + n);
            post_charge(&system, &pai, &id).await;
            posted.push(id);
        }
        system.advance_seconds(INTERVAL);
        let before = deaths;
        deaths += u32::from(die_in_a_round(&mut system, &mut seen, step).await);
        system.acme.process_files();
        deaths += u32::from(die_in_a_round(&mut system, &mut seen, step).await);
        // The leases of crashed programs expire, and what they had not filed is filed.
        system.advance_seconds(2 * INTERVAL);
        system.acme.run_filing().await;
        seen.look(&system);
        system.acme.process_files();
        system.acme.run_filing().await;
        assert!(system.acme.billing_files().contents_of("out").is_empty(), "step {step}: all is answered");
        assert!(system.acme.billing_files().contents_of("refused").is_empty(), "step {step}");
        if deaths == before {
            break;
        }
    }
    assert!(deaths > 50, "there are more steps than {deaths}");
    for id in &posted {
        assert_eq!(query_status(&system, id).await["status"], "APPROVED", "{id}");
    }
    assert_eq!(
        count_bill(&system).await,
        (posted.len(), 1599 * i64::try_from(posted.len()).expect("is small"))
    );
    let charges = seen.charges();
    assert_eq!(charges.len(), posted.len(), "none is lost");
    assert!(charges.values().all(|files| *files == 1), "none is in two files");
}

/// Returns whether it crashed.
async fn die_in_a_round(system: &mut TestSystem, seen: &mut SeenFiles, step: u32) -> bool {
    system.acme.origins[0].crash_point.crash_at(step, CrashMoment::Before);
    let round = system.acme.try_run_filing().await;
    let died = !system.acme.origins[0].crash_point.disarm();
    assert_eq!(round.is_err(), died, "step {step}: {round:?}");
    seen.look(system);
    if died {
        // Billing reads the folder before the program is back: what it finds is whole.
        system.acme.process_files();
        system.restart_acme(|_| true).await;
        system.acme.run_filing().await;
        seen.look(system);
    }
    died
}
