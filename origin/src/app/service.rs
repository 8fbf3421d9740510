//! The running service: the HTTP server, the queue's workers, the SMS gateway's connection, the
//! exchange of billing files, and the sweeper.

use super::assembly::App;
use crate::call_trace::CallTrace;
use crate::delivery::files::Directory;
use crate::server;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Interval at which spent nonces and old flows are deleted and due reminders are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(5);

/// Serves until `stop` completes and the calls that came before it are answered, or had their time.
/// What the tasks were doing is leased and idempotent, so it continues after the next start.
///
/// None of the tasks ends by itself. If one does, the service ends with an error, so that its
/// supervisor restarts it: an origin that accepts charges and submits none looks healthy, and is
/// not.
pub async fn run(
    app: Arc<App>,
    listener: TcpListener,
    directory: Option<Arc<Directory>>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&app.worker).run());
    tasks.spawn(Arc::clone(&app).run_sms_gateway());
    tasks.spawn(Arc::clone(&app.readiness).keep_checking());
    tasks.spawn(sweep(Arc::clone(&app)));
    // What was put into a file may be among what the ledger has lost.
    if let Some(directory) = directory.filter(|_| !app.is_recovering) {
        tasks.spawn(Arc::clone(&app.files).run(directory));
    }
    tokio::select! {
        () = server::serve(listener, app.router(), stop) => Ok(()),
        _ = tasks.join_next() => {
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
            tracing::error!(fault = ?error, "old nonces and flows could not be deleted");
        }
        if app.is_recovering {
            tracing::error!(
                alarm = "recovering",
                "the ledger is being recovered: calls that decide by it are refused"
            );
            continue;
        }
        let reminding = CallTrace::begin_work(&*app.random, "coupon-reminders", app.coupons.remind_all());
        if let Err(fault) = reminding.await {
            tracing::error!(?fault, "not every due coupon reminder could be queued");
        }
    }
}
