//! The program's entry point: its verbs are in `cli/`, and their work is in the library.

mod cli;

use rustix::fs::Mode;
use std::process::ExitCode;
use std::time::Duration;

/// How long the end of the program waits for work that cannot be cancelled, such as the look-up of
/// a name or a read from a disk that hangs. Nobody waits for its result any more.
const LEFTOVER_PATIENCE: Duration = Duration::from_secs(1);

fn main() -> std::io::Result<ExitCode> {
    // Whatever this program writes is about customers: only its user and group may read it.
    rustix::process::umask(Mode::WGRP | Mode::RWXO);
    let runtime = tokio::runtime::Runtime::new()?;
    let code = runtime.block_on(cli::run());
    runtime.shutdown_timeout(LEFTOVER_PATIENCE);
    Ok(code)
}
