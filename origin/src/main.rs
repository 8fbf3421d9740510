//! The program's entry point: its verbs are in `cli/`, and their work is in the library.

mod cli;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
