//! What a browser and a cold isolate have to load, compressed: loader and frame as they are served, and the wasm.

use super::widget::{FRAME, LOADER};
use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::process_tree::to_f64;
use crate::measure::{Series, Unit};
use crate::programs::edge_calls::start_origin_stub;
use crate::programs::worker::Worker;
use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

pub(crate) const ROW: Row = Row { name: "weight", measure: |bench| Box::pin(measure(bench)) };

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let origin = start_origin_stub().await?;
    let mut edge = Worker::Edge.spawn(bench, origin.address)?;
    let mut lines = Vec::new();
    for (title, path, goal) in [("loader", LOADER, 2.0), ("frame", FRAME, 12.0)] {
        let mut stream = edge.wait_until_listening().await?;
        let request = format!("GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", edge.address);
        stream.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await?;
        let end =
            response.windows(4).position(|four| four == b"\r\n\r\n").context("a response has a head")?;
        lines.push(line(title, &response[end + 4..], goal)?);
    }
    let wasm = fs::read(bench.paths.edge.join("index_bg.wasm")).context("read the edge's wasm")?;
    lines.push(line("wasm", &wasm, 280.0)?);
    Ok(lines)
}

fn line(title: &str, bytes: &[u8], goal: f64) -> Result<Line> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    let kibibytes = to_f64(gzip.finish()?.len() as u64) / 1024.0;
    let subject = Series::of(Unit::Kibibytes, kibibytes);
    Ok(Line::new(format!("weight of the {title}, gzip"), subject, None, &[Goal::ValueAtMost(goal)]))
}
