//! A token check at the edge: signature, token, and one call to an origin that answers at once.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Unit, measure_in_turn};
use crate::programs::edge_calls::{EdgeCall, start_load, start_origin_stub};
use crate::programs::worker::Worker;
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "token-check", measure: |bench| Box::pin(measure(bench)) };

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let (_edge, mut edge) = start_load(bench, Worker::Edge, EdgeCall::TokenCheck, &origin).await?;
    let (_hono, mut hono) = start_load(bench, Worker::Hono, EdgeCall::TokenCheck, &origin).await?;
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut edge, &mut hono]).await?;
    let [edge, hono] = super::take(series)?;
    let yardstick = Some(("Hono + jose + http-message-sig", hono));
    Ok(vec![Line::new("token check at the edge", edge, yardstick, &[Goal::RatioAtLeast(1.5)])])
}
