//! `onbill-origin reconcile` of a ledger with the partner's statement and billing's extract, as many lines in each. All
//! three agree, which the verb has to find out.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::clock::now;
use crate::measure::process_tree::to_f64;
use crate::measure::{Round, Series, Side, Unit, measure_in_turn};
use crate::programs::filled_ledger::{FilledLedger, SPREAD_SECONDS};
use crate::programs::finished::run_to_end;
use crate::programs::keys::PARTNER;
use crate::programs::origin::Origin;
use anyhow::Result;
use async_trait::async_trait;
use onbill_domain::day::Day;
use rusqlite::Connection;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "reconcile", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 10;
/// In each of the three ledgers.
const CHARGES: usize = 1_000_000;
const DAY_SECONDS: i64 = 24 * 60 * 60;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let mut origin = Origin::set_up(bench, "reconcile", None, ACCOUNTS, "").await?;
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    origin.charge_load(bench, ACCOUNTS, &subscribers)?.send(ACCOUNTS).await?;
    origin.stop();
    let charges = bench.scale.amount(CHARGES, 10);
    bench.show_progress("filling the ledger and writing the files");
    let ledger = origin.ledger_file();
    tokio::task::block_in_place(|| {
        let filled = FilledLedger::open(&ledger, charges)?;
        filled.add_charges()?;
        filled.finish()
    })?;
    let mut verb = Reconcile::prepare(bench, &origin, 3 * charges)?;
    let series = measure_in_turn(bench, Unit::Seconds, &mut [&mut verb]).await?;
    let [seconds] = super::take(series)?;
    let memory = Series { values: verb.peaks, ..Series::new(Unit::Mebibytes) };
    let title = format!("reconcile, {} lines", 3 * charges);
    Ok(vec![
        Line::new(title.clone(), seconds, None, &[Goal::ValueAtMost(15.0)]),
        Line::new(format!("memory of {title}"), memory, None, &[Goal::ValueAtMost(150.0)]),
    ])
}

struct Reconcile<'a> {
    bench: &'a Bench,
    origin: &'a Origin,
    statement: PathBuf,
    extract: PathBuf,
    lines: usize,
    /// The most memory of each round, in MiB.
    peaks: Vec<f64>,
}

impl<'a> Reconcile<'a> {
    /// Writes the files of the other two, by the time of the charges.
    fn prepare(bench: &'a Bench, origin: &'a Origin, lines: usize) -> Result<Self> {
        let file = |name: &str| origin.folder().join(name);
        let (statement, extract) = (file("statement.csv"), file("extract.csv"));
        write_csv(
            origin,
            &statement,
            "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status",
            "'charge,' || ext_transaction_id || ',,' || pai || ',' || amount_minor || ',' || currency || ',APPROVED'",
        )?;
        write_csv(
            origin,
            &extract,
            "kind,transactionID,refundID,amount_minor,currency",
            "'charge,' || transaction_id || ',,' || amount_minor || ',' || currency",
        )?;
        Ok(Self { bench, origin, statement, extract, lines, peaks: Vec::new() })
    }
}

fn write_csv(origin: &Origin, file: &Path, header: &str, line: &str) -> Result<()> {
    let ledger = Connection::open(origin.ledger_file())?;
    let mut select = ledger.prepare(&format!("SELECT {line} FROM transactions ORDER BY created_at"))?;
    let mut rows = select.query([])?;
    let mut file = BufWriter::new(File::create(file)?);
    writeln!(file, "{header}")?;
    while let Some(row) = rows.next()? {
        writeln!(file, "{}", row.get_ref(0)?.as_str()?)?;
    }
    Ok(file.flush()?)
}

#[async_trait]
impl Side for Reconcile<'_> {
    async fn run_round(&mut self, _: Duration) -> Result<Round> {
        let first = Day::of_timestamp(now().plus_seconds(-SPREAD_SECONDS - DAY_SECONDS)).to_string();
        let last = Day::of_timestamp(now()).to_string();
        let mut verb = self.origin.command(self.bench);
        verb.args(["reconcile", "--partner", PARTNER, "--from", &first, "--to", &last]);
        verb.arg("--statement").arg(&self.statement).arg("--billing").arg(&self.extract);
        // It fails when it finds anything.
        let finished = run_to_end(verb, self.origin.folder()).await?;
        self.peaks.push(to_f64(finished.peak_bytes) / MEBIBYTE);
        Ok(finished.into_round(self.lines))
    }

    /// Each round is a program of its own.
    fn warm_up_rounds(&self) -> usize {
        0
    }
}
