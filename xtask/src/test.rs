//! `cargo xtask test`: the checks that a change must pass, fastest first. All steps run even when one fails, so that one
//! run shows every failure.

mod deployment;
mod journeys;

use std::process::Command;
use std::time::Duration;

use crate::arguments::TestPart;
use crate::child::{cargo_command, run_logged};
use crate::clock::{Stopwatch, format_duration, is_stop_requested};
use crate::edge::{self, Profile};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{paths, setup};

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
        report.run_step("tests", run_rust_tests)?;
    }
    if matches!(part, TestPart::All | TestPart::Browser) {
        report.run_step("deployment", deployment::run_deployment_tests)?;
        report.run_step("browser journeys", || journeys::run_journeys(part))?;
    }
    if part == TestPart::BrowserOnPostgres {
        report.run_step("browser journeys of the console on PostgreSQL", || journeys::run_journeys(part))?;
    }
    if part == TestPart::Firefox {
        report.run_step("browser journeys in Firefox", || journeys::run_journeys(part))?;
    }
    report.print_summary()
}

/// Runs the tests with a PostgreSQL server, and with the built origin for the crash tests. The programs are built along
/// with the tests: a build of their own would compile most libraries again, with fewer of their features. They are named,
/// as this program must not be replaced while it runs.
fn run_rust_tests() -> Outcome {
    let mut build = cargo_command();
    build.args([
        "build",
        "--locked",
        "--workspace",
        "--tests",
        "--bin",
        "onbill-origin",
        "--bin",
        "onbill-sandbox",
        "--bin",
        "onbill",
    ]);
    run_quietly("building the programs and the tests", &mut build)?;
    let origin = paths::built_program("onbill-origin");
    let postgres = Postgres::provide()?;
    let mut tests = cargo_command();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast"]).env("ONBILL_ORIGIN", origin);
    postgres.set_database_url(&mut tests);
    run_quietly("tests", &mut tests)
}

fn clippy_command(what: &[&str]) -> Command {
    let mut clippy = cargo_command();
    clippy.args(["clippy", "--locked"]).args(what).args(["--", "-D", "warnings"]);
    clippy
}

/// Runs a command and shows its output only when it fails.
fn run_quietly(title: &str, command: &mut Command) -> Outcome {
    let log: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    run_logged(title, &format!("test-{}.log", log.trim_end_matches('-')), command)
        .map_err(Failure::with_long_tail)
}

/// The results of the steps.
#[derive(Default)]
struct StepReport {
    steps: Vec<(&'static str, Duration, bool)>,
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
        self.steps.push((title, since.elapsed(), result.is_ok()));
        Ok(())
    }

    fn print_summary(self) -> Outcome {
        println!("\n== summary");
        let mut failed = Vec::new();
        for (title, took, passed) in &self.steps {
            println!("  {} {title:<28} {:>9}", if *passed { '✓' } else { '✗' }, format_duration(*took));
            if !passed {
                failed.push(*title);
            }
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
