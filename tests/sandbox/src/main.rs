//! `onbill-sandbox`: one of the simulated parties on a loopback address. Their behaviour is in the
//! library; this program provides the real clock, network and signals.

use anyhow::{Context as _, anyhow};
use axum::Router;
use clap::{Parser, Subcommand};
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::http::HttpPeer;
use onbill_sandbox::PartyDependencies;
use onbill_sandbox::netflix::{Netflix, NetflixConfig};
use onbill_sandbox::operator::{Operator, OperatorConfig};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Timeout of calls to the edge: longer than the edge waits for an origin, shorter than a customer
/// waits for a page.
const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Simulated parties around onbill, for local use.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    party: Party,
}

#[derive(Subcommand)]
enum Party {
    /// A mobile operator: dashboard with the widget, CSP API, SMS, bills.
    Operator {
        /// Its configuration, JSON.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// A partner that simulates Netflix: sign-up, accounts, billing runs.
    Netflix {
        /// Its configuration, JSON.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_target(false).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let http = HttpPeer::new(CALL_DEADLINE).context("cannot set up outgoing calls")?;
    let outside = PartyDependencies {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        http: Arc::new(http),
    };
    // Keeps the SMSC open, if there is one.
    let mut _listening = None;
    let (listen, router) = match arguments.party {
        Party::Operator { config } => {
            let (listen, config) = OperatorConfig::load(&config).map_err(|complaint| anyhow!(complaint))?;
            let operator = Operator::new(config, outside);
            if let Some(smsc) = listen.smsc {
                let listener =
                    TcpListener::bind(smsc).await.with_context(|| format!("cannot listen on {smsc}"))?;
                tracing::info!("listening on smpp://{smsc}");
                _listening =
                    Some(operator.open_smsc(listener).await.map_err(|complaint| anyhow!(complaint))?);
            }
            (listen.site, operator.router())
        }
        Party::Netflix { config } => {
            let (listen, config) = NetflixConfig::load(&config).map_err(|complaint| anyhow!(complaint))?;
            (listen, Netflix::new(config, outside).map_err(|complaint| anyhow!(complaint))?.router())
        }
    };
    serve(listen, router).await
}

/// Serves until it is asked to end, and then finishes open requests.
async fn serve(listen: SocketAddr, router: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tracing::info!("listening on http://{listen}");
    let ended = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    axum::serve(listener, router).with_graceful_shutdown(ended).await.context("cannot serve")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_argument_is_explained() {
        assert_eq!(onbill_help_check::find_unexplained(&Arguments::command()), Vec::<String>::new());
    }
}
