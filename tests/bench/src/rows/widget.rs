//! The loader and the frame, as a browser without a cache gets them.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{HttpLoad, Unit, measure_in_turn};
use crate::programs::constant_server::ConstantServer;
use crate::programs::edge_calls::start_origin_stub;
use crate::programs::program::Program;
use crate::programs::worker::Worker;
use anyhow::Result;
use bytes::Bytes;
use http::{Request, StatusCode};

pub(crate) const ROW: Row = Row { name: "widget", measure: |bench| Box::pin(measure(bench)) };

pub(crate) const LOADER: &str = "/widget/v1/onbill.js";
pub(crate) const FRAME: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard&locale=en";

const CONNECTIONS: usize = 32;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let edge = start(bench, Worker::Edge, &origin).await?;
    let bare = start(bench, Worker::Bare, &origin).await?;
    let mut loader = get_load(&edge, CONNECTIONS, LOADER);
    let mut frame = get_load(&edge, CONNECTIONS, FRAME);
    let mut hello = get_load(&bare, CONNECTIONS, "/");
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut loader, &mut frame, &mut hello]).await?;
    let [loader, frame, hello] = super::take(series)?;
    let yardstick = |hello| Some(("a bare Rust worker's hello", hello));
    Ok(vec![
        Line::new("loader", loader, yardstick(hello.clone()), &[Goal::RatioAtLeast(0.9)]),
        Line::new("frame", frame, yardstick(hello), &[Goal::RatioAtLeast(0.7)]),
    ])
}

async fn start(bench: &Bench, worker: Worker, origin: &ConstantServer) -> Result<Program> {
    let mut program = worker.spawn(bench, origin.address)?;
    program.wait_until_listening().await?;
    Ok(program)
}

/// A load of GETs of one path.
pub(crate) fn get_load(program: &Program, connections: usize, path: &'static str) -> HttpLoad<'static> {
    let host = program.address.to_string();
    let make_requests = move |count| {
        let request = || Request::get(path).header("host", &host).header("accept", "*/*").body(Bytes::new());
        (0..count).map(|_| Ok(request()?)).collect()
    };
    HttpLoad::new((program.address, program.tree()), connections, StatusCode::OK, Box::new(make_requests))
}
