//! The command line: a file for each verb, and here what they share. What a verb does is in the library; here it meets
//! the real clock, the terminal and the exit code.

#![expect(clippy::doc_markdown, reason = "--help prints the docs of the arguments as they stand")]

mod account_events;
mod close_pai;
mod coupons;
mod erase;
mod import_accounts;
mod kv_sync;
mod outbox;
mod period;
mod reconcile;
mod rotate_keys;
mod serve;
mod settlement;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::Keyring;
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::app::App;
use onbill_origin::app::database;
use onbill_origin::config::Config;
use onbill_origin::http::HttpPeer;
use onbill_origin::store::{Store, StoreError};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Deadline of one call to another party. Three calls to the operator's systems (account, look-up, charge) fit into the
/// time that a posted charge may be worked on.
const PEER_DEADLINE: Duration = Duration::from_secs(8);

/// onbill's origin: the authority beside one operator's billing system.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

const EXIT_CODES: &str = "Exit codes of every verb:
  0  done, and nothing was found or refused
  1  done, and something was found or refused: it is in the output
  2  could not run: the command line, a file, the configuration or the database says why";

#[derive(Subcommand)]
enum Verb {
    Serve(serve::Arguments),
    ImportAccounts(import_accounts::Arguments),
    AccountEvents(account_events::Arguments),
    Outbox(outbox::Arguments),
    Reconcile(reconcile::Arguments),
    Settlement(settlement::Arguments),
    ClosePai(close_pai::Arguments),
    KvSync(kv_sync::Arguments),
    Coupons(coupons::Arguments),
    Erase(erase::Arguments),
    RotateKeys(rotate_keys::Arguments),
}

/// How a verb ended that could run.
enum Verdict {
    /// Exit code 0.
    Clean,
    /// Something was found, or refused: exit code 1.
    Findings,
}

impl Verdict {
    fn findings_if(found: bool) -> Self {
        if found { Self::Findings } else { Self::Clean }
    }
}

/// Runs the verb that the command line asks for.
#[expect(clippy::print_stderr, reason = "a command line talks to its user")]
pub(crate) async fn run() -> ExitCode {
    let Arguments { config, verb } = Arguments::parse();
    let verdict = match verb {
        Verb::Serve(arguments) => arguments.run(&config).await,
        Verb::ImportAccounts(arguments) => arguments.run(&config).await,
        Verb::AccountEvents(arguments) => arguments.run(&config).await,
        Verb::Outbox(arguments) => arguments.run(&config).await,
        Verb::Reconcile(arguments) => arguments.run(&config).await,
        Verb::Settlement(arguments) => arguments.run(&config).await,
        Verb::ClosePai(arguments) => arguments.run(&config).await,
        Verb::KvSync(arguments) => arguments.run(&config).await,
        Verb::Coupons(arguments) => arguments.run(&config).await,
        Verb::Erase(arguments) => arguments.run(&config).await,
        Verb::RotateKeys(arguments) => arguments.run(&config).await,
    };
    match verdict {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Findings) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The configuration, and books that are there already.
async fn open_begun(config: &Path) -> anyhow::Result<(Config, Arc<Store>)> {
    let (config, _) = Config::load(config).map_err(anyhow::Error::msg)?;
    let store = database::open_begun(&config).await.map_err(anyhow::Error::msg)?;
    Ok((config, store))
}

/// The configuration, its keys, and the books, which are begun if they are not there.
async fn open(config: &Path) -> anyhow::Result<(Config, Keyring, Arc<Store>)> {
    let (config, keys) = Config::load(config).map_err(anyhow::Error::msg)?;
    let store = database::open(&config).await.map_err(anyhow::Error::msg)?;
    Ok((config, keys, store))
}

/// The whole origin on books that are there already, for a verb that talks to other parties.
async fn app_on_begun(config: &Path) -> anyhow::Result<App> {
    let (config, keys) = Config::load(config).map_err(anyhow::Error::msg)?;
    let store = database::open_begun(&config).await.map_err(anyhow::Error::msg)?;
    let peer = Arc::new(HttpPeer::new(PEER_DEADLINE).context("the HTTP client does not start")?);
    let app = App::new(config, keys, store, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
    app.map_err(anyhow::Error::msg)
}

/// A file, and a bar for the way through its bytes.
fn open_file(path: &Path) -> anyhow::Result<(File, ProgressBar)> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let bar = ProgressBar::new(file.metadata()?.len()).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    )?);
    Ok((file, bar))
}

/// A CSV file to be written, which nothing may be lost to: one that is there already is not written over.
fn new_csv(path: &Path) -> anyhow::Result<csv::Writer<File>> {
    let file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!("{} is there already: name another file", path.display()),
        _ => anyhow::anyhow!("{} cannot be written: {error}", path.display()),
    })?;
    Ok(csv::Writer::from_writer(file))
}

/// Reads a partner's name from the command line.
fn partner(text: &str) -> Result<PartnerId, &'static str> {
    PartnerId::parse(text).ok_or("is not a partner's name: lower-case letters, digits and hyphens")
}

/// What the operator's engineer is told of books that fail.
fn told(error: StoreError) -> anyhow::Error {
    anyhow::anyhow!("the books fail: {error}")
}
