//! The running service: the HTTP server, the queue's workers, the SMS gateway's connection, the
//! exchange of billing files, the sweeper, and the watch that reports to the supervisor.

use super::assembly::App;
use super::supervisor::Supervisor;
use crate::call_trace::CallTrace;
use crate::delivery::StuckWorkers;
use crate::delivery::files::Directory;
use crate::instruments::{Alarm, raise_alarm};
use crate::server;
use axum::Router;
use futures_util::FutureExt as _;
use futures_util::future::join;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// Connections to the admin listener: a few monitors ask it, and what is too much for it takes no
/// file handle from the calls.
const ADMIN_CONNECTIONS_MAX: usize = 32;
/// Connections to the console: some hundred people by one proxy each, of whom few ask at once.
const CONSOLE_CONNECTIONS_MAX: usize = 128;

/// Interval at which spent nonces and old flows are deleted and due reminders are looked for.
const SWEEP_EVERY: Duration = Duration::from_mins(5);
/// Interval at which the workers are checked, unless the supervisor wants reports of them more often.
const WATCH_EVERY: Duration = Duration::from_secs(10);
/// How often the supervisor gets a report within its patience, so that one late turn is no failure.
const REPORTS_PER_PATIENCE: u32 = 3;
/// How long the end of the service waits for each exchange with the table of alarms, and for the posts
/// to the webhook: three seconds in all.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The listeners of an origin.
pub struct Listeners {
    pub calls: TcpListener,
    /// That of the people and programs who run the origin.
    pub admin: Option<TcpListener>,
    /// That of the operator's people, with its pages.
    pub console: Option<(TcpListener, Router)>,
}

/// Serves until `stop` completes and the calls that came before it are answered, or had their time.
/// What the tasks were doing is leased and idempotent, so it continues after the next start.
///
/// None of the tasks ends by itself. If one does, or panics, the service ends with an error, so that
/// its supervisor restarts it: an origin that accepts charges and submits none looks healthy, and is
/// not. A panic within one attempt at a job is no such end, see [`crate::delivery::Worker`].
pub async fn run(
    app: Arc<App>,
    listeners: Listeners,
    directory: Option<Arc<Directory>>,
    supervisor: Supervisor,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let supervisor = Arc::new(supervisor);
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&app.worker).run());
    tasks.spawn(Arc::clone(&app).run_sms_gateway());
    tasks.spawn(Arc::clone(&app.readiness).keep_checking());
    tasks.spawn(Arc::clone(&app.alarm_watch).run());
    if let Some(webhook) = &app.alarm_webhook {
        tasks.spawn(Arc::clone(webhook).run());
    }
    tasks.spawn(sweep_ledger(Arc::clone(&app)));
    tasks.spawn(watch_workers(Arc::clone(&app), Arc::clone(&supervisor)));
    // What was put into a file may be among what the ledger has lost.
    if let Some(directory) = directory.filter(|_| !app.is_recovering) {
        tasks.spawn(Arc::clone(&app.files).run(directory));
    }
    // It answers to the end, so that all callers see that the origin is stopping.
    if let Some(admin) = listeners.admin {
        let serving =
            server::serve(admin, app.admin_router(), ADMIN_CONNECTIONS_MAX, None, std::future::pending());
        tasks.spawn(serving);
    }
    supervisor.say_ready();
    let readiness = Arc::clone(&app.readiness);
    let stop = async {
        stop.await;
        readiness.begin_stop();
        supervisor.say_stopping();
    };
    let stop = stop.shared();
    let (calls, instruments) = (listeners.calls, Some(Arc::clone(&app.instruments)));
    let calls = server::serve(calls, app.router(), server::connections_max(), instruments, stop.clone());
    // What a person has begun is ended like a call.
    let pages = async {
        if let Some((listener, router)) = listeners.console {
            server::serve(listener, router, CONSOLE_CONNECTIONS_MAX, None, stop).await;
        }
    };
    let ended = tokio::select! {
        _ = join(calls, pages) => {
            // An SMSC that gets no unbind takes the session for live, and may refuse the next one.
            app.sms.end_session().await;
            Ok(())
        }
        _ = tasks.join_next() => {
            let message = "a part of the service has ended";
            raise_alarm!(app.instruments.alarms, Alarm::ServiceEnded, "", "{message}");
            Err(io::Error::other(message))
        }
    };
    tasks.shutdown().await;
    leave_word(&app).await;
    ended
}

/// Writes and posts what there is to say of alarms, as far as that is quick: the next start, or the
/// receiver, then knows why there is one.
async fn leave_word(app: &App) {
    let exchange = || tokio::time::timeout(LAST_WORDS, app.alarm_watch.exchange());
    // Nothing waits for the rest: the log has it, and the next start reports what was not reported.
    let _ = exchange().await;
    let _ = tokio::time::timeout(LAST_WORDS, app.daily_counts().write_refused_visits()).await;
    if let Some(webhook) = &app.alarm_webhook {
        let _ = tokio::time::timeout(LAST_WORDS, webhook.post_waiting()).await;
        // The table remembers what the receiver has.
        let _ = exchange().await;
    }
}

/// Reports to the supervisor regularly that the queues are worked on, and ends when one is not.
async fn watch_workers(app: Arc<App>, supervisor: Arc<Supervisor>) {
    let wanted = supervisor.patience().map_or(WATCH_EVERY, |patience| patience / REPORTS_PER_PATIENCE);
    let mut every = tokio::time::interval(wanted.min(WATCH_EVERY));
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stuck = StuckWorkers::watch_from(Instant::now());
    loop {
        every.tick().await;
        if let Some(queue) = stuck.find(&app.worker.workers, app.worker.queues(), Instant::now()) {
            tracing::error!(?queue, "the worker of a queue makes no progress: the origin ends");
            return;
        }
        supervisor.say_alive();
    }
}

async fn sweep_ledger(app: Arc<App>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        every.tick().await;
        if let Err(error) = app.sweep().await {
            tracing::error!(fault = ?error, "old nonces and flows could not be deleted");
        }
        if app.is_recovering {
            continue;
        }
        if let Err(error) = app.daily_counts().count_due_days().await {
            tracing::error!(fault = ?error, "the counts of the days could not be written");
        }
        let reminding = CallTrace::begin_work(&*app.random, "coupon-reminders", app.coupons.remind_all());
        if let Err(fault) = reminding.await {
            tracing::error!(?fault, "not every due coupon reminder could be queued");
        }
    }
}
