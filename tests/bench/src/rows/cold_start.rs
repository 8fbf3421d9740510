//! From a cold isolate to its first response: a running runtime makes an isolate, compiles the worker, reads its
//! configuration and answers `GET /healthz`. One request at a time, each in a new isolate.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{HttpLoad, Unit, measure_in_turn};
use crate::programs::cold_isolates;
use crate::programs::edge_calls::start_origin_stub;
use crate::programs::worker::Worker;
use crate::rows::widget::get_load;
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "cold-start", measure: |bench| Box::pin(measure(bench)) };

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let edge = cold_isolates::start(bench, Worker::Edge, origin.address).await?;
    let bare = cold_isolates::start(bench, Worker::Bare, origin.address).await?;
    let load = |program| -> HttpLoad<'_> { get_load(program, 1, "/healthz") };
    let (mut edge, mut bare) = (load(&edge), load(&bare));
    let series = measure_in_turn(bench, Unit::Milliseconds, &mut [&mut edge, &mut bare]).await?;
    let [edge, bare] = super::take(series)?;
    let yardstick = Some(("a bare Rust worker", bare));
    Ok(vec![Line::new("cold isolate to first response", edge, yardstick, &[Goal::RatioAtMost(1.25)])])
}
