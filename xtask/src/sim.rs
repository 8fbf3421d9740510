//! `cargo xtask sim`: runs the simulations for longer than a test may take. They are in tests/flows/simulation and
//! `tests/flows/subscriber_lifecycles`; this builds them with optimisations, provides a database and shows the progress.

use std::fmt;
use std::time::Duration;

use crate::arguments::{Database, Scenario, SimulationArguments};
use crate::child::{append_to_log, cargo_command, create_log, read_last_line, run_logged, wait_for_success};
use crate::clock::{Stopwatch, format_duration};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::progress::Step;
use crate::{paths, setup};

const ONE_ORIGIN: &str = "simulation::charge_is_billed_once_whatever_fails";
const TWO_ORIGINS: &str = "simulation::two_origins_on_one_database_charge_once";
const RESTORES: &str = "restore_simulation::lost_history_doubles_and_hides_no_line";
const TAKEOVERS: &str = "takeover_simulation::takeover_bills_each_charge_once";
const LIFECYCLES: &str = "subscriber_lifecycles::subscriber_never_pays_for_another";
const FLOWS: [&str; 8] =
    ["test", "--locked", "--profile", "sim", "--package", "onbill-tests", "--test", "flows"];
const BAR_CHARS: u64 = 12;

/// Runs the seeds and prints what they met. Fails when a seed fails.
pub(crate) fn run_simulation(sim: &SimulationArguments) -> Outcome {
    if sim.scenario == Scenario::Faults(Database::Postgres) {
        setup::install_npm_packages()?;
    }
    run_logged("building the simulation", "sim-build.log", cargo_command().args(FLOWS).arg("--no-run"))?;
    let (test_name, postgres) = match sim.scenario {
        Scenario::Faults(Database::Sqlite) => (ONE_ORIGIN, None),
        Scenario::Faults(Database::Postgres) => (TWO_ORIGINS, Some(Postgres::provide()?)),
        Scenario::SubscriberLifecycles => (LIFECYCLES, None),
        Scenario::Restores => (RESTORES, None),
        Scenario::Takeovers => (TAKEOVERS, None),
    };
    let log = paths::xtask_file("sim.log");
    let mut seeds = cargo_command();
    seeds.args(FLOWS).args(["--", "--exact", test_name, "--nocapture"]);
    seeds.env("ONBILL_SEED_FROM", sim.first_seed.to_string()).env("ONBILL_SEEDS", sim.seeds.to_string());
    if let Some(postgres) = &postgres {
        postgres.set_database_url(&mut seeds);
    }
    seeds.stdout(create_log(&log)?).stderr(append_to_log(&log)?);
    let since = Stopwatch::start();
    let mut step = Step::start("simulating");
    let ended = wait_for_success(&mut seeds, || {
        step.tick(|| format_progress(&read_last_line(&log), since.elapsed()));
    });
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let progress = text.lines().rev().find_map(Progress::parse);
    // A test name that matches nothing runs no test, which succeeds.
    let succeeded = matches!((&ended, &progress), (Ok(true), Some(progress)) if progress.done == sim.seeds);
    if succeeded {
        step.done();
    } else {
        step.failed();
    }
    if let Some(progress) = &progress {
        let elapsed = since.elapsed();
        println!("{progress} in {}, {}", format_duration(elapsed), progress.format_rate(elapsed));
    }
    for line in text.lines().filter(|line| line.starts_with("met: ")) {
        println!("{line}");
    }
    ended?;
    if succeeded { Ok(()) } else { Err(Failure::with_log("the simulation failed", &log).with_failed_tests()) }
}

/// The progress that the simulation prints: `120 of 1000 seeds, 0 failed`.
struct Progress {
    done: u64,
    of: u64,
    failed: u64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} seeds, {} failed", self.done, self.of, self.failed)
    }
}

impl Progress {
    fn parse(line: &str) -> Option<Self> {
        let (done, rest) = line.split_once(" of ")?;
        let (of, rest) = rest.split_once(" seeds, ")?;
        let failed = rest.strip_suffix(" failed")?;
        Some(Self { done: done.parse().ok()?, of: of.parse().ok()?, failed: failed.parse().ok()? })
    }

    fn format_rate(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs().max(1);
        format!("{} a second", self.done / seconds)
    }
}

/// Formats a line of the log as a progress bar, if it is one of the progress.
fn format_progress(line: &str, elapsed: Duration) -> String {
    let Some(progress) = Progress::parse(line) else { return line.to_owned() };
    let full = (progress.done * BAR_CHARS).checked_div(progress.of).unwrap_or(0);
    let bar: String = (0..BAR_CHARS).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("{bar} {}, {}", progress, progress.format_rate(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulation_tests_exist() {
        for name in [ONE_ORIGIN, TWO_ORIGINS, LIFECYCLES, RESTORES, TAKEOVERS] {
            let (module, function) = name.split_once("::").expect("is a path");
            let file = paths::repository_root().join("tests/flows").join(module).join("mod.rs");
            let text = std::fs::read_to_string(&file).expect("is readable");
            assert!(text.contains(&format!("\nfn {function}()")), "{name}");
        }
    }

    #[test]
    fn progress_bar_fills_with_the_seeds() {
        let bar = |line| format_progress(line, Duration::from_secs(10));
        assert_eq!(
            bar("500 of 1000 seeds, 2 failed"),
            "██████░░░░░░ 500 of 1000 seeds, 2 failed, 50 a second"
        );
        assert_eq!(bar("1 of 1 seeds, 0 failed"), "████████████ 1 of 1 seeds, 0 failed, 0 a second");
        assert_eq!(bar("running 1 test"), "running 1 test");
    }
}
