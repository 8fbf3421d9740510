//! Whether the origin can do its work: its database takes writes and has the schema that this program
//! needs, the workers of its queues run, and it is not stopping.
//!
//! A full disk, a read-only file system, a file that was moved and a standby server can all be read
//! for long, or look as they did before. So the origin writes now and then, whether or not there
//! are calls, and says once in the log that it cannot, and once that it can again.
//!
//! Each origin writes a row of its own: what another one does, or has left locked, says nothing of it.
//!
//! From the moment at which no write gets through, it takes less than five seconds until that is
//! known: the next write begins after [`CHECK_EVERY`] at the latest, and has [`PATIENCE`].

use crate::ambient::Clock;
use crate::delivery::QueueWorkers;
use crate::instruments::{Alarm, Instruments};
use crate::store::{SCHEMA_VERSION, Store, StoreError};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two checks: the write costs an fsync, which a disk does a hundred times in that time.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// A write that takes longer has failed: calls wait for theirs behind it.
const PATIENCE: Duration = Duration::from_millis(2_500);

const _: () = assert!(CHECK_EVERY.as_millis() + PATIENCE.as_millis() < 5_000, "docs promise five seconds");

onbill_domain::word_enum! {
    /// Why the origin is not ready. The word is in the response of `/readyz` and in the metrics.
    pub enum NotReady {
        /// The last write has failed, or took too long.
        DatabaseNotWritable = "database-not-writable",
        /// The database has an older schema than this program needs, as after an old file was put in
        /// its place.
        SchemaOutdated = "schema-outdated",
        /// A queue has no worker: what is promised is not delivered.
        QueuesStopped = "queues-stopped",
        /// The origin was asked to stop, and answers what is under way.
        Stopping = "stopping",
    }
}

/// What is known from the last check. The database is writable until a check says otherwise.
pub struct Readiness {
    store: Arc<Store>,
    workers: Arc<QueueWorkers>,
    is_writable: AtomicBool,
    is_schema_current: AtomicBool,
    is_stopping: AtomicBool,
    clock: Arc<dyn Clock>,
    /// The name of this origin among those of the ledger.
    instance: String,
    started_at: Timestamp,
    instruments: Arc<Instruments>,
}

impl Readiness {
    pub(crate) fn new(
        store: Arc<Store>,
        workers: Arc<QueueWorkers>,
        clock: Arc<dyn Clock>,
        instance: String,
        instruments: Arc<Instruments>,
    ) -> Self {
        Self {
            store,
            workers,
            is_writable: AtomicBool::new(true),
            is_schema_current: AtomicBool::new(true),
            is_stopping: AtomicBool::new(false),
            started_at: clock.now(),
            clock,
            instance,
            instruments,
        }
    }

    /// Whether the database took a write at the last check.
    pub fn is_writable(&self) -> bool {
        self.is_writable.load(Ordering::Relaxed)
    }

    /// Each reason for not being ready, and whether it holds.
    pub fn reasons(&self) -> [(NotReady, bool); NotReady::ALL.len()] {
        NotReady::ALL.map(|reason| {
            let holds = match reason {
                NotReady::DatabaseNotWritable => !self.is_writable(),
                NotReady::SchemaOutdated => !self.is_schema_current.load(Ordering::Relaxed),
                NotReady::QueuesStopped => !self.workers.all_run(),
                NotReady::Stopping => self.is_stopping.load(Ordering::Relaxed),
            };
            (reason, holds)
        })
    }

    /// From now on the origin is not ready: it stops.
    pub fn begin_stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Checks again and again, and does not end.
    pub async fn keep_checking(self: Arc<Self>) {
        let mut every = tokio::time::interval(CHECK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.check().await;
        }
    }

    /// Writes once, and notes whether it could.
    pub async fn check(&self) {
        let write = self.store.check_writable(self.clock.now(), self.instance.clone(), self.started_at);
        let checked = tokio::time::timeout(PATIENCE, write).await;
        let problem = match checked {
            Ok(Ok(schema_version)) => {
                self.is_schema_current.store(schema_version >= SCHEMA_VERSION, Ordering::Relaxed);
                None
            }
            Ok(Err(StoreError::TooManyWaiting)) => {
                // Other writes wait, so the database is being written to.
                tracing::warn!("the database has more to write than it keeps up with");
                return;
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("a write takes longer than {} s", PATIENCE.as_secs_f32())),
        };
        let was_writable = self.is_writable.swap(problem.is_none(), Ordering::Relaxed);
        let (alarms, alarm) = (&self.instruments.alarms, Alarm::DatabaseNotWritable);
        if let Some(reason) = problem {
            if alarms.raise(alarm, "") {
                let message = "the database cannot be written: calls that change something are answered 503";
                tracing::error!(reason, alarm = alarm.as_str(), "{message}");
            }
        } else {
            alarms.clear(alarm, "");
            if !was_writable {
                tracing::info!("the database can be written again: database-not-writable is over");
            }
        }
    }
}
