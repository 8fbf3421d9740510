//! The benchmark: the real programs beside yardsticks, in the same run. `cargo xtask bench` builds all of them and runs
//! this with their paths.
//!
//! - `rows/` has the rows of the table, one file each, and says how to add one;
//! - `measure/` has the rounds, the load over HTTP, and CPU time from `/proc`;
//! - `programs/` starts what is measured, and what stands behind it;
//! - `report.rs` makes the table and docs/benchmarks.md.
//!
//! Not here: any rule of onbill, and any look inside of its programs. A figure is what their user gets.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is for a person, and the progress for the person who runs it"
)]

mod arguments;
mod bench;
mod clock;
mod facts;
mod measure;
mod profile;
mod programs;
mod report;
mod rows;

use anyhow::{Context as _, Result, bail, ensure};
use arguments::Arguments;
use bench::Bench;
use clap::Parser as _;
use facts::format_facts;
use measure::process_tree::read_load;
use report::Report;
use rows::{ROWS, Row};
use std::fs;

/// The load and the parties behind the measured programs need no more; the measured ones get the rest.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let rows = choose_rows(&arguments.row)?;
    ensure!(!arguments.profile || rows.len() == 1, "--profile takes one row: name it with --row");
    let bench = Bench::new(arguments)?;
    let load_before = read_load();
    let report = measure_rows(&bench, &rows).await;
    if let Some(profile) = &bench.profile {
        ensure!(report.failures.is_empty(), "{}", report.failures.join("; "));
        println!("{}", fs::read_to_string(&profile.report).context("this row has no process to profile")?);
        return Ok(());
    }
    let facts = format_facts(&bench, &load_before, &read_load());
    println!("{facts}\n{}", report.format_tables());
    if rows.len() == ROWS.len() {
        report.write_document(&bench.paths.root.join("docs/benchmarks.md"), &facts)?;
    }
    ensure!(report.failures.is_empty(), "{} rows could not be measured", report.failures.len());
    Ok(())
}

fn choose_rows(names: &[String]) -> Result<Vec<&'static Row>> {
    if let Some(unknown) = names.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        let known: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        bail!("there is no row {unknown:?}, there are {}", known.join(", "));
    }
    let is_chosen = |row: &&&Row| names.is_empty() || names.iter().any(|name| name == row.name);
    Ok(ROWS.iter().filter(is_chosen).copied().collect())
}

/// Measures the rows one after the other. One that fails is reported and does not end the run.
async fn measure_rows(bench: &Bench, rows: &[&Row]) -> Report {
    let mut report = Report::default();
    for (n, row) in rows.iter().enumerate() {
        bench.begin_row(format!("{}, row {} of {}", row.name, n + 1, rows.len()));
        bench.show_progress("starting");
        match (row.measure)(bench).await {
            Ok(lines) => report.lines.extend(lines),
            Err(error) => report.failures.push(format!("{}: {error:#}", row.name)),
        }
    }
    report
}
