//! `cargo xtask`: the commands of the README and of CI. This file only maps each verb to its module.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a person at a terminal is what it is for"
)]

mod arguments;
mod bench;
mod call;
mod cargo_tool;
mod child;
mod clock;
mod crash;
mod dev;
mod docs;
mod edge;
mod failure;
mod git;
mod http_client;
mod keys;
mod lock;
mod operators;
mod paths;
mod postgres;
mod progress;
mod release;
mod setup;
mod sim;
mod system;
mod test;
mod upgrade;

use std::path::PathBuf;
use std::process::ExitCode;

use arguments::{EdgeArguments, KeysArguments, Verb};
use edge::Profile;
use failure::Outcome;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match clock::listen_for_stop().and_then(|()| arguments::parse_arguments(&words)).and_then(run_verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run_verb(verb: Verb) -> Outcome {
    match verb {
        Verb::Help => {
            println!("{}", arguments::USAGE);
            Ok(())
        }
        Verb::Setup => setup::install_everything(),
        Verb::Edge(EdgeArguments::Build(profile)) => {
            setup::install_everything()?;
            let is_for_dev = edge::is_for_wrangler_dev();
            if is_for_dev {
                dev::provide_local_keys()?;
            }
            let default = if is_for_dev { Profile::Dev } else { Profile::Release };
            edge::build_and_check_sizes(profile.unwrap_or(default))
        }
        Verb::Edge(EdgeArguments::Bundle(dir)) => {
            setup::install_everything()?;
            edge::build_and_check_sizes(Profile::Release)?;
            edge::write_bundle(&dir)
        }
        Verb::Keys(what) => {
            for file in write_keys(&what)? {
                println!("{}", file.display());
            }
            Ok(())
        }
        Verb::Operators(what) => operators::run(&what),
        Verb::Docs => docs::build_site(),
        Verb::Dev { accounts, keep, incumbent } => {
            dev::run_local_system(accounts.as_deref(), keep, incumbent)
        }
        Verb::Call(words) => call::call_local_system(&words),
        Verb::Postgres(words) => {
            setup::install_npm_packages()?;
            postgres::run_with_postgres(&words)
        }
        Verb::Bench(words) => bench::run_benchmark(&words),
        Verb::Crash { cycles, what } => crash::run_crash_suite(cycles, &what),
        Verb::Sim(seeds) => sim::run_simulation(&seeds),
        Verb::Upgrade { from } => upgrade::test_upgrade(&from),
        Verb::Release(action) => release::run_release(action),
        Verb::Test(part) => test::run_test_part(part),
    }
}

fn write_keys(what: &KeysArguments) -> Outcome<Vec<PathBuf>> {
    match what {
        KeysArguments::Sets { operators, partners, out } => {
            let operators: Vec<&str> = operators.iter().map(String::as_str).collect();
            let partners: Vec<&str> = partners.iter().map(String::as_str).collect();
            keys::write_key_sets(&operators, &partners, out)
        }
        KeysArguments::Operators { edge, operators, out } => keys::write_operator_sets(edge, operators, out),
        KeysArguments::Epoch { edge, operators, epoch, out } => {
            keys::write_epoch(edge, operators, epoch, out)
        }
        KeysArguments::NextRoot { edge, out } => Ok(vec![keys::write_next_root(edge, out)?]),
    }
}
