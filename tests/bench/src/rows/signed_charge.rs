//! A signed charge at the edge with its route in KV: beside the same job in JavaScript, beside its calls to the platform alone,
//! and beside the runtime's own floor, a proxy that checks nothing.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Side, Unit, measure_in_turn};
use crate::programs::edge_calls::{EdgeCall, start_load, start_origin_stub};
use crate::programs::worker::Worker;
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "signed-charge", measure: |bench| Box::pin(measure(bench)) };

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let (_edge, mut edge) = start_load(bench, Worker::Edge, EdgeCall::Charge, &origin).await?;
    let (_hono, mut hono) = start_load(bench, Worker::Hono, EdgeCall::Charge, &origin).await?;
    let (_calls, mut calls) = start_load(bench, Worker::Calls, EdgeCall::Charge, &origin).await?;
    let (_proxy, mut proxy) = start_load(bench, Worker::Proxy, EdgeCall::Charge, &origin).await?;
    let sides: &mut [&mut dyn Side] = &mut [&mut edge, &mut hono, &mut calls, &mut proxy];
    let series = measure_in_turn(bench, Unit::PerSecond, sides).await?;
    let [edge, hono, calls, proxy] = super::take(series)?;
    let by_hono = Some(("Hono + http-message-sig", hono));
    let by_calls = Some(("its calls to the platform, unchecked", calls));
    let by_proxy = Some(("a bare JS proxy", proxy));
    Ok(vec![
        Line::new("signed charge at the edge, KV hit", edge.clone(), by_hono, &[Goal::RatioAtLeast(1.5)]),
        Line::new("the same against its calls alone", edge.clone(), by_calls, &[]),
        Line::new("the same against the runtime's floor", edge, by_proxy, &[Goal::RatioAtLeast(0.6)]),
    ])
}
