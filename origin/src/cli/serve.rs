//! `serve`: runs the service.

use super::opening::{PEER_DEADLINE, database_failed, open_origin};
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use axum::Router;
use clap::Args;
use onbill_origin::ambient::{Clock as _, SystemClock, SystemRandom};
use onbill_origin::app::file_modes::warn_of_open_files;
use onbill_origin::app::service::Listeners;
use onbill_origin::app::{App, Supervisor, panic_log, service};
use onbill_origin::config::Config;
use onbill_origin::console::{IDENTITY_BYTES_MAX, IDENTITY_DEADLINE};
use onbill_origin::delivery::files;
use onbill_origin::http::HttpPeer;
use onbill_origin::store::OpenMode;
use onbill_origin::store::Store;
use onbill_origin::telemetry::{Telemetry, is_own};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long a collector of spans may take for a batch. Other batches wait meanwhile, and no call does.
const COLLECTOR_DEADLINE: Duration = Duration::from_secs(5);

/// Run the origin: answer the edge, submit charges and refunds to billing, and send webhooks to partners.
///
/// It runs until SIGTERM or Ctrl-C, or until a part of it fails: let a supervisor restart it then. Logs are JSON
/// lines on stderr (docs/operate/logs.md has their fields). RUST_LOG sets their level, which is info by default.
/// Under systemd, use Type=notify, with WatchdogSec if you like.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The database was restored from a copy, or lost its last writes in a failover: decide nothing by it yet.
    ///
    /// Calls that create something get 503. Account events are accepted, existing records are answered, and settled
    /// outcomes are reported. Nothing goes to billing or to subscribers. The database remembers this, with or
    /// without the flag, until you run `recovered`. A copy that `backup` made starts like this by itself.
    #[arg(long, verbatim_doc_comment)]
    recovering: bool,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let telemetry = begin_log();
        panic_log::log_panics();
        let (config, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        telemetry.name_operator(&config.operator);
        begin_export(&telemetry, &config)?;
        warn_of_open_files(&config);
        let listen = config.listen;
        let peer = Arc::new(HttpPeer::new(PEER_DEADLINE).context("the HTTP client does not start")?);
        let is_recovering = self.is_recovering(&store).await?;
        let assemble = if is_recovering { App::new_recovering } else { App::new };
        let app = assemble(config, keys, store, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
        let app = Arc::new(app.map_err(anyhow::Error::msg)?);
        let sealing_key = app.vault.newest_key_id().to_owned();
        app.store.note_sealing_key(sealing_key).await.map_err(database_failed)?;
        let admin = bind_admin(&app).await?;
        let console = open_console(&app).await?;
        let listeners = Listeners { calls: bind_listener(listen, "listen").await?, admin, console };
        tracing::info!(%listen, operator = %app.config.operator, "serving");
        let directory = app.config.files.as_ref().map(|settings| {
            let opened = files::Directory::open(&settings.directory);
            opened.with_context(|| format!("{} cannot be used for files", settings.directory.display()))
        });
        let directory = directory.transpose()?.map(Arc::new);
        service::run(app, listeners, directory, find_supervisor(), stop_asked_for()).await?;
        Ok(VerbOutcome::Clean)
    }

    /// Whether the ledger is to be served as one that is being recovered.
    async fn is_recovering(&self, store: &Store) -> anyhow::Result<bool> {
        if self.recovering {
            store.begin_recovery(SystemClock.now()).await.map_err(database_failed)?;
        }
        Ok(store.find_recovery_marks().await.map_err(database_failed)?.is_incomplete())
    }
}

/// The level of the lines is that of RUST_LOG. Spans are kept whatever it is: a line has its
/// correlator, and an exported trace is whole, when only warnings are logged.
fn begin_log() -> Telemetry {
    let telemetry = Telemetry::default();
    let lines = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let spans = filter_fn(|metadata| metadata.is_span() && is_own(metadata));
    let filter = lines.or(spans.with_max_level_hint(LevelFilter::INFO));
    tracing_subscriber::registry().with(telemetry.log_lines(std::io::stderr).with_filter(filter)).init();
    telemetry
}

/// Exports spans, if the configuration says where to. The collector has connections of its own; without one
/// there are none, because a client has all root certificates in memory.
fn begin_export(telemetry: &Telemetry, config: &Config) -> anyhow::Result<()> {
    if config.telemetry.traces_url().is_none() {
        return Ok(());
    }
    let collector = HttpPeer::new(COLLECTOR_DEADLINE).context("the HTTP client does not start")?;
    if let Some(export) = telemetry.export_spans(&config.telemetry, Arc::new(collector)) {
        tokio::spawn(export);
    }
    Ok(())
}

/// The supervisor that the environment names (`sd_notify(3)`, `sd_watchdog_enabled(3)`).
fn find_supervisor() -> Supervisor {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return Supervisor::default() };
    let read = |name| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let is_for_us = read("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
    let patience = read("WATCHDOG_USEC").filter(|_| is_for_us);
    Supervisor::connect(&socket, patience.as_deref()).unwrap_or_else(|error| {
        tracing::warn!(fault = %error, "the supervisor cannot be reached: NOTIFY_SOCKET leads nowhere");
        Supervisor::default()
    })
}

/// The admin listener, if there is one. When its port is the default, which the operator has not named, and
/// another program has it, the origin serves without: charges are worth more than their metrics.
async fn bind_admin(app: &App) -> anyhow::Result<Option<TcpListener>> {
    let setting = app.config.admin_listen;
    let Some(address) = setting.address() else { return Ok(None) };
    match bind_listener(address, "admin_listen").await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if setting.is_default() => {
            tracing::warn!(fault = ?error, listen = %address, "there is no admin listener, and there are no metrics");
            app.alarm_watch.note_admin_port_taken();
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The listener of the console with its pages, if there is a console. The identity provider is asked when the
/// first person signs in: it may be away while charges come in.
async fn open_console(app: &App) -> anyhow::Result<Option<(TcpListener, Router)>> {
    let Some(address) = app.config.console_address() else { return Ok(None) };
    let identity = HttpPeer::new(IDENTITY_DEADLINE).context("the HTTP client does not start")?;
    let identity = Arc::new(identity.with_body_bytes_max(IDENTITY_BYTES_MAX));
    let Some(router) = app.console_router(identity).map_err(anyhow::Error::msg)? else { return Ok(None) };
    let listener = bind_listener(address, "console_listen").await?;
    tracing::info!(listen = %address, "serving the console");
    Ok(Some((listener, router)))
}

/// Listens on an address of the configuration. The error names the setting.
async fn bind_listener(address: SocketAddr, setting: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{setting}: {address} is not free"))
}

/// Completes when the process is asked to stop, by Ctrl-C or SIGTERM.
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
