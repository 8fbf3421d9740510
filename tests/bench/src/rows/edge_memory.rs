//! The resident memory of the runtime after many calls, with the edge on it and with its yardstick.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::process_tree::to_f64;
use crate::measure::{Series, Unit};
use crate::programs::constant_server::ConstantServer;
use crate::programs::edge_calls::{EdgeCall, start_load, start_origin_stub};
use crate::programs::worker::Worker;
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "edge-memory", measure: |bench| Box::pin(measure(bench)) };

const CALLS: usize = 100_000;
/// Calls that are signed together: a signature is stale after five minutes.
const BATCH: usize = 5000;
const MEBIBYTE: f64 = 1024.0 * 1024.0;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let calls = bench.scale.amount(CALLS, 20);
    let edge = measure_worker(bench, Worker::Edge, &origin, calls).await?;
    let hono = measure_worker(bench, Worker::Hono, &origin, calls).await?;
    let title = format!("memory of the edge after {calls} charges");
    let yardstick = Some(("Hono + http-message-sig", hono));
    Ok(vec![Line::new(title, edge, yardstick, &[Goal::RatioAtMost(1.2)])])
}

async fn measure_worker(
    bench: &Bench,
    worker: Worker,
    origin: &ConstantServer,
    calls: usize,
) -> Result<Series> {
    let (program, mut load) = start_load(bench, worker, EdgeCall::Charge, origin).await?;
    let mut errors = 0;
    for sent in (0..calls).step_by(BATCH) {
        bench.show_progress(&format!("{worker:?}: {sent} of {calls} calls"));
        errors += load.send(BATCH.min(calls - sent)).await?.errors;
    }
    let mut series = Series::of(Unit::Mebibytes, to_f64(program.tree().resident_bytes()) / MEBIBYTE);
    series.errors = errors;
    Ok(series)
}
