//! A durable charge on SQLite over 64 connections, beside what the disk and SQLite themselves can do: the same rows into
//! the same tables with the same indexes, a thousand charges a commit, from one thread.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::clock::Stopwatch;
use crate::measure::process_tree::thread_cpu_time;
use crate::measure::{Latencies, Round, Side, Unit, measure_in_turn};
use crate::programs::origin::Origin;
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "sqlite-charge", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const CONNECTIONS: usize = 64;
const CHARGES_PER_COMMIT: usize = 1000;
/// Charges whose rows the yardstick inserts again and again, each time into a fresh ledger.
const SAMPLE: usize = 5000;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let mut origin = Origin::set_up(bench, "sqlite-charge", None, ACCOUNTS, "").await?;
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    let ledger = origin.folder().join("acme.sqlite");
    let empty = copy_ledger(&ledger, &origin.folder().join("before.sqlite"))?;
    let mut charges = origin.charge_load(bench, CONNECTIONS, &subscribers)?;
    bench.show_progress("charging for the rows of the yardstick");
    charges.send(SAMPLE).await?;
    let after = copy_ledger(&ledger, &origin.folder().join("after.sqlite"))?;
    let mut rows = BareInserts::new(empty, &after, SAMPLE)?;
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut charges, &mut rows]).await?;
    let [charges, rows] = super::take(series)?;
    let title = format!("charge on SQLite, {CONNECTIONS} connections");
    let yardstick = Some(("the same rows, 1,000 a commit", rows));
    Ok(vec![Line::new(title, charges, yardstick, &[Goal::RatioAtLeast(0.35), Goal::CpuMicrosAtMost(350.0)])])
}

/// A copy of a ledger that an origin has open.
fn copy_ledger(from: &Path, to: &Path) -> Result<PathBuf> {
    let ledger = Connection::open(from).context("open the ledger")?;
    ledger.execute("VACUUM INTO ?1", [to.to_string_lossy()]).context("copy the ledger")?;
    Ok(to.to_owned())
}

/// Inserts the rows that charges have left in a ledger into a copy of the ledger from before them.
struct BareInserts {
    empty: PathBuf,
    tables: Vec<GrownTable>,
    charges: usize,
}

/// A table with the rows that the charges have added.
struct GrownTable {
    insert: String,
    rows: Vec<Vec<Value>>,
}

impl BareInserts {
    /// Finds the tables that have grown with the charges, whatever they are called.
    fn new(empty: PathBuf, after: &Path, charges: usize) -> Result<Self> {
        let ledger = Connection::open(after)?;
        ledger.execute("ATTACH ?1 AS before", [empty.to_string_lossy()])?;
        let mut select = ledger.prepare(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )?;
        let names: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut tables = Vec::new();
        for name in names {
            let sql = format!("SELECT * FROM main.{name} EXCEPT SELECT * FROM before.{name}");
            let mut added = ledger.prepare(&sql)?;
            let columns = added.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
            let rows: Vec<Vec<Value>> = added.query_map([], row)?.collect::<Result<_, _>>()?;
            // A row that has only changed, such as a subscriber's spending, is not one for each charge.
            if rows.len() >= charges {
                let places = vec!["?"; columns].join(", ");
                tables.push(GrownTable { insert: format!("INSERT INTO {name} VALUES ({places})"), rows });
            }
        }
        ensure!(!tables.is_empty(), "no table has grown with the charges");
        Ok(Self { empty, tables, charges })
    }

    /// Inserts all rows once. Gives the time without that of making the ledger.
    fn insert_all(&self) -> Result<(Duration, Duration)> {
        let file = self.empty.with_file_name("inserts.sqlite");
        for ending in ["", "-wal", "-shm"] {
            // There is none in the first round.
            let _ = fs::remove_file(format!("{}{ending}", file.display()));
        }
        fs::copy(&self.empty, &file)?;
        let mut ledger = Connection::open(&file)?;
        // What the origin sets for its writer.
        ledger.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
        )?;
        let (since, cpu) = (Stopwatch::start(), thread_cpu_time());
        for from in (0..self.charges).step_by(CHARGES_PER_COMMIT) {
            let tx = ledger.transaction()?;
            for table in &self.tables {
                let mut insert = tx.prepare_cached(&table.insert)?;
                let per_charge = table.rows.len() / self.charges;
                let rows = table.rows.iter().skip(from * per_charge);
                for row in rows.take(CHARGES_PER_COMMIT * per_charge) {
                    insert.execute(rusqlite::params_from_iter(row))?;
                }
            }
            tx.commit()?;
        }
        Ok((since.elapsed(), thread_cpu_time().saturating_sub(cpu)))
    }
}

#[async_trait]
impl Side for BareInserts {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        let (mut elapsed, mut cpu, mut operations) = (Duration::ZERO, Duration::ZERO, 0);
        while elapsed < length {
            let (took, used) = tokio::task::block_in_place(|| self.insert_all())?;
            elapsed += took;
            cpu += used;
            operations += self.charges as u64;
        }
        Ok(Round { operations, errors: 0, elapsed, cpu: Some(cpu), latencies: Latencies::default() })
    }
}
