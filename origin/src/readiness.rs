//! Whether the origin can do its work: it is ready while its database takes writes.
//!
//! A full disk, a read-only file system, a file that was moved and a standby server can all be read
//! for long, or look as they did before. So the origin writes now and then, whether or not there
//! are calls, and says once in the log that it cannot, and once that it can again.

use crate::instruments::{Alarm, Instruments};
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two checks: as long as a probe of a load balancer may be late, and seldom enough that
/// the write costs nothing.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// A write that takes longer has failed: no call waits so long for its response.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known of the database, from the last check. It is ready until a check says otherwise.
pub struct Readiness {
    store: Arc<Store>,
    is_ready: AtomicBool,
    instruments: Arc<Instruments>,
}

impl Readiness {
    pub fn new(store: Arc<Store>, instruments: Arc<Instruments>) -> Self {
        Self { store, is_ready: AtomicBool::new(true), instruments }
    }

    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
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
        let checked = tokio::time::timeout(PATIENCE, self.store.check_writable()).await;
        let problem = match checked {
            Ok(Ok(())) => None,
            Ok(Err(StoreError::TooManyWaiting)) => {
                // Other writes wait, so the database is being written to.
                tracing::warn!("the database has more to write than it keeps up with");
                return;
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("a write takes longer than {} s", PATIENCE.as_secs())),
        };
        let was_ready = self.is_ready.swap(problem.is_none(), Ordering::Relaxed);
        let (alarms, alarm) = (&self.instruments.alarms, Alarm::DatabaseNotWritable);
        match problem {
            Some(reason) => {
                if alarms.raise(alarm, "") {
                    let message =
                        "the database cannot be written: calls that change something are answered 503";
                    tracing::error!(reason, alarm = alarm.as_str(), "{message}");
                }
            }
            None => {
                alarms.clear(alarm, "");
                if !was_ready {
                    tracing::info!("the database can be written again: database-not-writable is over");
                }
            }
        }
    }
}
