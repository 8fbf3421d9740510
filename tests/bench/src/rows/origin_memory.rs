//! The resident memory of the origin: idle, and the most that it has had while 256 connections charge.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::process_tree::to_f64;
use crate::measure::{Series, Side as _, Unit};
use crate::programs::origin::Origin;
use anyhow::Result;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "origin-memory", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const CONNECTIONS: usize = 256;
/// After this the start's own garbage has gone.
const IDLE: Duration = Duration::from_secs(2);
const MEBIBYTE: f64 = 1024.0 * 1024.0;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let mut origin = Origin::set_up(bench, "origin-memory", None, ACCOUNTS, "").await?;
    origin.start(bench).await?;
    tokio::time::sleep(IDLE).await;
    let idle = to_f64(origin.tree()?.resident_bytes()) / MEBIBYTE;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    let mut load = origin.charge_load(bench, CONNECTIONS, &subscribers)?;
    let mut errors = 0;
    for _ in 0..bench.scale.rounds {
        errors += load.run_round(bench.scale.round).await?.errors;
    }
    let mut busy = Series::of(Unit::Mebibytes, to_f64(origin.tree()?.peak_resident_bytes()) / MEBIBYTE);
    busy.errors = errors;
    Ok(vec![
        Line::new(
            "memory of the origin, idle",
            Series::of(Unit::Mebibytes, idle),
            None,
            &[Goal::ValueAtMost(20.0)],
        ),
        Line::new(
            format!("memory of the origin, {CONNECTIONS} connections"),
            busy,
            None,
            &[Goal::ValueAtMost(40.0)],
        ),
    ])
}
