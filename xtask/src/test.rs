//! `cargo xtask test`: the checks that a change must pass, fastest first. All steps run even when one fails, so that one
//! run shows every failure.

mod deployment;
mod journeys;
mod quiet;

use std::num::NonZero;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::arguments::TestPart;
use crate::child::cargo_command;
use crate::clock::{Stopwatch, format_duration, is_stop_requested};
use crate::edge::{self, Profile};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{paths, setup};
use quiet::run_quietly;

/// Fewest tests of a program that run at once. Many tests wait for a process or a deadline, so two cores take more than
/// two.
const TEST_THREADS_MIN: usize = 4;

/// Runs the steps of a part and prints a summary.
pub(crate) fn run_test_part(part: TestPart) -> Outcome {
    setup::install_everything()?;
    let mut report = StepReport::default();
    if matches!(part, TestPart::All | TestPart::Rust) {
        report.run_step("formatting", || {
            run_quietly("formatting", cargo_command().args(["fmt", "--all", "--check"]))
        })?;
        report.run_step("lints", || {
            run_quietly("lints", &mut clippy_command(&["--workspace", "--all-targets"]))
        })?;
        let edge = ["--package", "onbill-edge", "--target", "wasm32-unknown-unknown"];
        report.run_step("lints of the edge as wasm", || {
            run_quietly("lints of the edge as wasm", &mut clippy_command(&edge))
        })?;
        // Before the tests, as those of a fleet run the edge that would be deployed.
        report.run_step("edge build and sizes", || edge::build_and_check_sizes(Profile::Release))?;
        report.run_step("build of programs and tests", build_programs_and_tests)?;
        report.run_step("tests", run_rust_tests)?;
    }
    match part {
        TestPart::Rust => {}
        TestPart::All | TestPart::Browser => {
            report.run_step("deployment", deployment::run_deployment_tests)?;
            report.run_step("browser journeys", || journeys::run_journeys(part))?;
        }
        TestPart::BrowserOnPostgres => {
            let title = "browser journeys of the console on PostgreSQL";
            report.run_step(title, || journeys::run_journeys(part))?;
        }
        TestPart::Firefox => {
            report.run_step("browser journeys in Firefox", || journeys::run_journeys(part))?;
        }
    }
    report.print_summary()
}

/// Builds the programs along with the tests: a build of their own would compile most libraries again, with fewer of their
/// features. They are named, as this program needs no build.
fn build_programs_and_tests() -> Outcome {
    let mut build = cargo_command();
    build.args(["build", "--locked", "--workspace", "--tests"]);
    for program in ["onbill-origin", "onbill-sandbox", "onbill"] {
        build.args(["--bin", program]);
    }
    run_quietly("building the programs and the tests", &mut build)
}

/// Runs the tests with a PostgreSQL server, and with the built origin for the crash tests.
fn run_rust_tests() -> Outcome {
    let postgres = Postgres::provide()?;
    let mut tests = cargo_command();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    tests.env("RUST_TEST_THREADS", cores.max(TEST_THREADS_MIN).to_string());
    tests.env("ONBILL_ORIGIN", paths::built_program("onbill-origin"));
    postgres.set_database_url(&mut tests);
    run_quietly("tests", &mut tests)
}

fn clippy_command(what: &[&str]) -> Command {
    let mut clippy = cargo_command();
    clippy.args(["clippy", "--locked"]).args(what).args(["--", "-D", "warnings"]);
    clippy
}

/// The results of the steps.
#[derive(Default)]
struct StepReport {
    steps: Vec<(&'static str, Duration, Outcome)>,
}

impl StepReport {
    /// Runs one step under its heading. Fails only when xtask was stopped.
    fn run_step(&mut self, title: &'static str, act: impl FnOnce() -> Outcome) -> Outcome {
        println!("\n== {title}");
        let since = Stopwatch::start();
        let result = act();
        if is_stop_requested() {
            return Err(Failure::interrupted());
        }
        if let Err(failure) = &result {
            println!("{failure}");
        }
        self.steps.push((title, since.elapsed(), result));
        Ok(())
    }

    /// What failed is shown again: it may be thousands of lines up, and CI keeps the end of the output.
    fn print_summary(self) -> Outcome {
        let mut failed = Vec::new();
        for (title, _, result) in &self.steps {
            if let Err(failure) = result {
                println!("\n== failed: {title}\n{failure}");
                failed.push(*title);
            }
        }
        println!("\n== summary");
        for (title, took, result) in &self.steps {
            let mark = if result.is_ok() { '✓' } else { '✗' };
            println!("  {mark} {title:<28} {:>9}", format_duration(*took));
        }
        if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_step_fails_the_run_after_all_steps() {
        let mut report = StepReport::default();
        let mut ran = 0;
        report.run_step("first", || Err(Failure::new("no"))).expect("is not stopped");
        report
            .run_step("second", || {
                ran += 1;
                Ok(())
            })
            .expect("is not stopped");
        assert_eq!(ran, 1);
        assert_eq!(report.print_summary().expect_err("has failed").to_string(), "failed: first");
        assert!(StepReport::default().print_summary().is_ok());
    }
}
