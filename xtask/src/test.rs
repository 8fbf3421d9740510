//! `cargo xtask test`: the checks that a change must pass, fastest first. All steps run even when one fails, so that one
//! run shows every failure. What is compiled is compiled first; then the tests run, and beside them the browser journeys,
//! as both wait for much of their time.

mod deployment;
mod journeys;
mod quiet;

use std::num::NonZero;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::arguments::TestPart;
use crate::child::{cargo_command, new_command, read_last_line, run_in_background, run_logged};
use crate::clock::{Stopwatch, format_duration, is_stop_requested, sleep_milliseconds};
use crate::edge::{self, Profile};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::progress::Step;
use crate::{paths, setup};
use quiet::run_quietly;

/// Fewest tests of a program that run at once. Most tests wait for a database, a process or a deadline, so two cores take
/// more than two.
const TEST_THREADS_MIN: usize = 6;
/// How far the tests step back behind the journeys beside them: a page that is slow fails its journey.
const NICENESS: &str = "10";
const TESTS: &str = "tests";
const TESTS_LOG: &str = "test-tests.log";
const LOOK_MILLISECONDS: u64 = 50;

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
    }
    match part {
        TestPart::All => run_all_tests(&mut report)?,
        TestPart::Rust => report.run_step(TESTS, run_rust_tests)?,
        TestPart::Browser => run_browser_tests(part, &mut report)?,
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

/// Runs the tests in the background, and those of deployment and browser meanwhile.
fn run_all_tests(report: &mut StepReport) -> Outcome {
    let tests = prepare_rust_tests();
    thread::scope(|scope| {
        let since = Stopwatch::start();
        let tests = scope.spawn(move || {
            let result = tests.and_then(|mut tests| run_in_background(TESTS, TESTS_LOG, &mut tests.command));
            (result.map_err(Failure::with_long_tail), since.elapsed())
        });
        run_browser_tests(TestPart::All, report)?;
        println!("\n== tests, which have run beside the steps above");
        let mut step = Step::start("waiting for what is left of them");
        while !tests.is_finished() {
            step.tick(|| read_last_line(&paths::xtask_file(TESTS_LOG)));
            sleep_milliseconds(LOOK_MILLISECONDS);
        }
        step.done();
        let ended = tests.join();
        let (result, took) =
            ended.unwrap_or_else(|_| (Err(Failure::new("the thread panicked")), since.elapsed()));
        report.add_step(TESTS, &result, took)
    })
}

fn run_browser_tests(part: TestPart, report: &mut StepReport) -> Outcome {
    report.run_step("deployment", deployment::run_deployment_tests)?;
    report.run_step("browser journeys", || journeys::run_journeys(part))
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

fn run_rust_tests() -> Outcome {
    let mut tests = prepare_rust_tests()?;
    run_logged(TESTS, TESTS_LOG, &mut tests.command).map_err(Failure::with_long_tail)
}

/// The tests as a command, and the server that they need.
struct RustTests {
    command: Command,
    _postgres: Postgres,
}

/// Starts a PostgreSQL server for the tests. The crash tests get the built origin.
fn prepare_rust_tests() -> Outcome<RustTests> {
    let postgres = Postgres::provide()?;
    let mut command = new_command("nice");
    command.args(["-n", NICENESS]).arg(cargo_command().get_program());
    command.args(["test", "--locked", "--workspace", "--no-fail-fast"]);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    command.env("RUST_TEST_THREADS", cores.max(TEST_THREADS_MIN).to_string());
    command.env("ONBILL_ORIGIN", paths::built_program("onbill-origin"));
    postgres.set_database_url(&mut command);
    Ok(RustTests { command, _postgres: postgres })
}

fn clippy_command(what: &[&str]) -> Command {
    let mut clippy = cargo_command();
    clippy.args(["clippy", "--locked"]).args(what).args(["--", "-D", "warnings"]);
    clippy
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
        self.add_step(title, &result, since.elapsed())
    }

    /// Shows and keeps the result of a step. Fails only when xtask was stopped.
    fn add_step(&mut self, title: &'static str, result: &Outcome, took: Duration) -> Outcome {
        if is_stop_requested() {
            return Err(Failure::interrupted());
        }
        if let Err(failure) = result {
            println!("{failure}");
        }
        self.steps.push((title, took, result.is_ok()));
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
