//! From a cold isolate to its first response: a running runtime makes an isolate, compiles the worker, reads its
//! configuration and answers `GET /healthz`. One request at a time, each in a new isolate.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Round, Side, Unit, measure_in_turn};
use crate::programs::cold_isolates;
use crate::programs::edge_calls::start_origin_stub;
use crate::programs::worker::Worker;
use crate::rows::widget::get_load;
use anyhow::Result;
use async_trait::async_trait;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "cold-start", measure: |bench| Box::pin(measure(bench)) };

/// Isolates before the measured ones, because the first ones find the runtime's own pages cold.
const FIRST_ISOLATES: usize = 10;

/// A worker in a runtime that is started for each round: it keeps every isolate that it has made, and after some
/// thousands of them there is no memory for another.
struct ColdIsolates<'a> {
    bench: &'a Bench,
    worker: Worker,
    origin: SocketAddr,
}

#[async_trait]
impl Side for ColdIsolates<'_> {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        let runtime = cold_isolates::start(self.bench, self.worker, self.origin).await?;
        let mut load = get_load(&runtime, 1, "/healthz");
        load.send(FIRST_ISOLATES).await?;
        load.run_round(length).await
    }
}

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let stub = start_origin_stub().await?;
    let [mut edge, mut bare] =
        [Worker::Edge, Worker::Bare].map(|worker| ColdIsolates { bench, worker, origin: stub.address });
    let series = measure_in_turn(bench, Unit::Milliseconds, &mut [&mut edge, &mut bare]).await?;
    let [edge, bare] = super::take(series)?;
    let yardstick = Some(("a bare Rust worker", bare));
    Ok(vec![Line::new("cold isolate to first response", edge, yardstick, &[Goal::RatioAtMost(1.25)])])
}
