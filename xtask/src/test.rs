//! `cargo xtask test`: what a change must pass, in the order of how fast it says no. All steps are run even when one
//! fails, so that one round shows everything.

mod journeys;

use std::process::Command;
use std::time::Duration;

use crate::arguments::Part;
use crate::child::{cargo, npm_program, run};
use crate::clock::{Stopwatch, spoken, stop_wanted};
use crate::edge::{self, Profile};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{crash, setup, system};

/// Runs the steps of a part and sums up.
pub(crate) fn everything_in(part: Part) -> Outcome {
    setup::everything()?;
    let mut report = Report::default();
    if part != Part::Browser {
        report.step("formatting", || quietly("formatting", cargo().args(["fmt", "--all", "--check"])))?;
        report.step("lints", || quietly("lints", &mut clippy(&["--workspace", "--all-targets"])))?;
        let edge = ["--package", "onbill-edge", "--target", "wasm32-unknown-unknown"];
        report
            .step("lints of the edge as wasm", || quietly("lints of the edge as wasm", &mut clippy(&edge)))?;
        report.step("tests", tests)?;
        report.step("edge build and sizes", || edge::build(Profile::Release))?;
        report.step("deployment", || quietly("deployment (dry run)", &mut dry_run()))?;
    }
    if part != Part::Rust {
        report.step("browser journeys", journeys::run)?;
    }
    report.conclude()
}

/// With a PostgreSQL at hand for as long as they run, and the built origin for those that kill it.
fn tests() -> Outcome {
    let origin = crash::build_origin()?;
    let postgres = Postgres::provide()?;
    let mut tests = cargo();
    tests.args(["test", "--locked", "--workspace", "--no-fail-fast"]).env("ONBILL_ORIGIN", origin);
    postgres.show_to(&mut tests);
    quietly("tests", &mut tests)
}

fn clippy(what: &[&str]) -> Command {
    let mut clippy = cargo();
    clippy.args(["clippy", "--locked"]).args(what).args(["--", "-D", "warnings"]);
    clippy
}

fn dry_run() -> Command {
    let mut wrangler = npm_program("wrangler");
    wrangler.args(["deploy", "--dry-run"]);
    system::quiet(&mut wrangler);
    wrangler
}

/// Shows output only when it fails.
fn quietly(title: &str, command: &mut Command) -> Outcome {
    let log: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    run(title, &format!("test-{}.log", log.trim_end_matches('-')), command).map_err(Failure::at_length)
}

/// How each step went.
#[derive(Default)]
struct Report {
    steps: Vec<(&'static str, Duration, bool)>,
}

impl Report {
    /// Runs one step under its heading. Fails only when somebody stopped xtask.
    fn step(&mut self, title: &'static str, act: impl FnOnce() -> Outcome) -> Outcome {
        println!("\n== {title}");
        let since = Stopwatch::start();
        let verdict = act();
        if stop_wanted() {
            return Err(Failure::interrupted());
        }
        if let Err(failure) = &verdict {
            println!("{failure}");
        }
        self.steps.push((title, since.elapsed(), verdict.is_ok()));
        Ok(())
    }

    fn conclude(self) -> Outcome {
        println!("\n== summary");
        let mut failed = Vec::new();
        for (title, took, passed) in &self.steps {
            println!("  {} {title:<28} {:>9}", if *passed { '✓' } else { '✗' }, spoken(*took));
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
    fn one_failing_step_fails_the_whole_but_not_the_steps_after_it() {
        let mut report = Report::default();
        let mut ran = 0;
        report.step("first", || Err(Failure::new("no"))).expect("goes on");
        report
            .step("second", || {
                ran += 1;
                Ok(())
            })
            .expect("goes on");
        assert_eq!(ran, 1);
        assert_eq!(report.conclude().expect_err("has failed").to_string(), "failed: first");
        assert!(Report::default().conclude().is_ok());
    }
}
