//! A runtime that makes a new isolate of a worker for each request.

use super::program::{Program, find_free_address};
use super::worker::{Worker, copy, read_compatibility, text_bindings};
use crate::bench::Bench;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

/// Starts it with this worker, which must be one in Rust.
pub(crate) async fn start(bench: &Bench, worker: Worker, origin: SocketAddr) -> Result<Program> {
    let folder = bench.make_folder(&format!("cold-{}", worker.name()))?;
    let address = find_free_address()?;
    worker.copy_modules(bench, &folder)?;
    copy(&bench.paths.yardsticks.join("cold_isolates.js"), &folder.join("cold_isolates.js"))?;
    let variables = text_bindings(bench, address, origin);
    let variables: Map<String, Value> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    fs::write(folder.join("variables.json"), json!(variables).to_string())?;
    let (date, flags) = read_compatibility(bench)?;
    fs::write(folder.join("compatibility.json"), format!("{{\"date\": {date}, \"flags\": {flags}}}"))?;
    let config = include_str!("cold_isolates.capnp");
    let config = config.replace("@ADDRESS", &address.to_string()).replace("@DATE", &date);
    let file = folder.join("config.capnp");
    fs::write(&file, config).with_context(|| format!("write {}", file.display()))?;
    let mut workerd = Command::new(&bench.paths.workerd);
    // Loading workers at run time is an experiment of the runtime's.
    workerd.args(["serve", "--experimental"]).arg(file);
    let mut program = Program::spawn(workerd, address, &folder)?;
    program.wait_until_listening().await?;
    Ok(program)
}
