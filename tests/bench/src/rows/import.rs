//! `onbill-origin import-accounts` into an empty ledger, beside `sqlite3 .import` of the same file into a table with the
//! same columns and one index. The numbers come in no order.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::clock::Stopwatch;
use crate::measure::process_tree::{thread_cpu_time, to_f64};
use crate::measure::{Round, Series, Side, Unit, measure_in_turn};
use crate::programs::finished::{Finished, run_to_end};
use crate::programs::origin::{Origin, accounts_csv};
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use rusqlite::{Connection, params_from_iter};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "import", measure: |bench| Box::pin(measure(bench)) };

/// The yardstick, where it is installed. Elsewhere its inserts are made here.
const TOOL: &str = "sqlite3";

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// The table of the yardstick. Its users would not hash the numbers.
const TABLE: &str = "CREATE TABLE accounts (msisdn TEXT PRIMARY KEY, status TEXT, type TEXT, balance INTEGER, \
                     currency TEXT, activated_on TEXT) WITHOUT ROWID;";

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for accounts in bench.scale.large_amounts() {
        let origin = Origin::begin_ledger(bench, "import", None, "").await?;
        let file = origin.folder().join("accounts.csv");
        fs::write(&file, accounts_csv(shuffled(accounts).into_iter())?)?;
        let empty = origin.folder().join("empty.sqlite");
        fs::copy(origin.ledger_file(), &empty)?;
        let mut import = Import { bench, origin: &origin, empty, file: &file, accounts, peaks: Vec::new() };
        let mut bare =
            BareImport { folder: origin.folder(), file: &file, accounts, has_tool: is_tool_installed() };
        let series = measure_in_turn(bench, Unit::Seconds, &mut [&mut import, &mut bare]).await?;
        let [seconds, inserts] = super::take(series)?;
        let memory = Series { values: import.peaks, ..Series::new(Unit::Mebibytes) };
        let title = format!("import of {accounts} accounts");
        let yardstick = Some((bare.title(), inserts));
        lines.push(Line::new(title.clone(), seconds, yardstick, &[Goal::RatioAtMost(2.0)]));
        lines.push(Line::new(format!("memory of {title}"), memory, None, &[]));
    }
    Ok(lines)
}

/// The numbers below `count`, in an order that only looks random (the finalizer of `SplitMix64`).
fn shuffled(count: usize) -> Vec<usize> {
    let mix = |n: usize| {
        let mut z = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by_cached_key(|&n| mix(n));
    numbers
}

struct Import<'a> {
    bench: &'a Bench,
    origin: &'a Origin,
    /// The ledger before the import.
    empty: PathBuf,
    file: &'a Path,
    accounts: usize,
    /// The most memory of each round, in MiB.
    peaks: Vec<f64>,
}

#[async_trait]
impl Side for Import<'_> {
    async fn run_round(&mut self, _: Duration) -> Result<Round> {
        let ledger = self.origin.ledger_file();
        remove_database(&ledger);
        fs::copy(&self.empty, &ledger)?;
        let mut verb = self.origin.command(self.bench);
        verb.arg("import-accounts").arg(self.file);
        let finished = run_to_end(verb, self.origin.folder()).await?;
        check_accounts(&ledger, self.accounts)?;
        self.peaks.push(to_f64(finished.peak_bytes) / MEBIBYTE);
        Ok(finished.into_round(self.accounts))
    }

    /// Each round is a program of its own.
    fn warm_up_rounds(&self) -> usize {
        0
    }
}

/// The yardstick.
struct BareImport<'a> {
    folder: &'a Path,
    file: &'a Path,
    accounts: usize,
    has_tool: bool,
}

impl BareImport<'_> {
    fn title(&self) -> &'static str {
        if self.has_tool { "sqlite3 .import" } else { "the same inserts as sqlite3 .import" }
    }

    async fn import(&self, database: &Path) -> Result<Round> {
        if self.has_tool {
            let mut tool = Command::new(TOOL);
            tool.arg(database).arg(TABLE).arg(".mode csv");
            tool.arg(format!(".import --skip 1 '{}' accounts", self.file.display()));
            return Ok(run_to_end(tool, self.folder).await?.into_round(self.accounts));
        }
        let (since, cpu) = (Stopwatch::start(), thread_cpu_time());
        tokio::task::block_in_place(|| insert_lines(database, self.file))?;
        let (elapsed, cpu) = (since.elapsed(), thread_cpu_time().saturating_sub(cpu));
        Ok(Finished { elapsed, cpu, peak_bytes: 0 }.into_round(self.accounts))
    }
}

#[async_trait]
impl Side for BareImport<'_> {
    async fn run_round(&mut self, _: Duration) -> Result<Round> {
        let database = self.folder.join("bare.sqlite");
        remove_database(&database);
        let round = self.import(&database).await?;
        check_accounts(&database, self.accounts)?;
        Ok(round)
    }

    fn warm_up_rounds(&self) -> usize {
        0
    }
}

fn is_tool_installed() -> bool {
    Command::new(TOOL).arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// What the tool does: a line is a row, and all of them are one transaction.
fn insert_lines(database: &Path, file: &Path) -> Result<()> {
    let mut database = Connection::open(database)?;
    database.execute_batch(TABLE)?;
    let tx = database.transaction()?;
    let mut insert = tx.prepare("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?)")?;
    for line in BufReader::new(File::open(file)?).lines().skip(1) {
        insert.execute(params_from_iter(line?.split(',')))?;
    }
    drop(insert);
    tx.commit().context("commit the accounts")
}

fn remove_database(file: &Path) {
    for ending in ["", "-wal", "-shm"] {
        // There is none in the first round.
        let _ = fs::remove_file(format!("{}{ending}", file.display()));
    }
}

/// A tool that has skipped lines was not quick.
fn check_accounts(database: &Path, expected: usize) -> Result<()> {
    let database = Connection::open(database)?;
    let found: i64 = database.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0))?;
    ensure!(usize::try_from(found) == Ok(expected), "{found} accounts were imported of {expected}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_numbers_are_all_there_in_another_order() {
        let mut numbers = shuffled(1000);
        let ascents = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((450..=550).contains(&ascents), "{ascents}");
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..1000));
    }
}
