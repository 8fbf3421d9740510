//! The program: its verbs are in `cli/`, and what they do is in the library.

mod cli;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run().await
}
