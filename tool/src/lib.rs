//! `onbill`: what the engineers of a partner or an operator use while they connect to onbill. This
//! file reads the command line and sets the exit status; each verb has a file of its own. It is a
//! library so that the tests can run the conformance kits against the sandbox.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]

mod ambient;
mod base;
mod call;
pub mod certify;
mod client;
mod connection;
mod exit;
mod keys;
mod proxy;
mod signer;
mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Calls onbill's API with your keys, and explains its signatures.
#[derive(Parser)]
#[command(name = "onbill", version, after_help = exit::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Sign one call, send it and show the response.
    Call(call::Arguments),
    /// Listen on this machine, and sign every call that passes: for curl, Postman or Bruno.
    Proxy(proxy::Arguments),
    /// Explain why the signature of a request is refused, part by part.
    Verify(verify::Arguments),
    /// Make keys, and convert between key rings and JWKS.
    Keys(keys::Arguments),
    /// Test your side as onbill will call it: an operator's CSP API, or a partner's webhooks.
    Certify(certify::Arguments),
}

/// Reads the command line and does what it says.
pub async fn run() -> ExitCode {
    let outcome = match Arguments::parse().verb {
        Verb::Call(arguments) => arguments.run().await,
        Verb::Proxy(arguments) => arguments.run().await,
        Verb::Verify(arguments) => arguments.run(),
        Verb::Keys(arguments) => arguments.run(),
        Verb::Certify(arguments) => Ok(arguments.run().await),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        exit::FAILED
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_argument_is_explained() {
        assert_eq!(onbill_help_check::find_unexplained(&Arguments::command()), Vec::<String>::new());
    }

    #[test]
    fn commands_of_the_pages_exist() {
        let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let found = onbill_help_check::find_unknown_commands(&Arguments::command(), repository.as_ref());
        assert_eq!(found.unknown, Vec::<String>::new());
        assert!(found.checked > 3, "{} commands were found", found.checked);
    }
}
