//! The program `onbill`. What it does is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    onbill_tool::run().await
}
