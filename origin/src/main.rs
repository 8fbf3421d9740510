//! The command line of the origin: `serve` and `import-accounts`.

use anyhow::{Context as _, anyhow};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::import::{ImportError, import_accounts};
use onbill_origin::numbering::NumberPlan;
use onbill_origin::peer::HttpPeer;
use onbill_origin::vault::Vault;
use onbill_origin::{begun_with, database, outbox, routes};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Deadline of one call to the operator's systems. Three of them (account, look-up, charge) fit into the time that a
/// posted charge may be worked on.
const BSS_DEADLINE: Duration = Duration::from_secs(8);
/// How often spent nonces and old flows are forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// onbill's origin: the authority beside one operator's billing system.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long)]
    config: PathBuf,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Answer the edge, and hand charges to billing.
    Serve,
    /// Read accounts from a CSV file with the header `msisdn,status,type,balance,currency,activated_on` into the embedded table.
    ImportAccounts {
        /// The file.
        file: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match arguments.verb {
        Verb::Serve => serve(&arguments.config).await.map(|()| ExitCode::SUCCESS),
        Verb::ImportAccounts { file } => import(&arguments.config, &file).await,
    }
}

async fn serve(config: &Path) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_writer(std::io::stderr)
        // A log that cannot be written, as on a full disk, is complained about where it cannot be written: that would end
        // the call in the middle of its charge, and the process with it.
        .log_internal_errors(false)
        .init();
    let (config, keys) = Config::load(config).map_err(anyhow::Error::msg)?;
    let store = database::open(&config).await.map_err(anyhow::Error::msg)?;
    let listen = config.listen;
    let peer = Arc::new(HttpPeer::new(BSS_DEADLINE).context("the HTTP client does not start")?);
    let app = App::new(config, keys, store, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
    let app = Arc::new(app.map_err(anyhow::Error::msg)?);
    begun_with::compare(&*app.store, &app.config, &app.vault).await.map_err(anyhow::Error::msg)?;
    let listener =
        tokio::net::TcpListener::bind(listen).await.with_context(|| format!("{listen} is not free"))?;
    tracing::info!(%listen, operator = %app.config.operator, "serving");
    let delivery = tokio::spawn(outbox::run(Arc::clone(&app)));
    let sweeper = tokio::spawn(sweep(Arc::clone(&app)));
    axum::serve(listener, routes::router(app)).with_graceful_shutdown(stop_asked_for()).await?;
    // What they were doing is leased and idempotent: it goes on after the next start.
    delivery.abort();
    sweeper.abort();
    Ok(())
}

async fn sweep(app: Arc<App>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = app.store.sweep(app.now()).await {
            tracing::error!(?error, "old nonces and flows could not be forgotten");
        }
    }
}

/// Ends when the process is asked to stop, by Ctrl-C or SIGTERM.
async fn stop_asked_for() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]
async fn import(config: &Path, file: &Path) -> anyhow::Result<ExitCode> {
    let (config, keys) = Config::load(config).map_err(anyhow::Error::msg)?;
    let store = database::open(&config).await.map_err(anyhow::Error::msg)?;
    let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
    let numbers = NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
    let opened = std::fs::File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let bar = ProgressBar::new(opened.metadata()?.len()).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}% {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
    )?);
    begun_with::compare(&*store, &config, &vault).await.map_err(anyhow::Error::msg)?;
    let complain = |complaint: String| bar.suspend(|| eprintln!("{}: {complaint}", file.display()));
    let report =
        import_accounts(&*store, &vault, numbers, opened, complain, |position| bar.set_position(position))
            .await;
    bar.finish_and_clear();
    let report = report.map_err(|error| match error {
        ImportError::Header(complaint) => anyhow!("{}: {complaint}", file.display()),
        ImportError::Store(error) => anyhow!("the books cannot be written: {error:?}"),
    })?;
    println!("{} accounts imported, {} lines refused.", report.imported, report.refused);
    Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
