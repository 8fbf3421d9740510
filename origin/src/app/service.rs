//! The service as it runs: the HTTP door, and beside it what hands off, texts, makes files and sweeps. What it serves is in
//! [`crate::routes`]; how it is configured and started, the command line's affair.

use super::App;
use crate::delivery::files;
use crate::{coupon, delivery, routes, sms};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How often spent nonces and old flows are forgotten, and reminders looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// Serves until `stop` is over and the calls that came before it are answered. What the parts were doing is leased and
/// idempotent: it goes on after the next start.
///
/// None of the parts ends by itself. Should one, the service ends with an error, so that whoever supervises it starts it again:
/// an origin that takes charges and hands none off looks healthy, and is not.
pub async fn run(
    app: Arc<App>,
    listener: TcpListener,
    files: Option<Arc<files::Directory>>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mut parts = JoinSet::new();
    parts.spawn(delivery::run(Arc::clone(&app)));
    parts.spawn(sms::run(Arc::clone(&app)));
    parts.spawn(sweep(Arc::clone(&app)));
    if let Some(directory) = files {
        parts.spawn(files::run(Arc::clone(&app), directory));
    }
    let door = axum::serve(listener, routes::router(app)).with_graceful_shutdown(stop);
    tokio::select! {
        served = door.into_future() => served,
        _ = parts.join_next() => {
            tracing::error!(alarm = "service-ended", "a part of the service has ended");
            Err(io::Error::other("a part of the service has ended"))
        }
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
