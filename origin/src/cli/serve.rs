//! `serve`: the service itself.

use super::{PEER_DEADLINE, Verdict, open, told};
use anyhow::Context as _;
use clap::Args;
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::app::App;
use onbill_origin::peer::HttpPeer;
use onbill_origin::{begun_with, coupon, files, outbox, routes, sms};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often spent nonces and old flows are forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// Answer the edge, hand charges and refunds to billing, tell the partner.
///
/// Runs until SIGTERM or Ctrl-C. Logs are JSON lines on stderr; RUST_LOG sets their level, which is info
/// when it is not set.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<Verdict> {
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(
                tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
            )
            .with_writer(std::io::stderr)
            // A log that cannot be written, as on a full disk, is complained about where it cannot be written: that would
            // end the call in the middle of its charge, and the process with it.
            .log_internal_errors(false)
            .init();
        let (config, keys, store) = open(config).await?;
        let listen = config.listen;
        let peer = Arc::new(HttpPeer::new(PEER_DEADLINE).context("the HTTP client does not start")?);
        let app = App::new(config, keys, store, peer, Arc::new(SystemClock), Arc::new(SystemRandom));
        let app = Arc::new(app.map_err(anyhow::Error::msg)?);
        begun_with::compare(&*app.store, &app.config, &app.vault).await.map_err(anyhow::Error::msg)?;
        let sealing_key = app.vault.newest_id().to_owned();
        app.store.note_sealing_key(sealing_key).await.map_err(told)?;
        let listener =
            tokio::net::TcpListener::bind(listen).await.with_context(|| format!("{listen} is not free"))?;
        tracing::info!(%listen, operator = %app.config.operator, "serving");
        let filing = match &app.config.files {
            Some(settings) => {
                let opened = files::Directory::open(&settings.directory);
                let directory = opened
                    .with_context(|| format!("{} cannot be used for files", settings.directory.display()))?;
                Some(tokio::spawn(files::run(Arc::clone(&app), Arc::new(directory))))
            }
            None => None,
        };
        let delivery = tokio::spawn(outbox::run(Arc::clone(&app)));
        let gateway = tokio::spawn(sms::run(Arc::clone(&app)));
        let sweeper = tokio::spawn(sweep(Arc::clone(&app)));
        axum::serve(listener, routes::router(app)).with_graceful_shutdown(stop_asked_for()).await?;
        // What they were doing is leased and idempotent: it goes on after the next start.
        delivery.abort();
        gateway.abort();
        sweeper.abort();
        filing.inspect(JoinHandle::abort);
        Ok(Verdict::Clean)
    }
}

async fn sweep(app: Arc<App>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = app.store.sweep(app.now()).await {
            tracing::error!(?error, "old nonces and flows could not be forgotten");
        }
        if let Err(fault) = coupon::remind_all(&app).await {
            tracing::error!(?fault, "not everybody whose coupon ends could be told");
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
