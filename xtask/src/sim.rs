//! `cargo xtask sim`: bad weather by the seed, for longer than a test may take. The simulations themselves are in
//! tests/flows/simulation and tests/flows/lives; this builds it for speed, gives it a database, and tells how far it is.

use std::time::Duration;

use crate::arguments::{Database, Scenario, SimulationArguments};
use crate::child::{append_to_log, cargo_command, read_last_line, create_log, run_logged, wait_for_success};
use crate::clock::{Stopwatch, format_duration};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::progress::Step;
use crate::{paths, setup};

const ONE_ORIGIN: &str = "simulation::whatever_fails_each_charge_is_on_the_right_bill_once";
const TWO_ORIGINS: &str = "simulation::two_origins_on_one_database_charge_once";
const LIVES: &str = "lives::nobody_ever_pays_for_somebody_else";
const FLOWS: [&str; 8] =
    ["test", "--locked", "--profile", "sim", "--package", "onbill-tests", "--test", "flows"];
const BAR_CHARS: u64 = 12;

/// Plays the seeds, and prints what they met. Fails when a seed does.
pub(crate) fn run_simulation(sim: &SimulationArguments) -> Outcome {
    if sim.scenario == Scenario::Faults(Database::Postgres) {
        setup::install_npm_packages()?;
    }
    run_logged("building the simulation", "sim-build.log", cargo_command().args(FLOWS).arg("--no-run"))?;
    let (claim, postgres) = match sim.scenario {
        Scenario::Faults(Database::Sqlite) => (ONE_ORIGIN, None),
        Scenario::Faults(Database::Postgres) => (TWO_ORIGINS, Some(Postgres::provide()?)),
        Scenario::SubscriberLifecycles => (LIVES, None),
    };
    let log = paths::xtask_file("sim.log");
    let mut seeds = cargo_command();
    seeds.args(FLOWS).args(["--", "--exact", claim, "--nocapture"]);
    seeds.env("ONBILL_SEED_FROM", sim.from.to_string()).env("ONBILL_SEEDS", sim.seeds.to_string());
    if let Some(postgres) = &postgres {
        postgres.set_database_url(&mut seeds);
    }
    seeds.stdout(create_log(&log)?).stderr(append_to_log(&log)?);
    let since = Stopwatch::start();
    let mut step = Step::start("simulating");
    let verdict = wait_for_success(&mut seeds, || step.tick(|| format_progress(&read_last_line(&log), since.elapsed())));
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let far = text.lines().rev().find_map(Progress::parse);
    // A claim of another name would be no test at all, which goes well.
    let went_well = matches!((&verdict, &far), (Ok(true), Some(far)) if far.played == sim.seeds);
    if went_well {
        step.done();
    } else {
        step.failed();
    }
    if let Some(far) = &far {
        println!("{} in {}, {}", far.told(), format_duration(since.elapsed()), far.format_rate(since.elapsed()));
    }
    for line in text.lines().filter(|line| line.starts_with("met: ")) {
        println!("{line}");
    }
    verdict?;
    if went_well { Ok(()) } else { Err(Failure::with_log("the simulation failed", &log).with_long_tail()) }
}

/// How far it is, as the simulation prints it: `120 of 1000 seeds, 0 failed`.
struct Progress {
    played: u64,
    of: u64,
    failed: u64,
}

impl Progress {
    fn parse(line: &str) -> Option<Self> {
        let (played, rest) = line.split_once(" of ")?;
        let (of, rest) = rest.split_once(" seeds, ")?;
        let failed = rest.strip_suffix(" failed")?;
        Some(Self { played: played.parse().ok()?, of: of.parse().ok()?, failed: failed.parse().ok()? })
    }

    fn told(&self) -> String {
        format!("{} of {} seeds, {} failed", self.played, self.of, self.failed)
    }

    fn format_rate(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs().max(1);
        format!("{} a second", self.played / seconds)
    }
}

/// As much of a line as is done, and the numbers.
fn format_progress(line: &str, elapsed: Duration) -> String {
    let Some(far) = Progress::parse(line) else { return line.to_owned() };
    let full = (far.played * BAR_CHARS).checked_div(far.of).unwrap_or(0);
    let bar: String = (0..BAR_CHARS).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("{bar} {}, {}", far.told(), far.format_rate(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_with_the_seeds() {
        let bar = |line| format_progress(line, Duration::from_secs(10));
        assert_eq!(
            bar("500 of 1000 seeds, 2 failed"),
            "██████░░░░░░ 500 of 1000 seeds, 2 failed, 50 a second"
        );
        assert_eq!(bar("1 of 1 seeds, 0 failed"), "████████████ 1 of 1 seeds, 0 failed, 0 a second");
        assert_eq!(bar("running 1 test"), "running 1 test");
    }
}
