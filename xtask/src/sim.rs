//! `cargo xtask sim`: bad weather by the seed, for longer than a test may take. The simulations themselves are in
//! tests/flows/simulation and tests/flows/lives; this builds it for speed, gives it a database, and tells how far it is.

use std::time::Duration;

use crate::arguments::{Database, Play, Sim};
use crate::child::{appending, cargo, glimpse, log_file, run, wait};
use crate::clock::{Stopwatch, spoken};
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
pub(crate) fn play(sim: &Sim) -> Outcome {
    if sim.play == Play::Weather(Database::Postgres) {
        setup::npm_packages()?;
    }
    run("building the simulation", "sim-build.log", cargo().args(FLOWS).arg("--no-run"))?;
    let (claim, postgres) = match sim.play {
        Play::Weather(Database::Sqlite) => (ONE_ORIGIN, None),
        Play::Weather(Database::Postgres) => (TWO_ORIGINS, Some(Postgres::provide()?)),
        Play::Lives => (LIVES, None),
    };
    let log = paths::note("sim.log");
    let mut seeds = cargo();
    seeds.args(FLOWS).args(["--", "--exact", claim, "--nocapture"]);
    seeds.env("ONBILL_SEED_FROM", sim.from.to_string()).env("ONBILL_SEEDS", sim.seeds.to_string());
    if let Some(postgres) = &postgres {
        postgres.show_to(&mut seeds);
    }
    seeds.stdout(log_file(&log)?).stderr(appending(&log)?);
    let since = Stopwatch::start();
    let mut step = Step::start("simulating");
    let verdict = wait(&mut seeds, || step.tick(|| bar(&glimpse(&log), since.elapsed())));
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let far = text.lines().rev().find_map(Progress::read);
    // A claim of another name would be no test at all, which goes well.
    let went_well = matches!((&verdict, &far), (Ok(true), Some(far)) if far.played == sim.seeds);
    if went_well {
        step.done();
    } else {
        step.failed();
    }
    if let Some(far) = &far {
        println!("{} in {}, {}", far.told(), spoken(since.elapsed()), far.rate(since.elapsed()));
    }
    for line in text.lines().filter(|line| line.starts_with("met: ")) {
        println!("{line}");
    }
    verdict?;
    if went_well { Ok(()) } else { Err(Failure::with_log("the simulation failed", &log).at_length()) }
}

/// How far it is, as the simulation prints it: `120 of 1000 seeds, 0 failed`.
struct Progress {
    played: u64,
    of: u64,
    failed: u64,
}

impl Progress {
    fn read(line: &str) -> Option<Self> {
        let (played, rest) = line.split_once(" of ")?;
        let (of, rest) = rest.split_once(" seeds, ")?;
        let failed = rest.strip_suffix(" failed")?;
        Some(Self { played: played.parse().ok()?, of: of.parse().ok()?, failed: failed.parse().ok()? })
    }

    fn told(&self) -> String {
        format!("{} of {} seeds, {} failed", self.played, self.of, self.failed)
    }

    fn rate(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs().max(1);
        format!("{} a second", self.played / seconds)
    }
}

/// As much of a line as is done, and the numbers.
fn bar(line: &str, elapsed: Duration) -> String {
    let Some(far) = Progress::read(line) else { return line.to_owned() };
    let full = (far.played * BAR_CHARS).checked_div(far.of).unwrap_or(0);
    let bar: String = (0..BAR_CHARS).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("{bar} {}, {}", far.told(), far.rate(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_with_the_seeds() {
        let bar = |line| bar(line, Duration::from_secs(10));
        assert_eq!(
            bar("500 of 1000 seeds, 2 failed"),
            "██████░░░░░░ 500 of 1000 seeds, 2 failed, 50 a second"
        );
        assert_eq!(bar("1 of 1 seeds, 0 failed"), "████████████ 1 of 1 seeds, 0 failed, 0 a second");
        assert_eq!(bar("running 1 test"), "running 1 test");
    }
}
