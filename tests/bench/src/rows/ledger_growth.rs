//! A durable charge on a large SQLite ledger, beside the same origin on a small one: what it costs that accounts,
//! subscribers and charges are many. Both ledgers have the same payers, at random places among the others.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::process_tree::to_f64;
use crate::measure::{Series, Unit, measure_in_turn};
use crate::programs::filled_ledger::FilledLedger;
use crate::programs::origin::{Origin, Subscriber};
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "ledger-growth", measure: |bench| Box::pin(measure(bench)) };

const PAYERS: usize = 1000;
const CONNECTIONS: usize = 64;
/// Charges, accounts and subscribers of the small ledger.
const SMALL: usize = 10_000;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let payers = bench.scale.amount(PAYERS, 5);
    let mut first = Origin::set_up(bench, "ledger-growth", None, payers, "").await?;
    first.start(bench).await?;
    let subscribers = first.sign_up(bench, payers).await?;
    first.charge_load(bench, CONNECTIONS, &subscribers)?.send(payers).await?;
    first.stop();
    let mut lines = Vec::new();
    for charges in bench.scale.large_amounts() {
        let (small, _) = start_filled(bench, &first, SMALL).await?;
        let (large, bytes) = start_filled(bench, &first, charges).await?;
        lines.extend(compare(bench, (&large, charges), &small, &subscribers).await?);
        let size = Series::of(Unit::Bytes, bytes);
        lines.push(Line::new(format!("size of a charge on SQLite, {charges} charges"), size, None, &[]));
    }
    Ok(lines)
}

/// An origin on a copy of the ledger with so many charges of others added, and the bytes that each of them takes.
async fn start_filled(bench: &Bench, first: &Origin, charges: usize) -> Result<(Origin, f64)> {
    bench.show_progress(&format!("filling a ledger with {charges} charges"));
    let mut origin = Origin::copy(bench, &format!("ledger-of-{charges}"), first).await?;
    let bytes = tokio::task::block_in_place(|| {
        let ledger = FilledLedger::open(&origin.ledger_file(), charges)?;
        let bytes = ledger.add_charges()?;
        ledger.finish().map(|()| bytes)
    })?;
    origin.start(bench).await?;
    Ok((origin, bytes))
}

async fn compare(
    bench: &Bench,
    (large, charges): (&Origin, usize),
    small: &Origin,
    subscribers: &[Subscriber],
) -> Result<[Line; 2]> {
    let mut subject = large.charge_load(bench, CONNECTIONS, subscribers)?;
    let mut yardstick = small.charge_load(bench, CONNECTIONS, subscribers)?;
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut subject, &mut yardstick]).await?;
    let [on_large, on_small] = super::take(series)?;
    let memory = |origin: &Origin| -> Result<Series> {
        Ok(Series::of(Unit::Mebibytes, to_f64(origin.tree()?.peak_resident_bytes()) / MEBIBYTE))
    };
    let title = format!("a ledger of {charges} charges and accounts");
    let with_small = format!("itself, {SMALL}");
    Ok([
        Line::new(
            format!("charge on {title}"),
            on_large,
            Some((&with_small, on_small)),
            &[Goal::RatioAtLeast(0.9)],
        ),
        Line::new(
            format!("memory with {title}"),
            memory(large)?,
            Some((&with_small, memory(small)?)),
            &[Goal::RatioAtMost(1.2)],
        ),
    ])
}
