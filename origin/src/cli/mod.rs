//! The command line, one file for each verb. What a verb does is in the library; here it gets the
//! real clock, the terminal and the exit code.

#![expect(clippy::doc_markdown, reason = "--help prints the docs of the arguments as they stand")]

mod account_events;
mod acting;
mod adopt;
mod alarms;
mod arguments;
mod audit;
mod backup;
mod close_pai;
mod completions;
mod config;
mod correlate;
mod coupons;
mod erase;
mod files;
mod health;
mod import_accounts;
mod init;
mod kv_sync;
mod man;
mod mandates;
mod migrate;
mod opening;
mod outbox;
mod output;
mod period;
mod problems;
mod reconcile;
mod recovered;
mod rotate_keys;
mod serve;
mod settlement;
mod subscribers;
mod switch;
mod verb_outcome;

use clap::{CommandFactory as _, Parser, Subcommand};
use onbill_origin::ambient::SystemRandom;
use onbill_origin::build_info;
use onbill_origin::call_trace::CallTrace;
use output::print_error_line;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use verb_outcome::VerbOutcome;

/// onbill's origin: the authority beside one operator's billing system.
#[derive(Parser)]
#[command(name = PROGRAM, version = build_info::version_line(), after_help = EXIT_CODES)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "ONBILL_CONFIG", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

const PROGRAM: &str = "onbill-origin";

/// Where packages put the configuration.
const DEFAULT_CONFIG: &str = "/etc/onbill/origin.toml";

const EXIT_CODES: &str = "Exit codes of every verb:
  0  done, and nothing was found or refused
  1  done, and something was found or refused: it is in the output
  2  could not run: the command line, a file, the configuration or the database says why";

#[derive(Subcommand)]
enum Verb {
    Init(init::Arguments),
    Serve(serve::Arguments),
    Health(health::Arguments),
    Config(config::Arguments),
    Migrate(migrate::Arguments),
    ImportAccounts(import_accounts::Arguments),
    Switch(switch::Arguments),
    AccountEvents(account_events::Arguments),
    Outbox(outbox::Arguments),
    Alarms(alarms::Arguments),
    Reconcile(reconcile::Arguments),
    Correlate(correlate::Arguments),
    Settlement(settlement::Arguments),
    Mandates(mandates::Arguments),
    Audit(audit::Arguments),
    ClosePai(close_pai::Arguments),
    KvSync(kv_sync::Arguments),
    Coupons(coupons::Arguments),
    Erase(erase::Arguments),
    Subscribers(subscribers::Arguments),
    RotateKeys(rotate_keys::Arguments),
    Backup(backup::Arguments),
    Recovered(recovered::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs the verb that the command line asks for.
pub(crate) async fn run() -> ExitCode {
    let Arguments { config, verb } = Arguments::parse();
    let outcome = Box::pin(CallTrace::begin(&SystemRandom).scope(run_verb(verb, &config))).await;
    let code = match outcome {
        Ok(VerbOutcome::Findings) if !output::is_closed() => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            print_error_line!("error: {error:#}");
            ExitCode::from(2)
        }
    };
    match output::finish() {
        Ok(()) => code,
        Err(error) => {
            print_error_line!("error: the output cannot be written: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run_verb(verb: Verb, config: &Path) -> anyhow::Result<VerbOutcome> {
    match verb {
        Verb::Init(arguments) => arguments.run(config).await,
        Verb::Serve(arguments) => arguments.run(config).await,
        Verb::Health(arguments) => arguments.run(config).await,
        Verb::Config(arguments) => arguments.run(config).await,
        Verb::Migrate(arguments) => arguments.run(config).await,
        Verb::ImportAccounts(arguments) => arguments.run(config).await,
        Verb::AccountEvents(arguments) => arguments.run(config).await,
        Verb::Outbox(arguments) => arguments.run(config).await,
        Verb::Alarms(arguments) => arguments.run(config).await,
        Verb::Reconcile(arguments) => arguments.run(config).await,
        Verb::Correlate(arguments) => arguments.run(config).await,
        Verb::Settlement(arguments) => arguments.run(config).await,
        Verb::Switch(arguments) => arguments.run(config).await,
        Verb::Mandates(arguments) => arguments.run(config).await,
        Verb::Audit(arguments) => arguments.run(config).await,
        Verb::ClosePai(arguments) => arguments.run(config).await,
        Verb::KvSync(arguments) => arguments.run(config).await,
        Verb::Coupons(arguments) => arguments.run(config).await,
        Verb::Erase(arguments) => arguments.run(config).await,
        Verb::Subscribers(arguments) => arguments.run(config).await,
        Verb::RotateKeys(arguments) => arguments.run(config).await,
        Verb::Backup(arguments) => arguments.run(config).await,
        Verb::Recovered(arguments) => arguments.run(config).await,
        Verb::Completions(arguments) => Ok(arguments.run(Arguments::command())),
        Verb::Man(arguments) => arguments.run(Arguments::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(found.checked > 30, "{} commands were found", found.checked);
    }
}
