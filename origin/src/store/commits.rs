//! How the database keeps up, for the metrics: commits, and what waits for them.

use crate::histogram::{CALL_BOUNDS, Histogram, SIZE_BOUNDS};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Commits of one database.
#[derive(Debug)]
pub(crate) struct CommitMetrics {
    /// Until a commit was durable, or failed.
    pub(crate) duration: Histogram,
    /// Writes that shared a commit.
    pub(crate) size: Histogram,
    pub(crate) failed: Counter,
    /// Writes that wait for their commit.
    pub(crate) waiting: Gauge,
    /// The length of SQLite's write-ahead log after the latest write, in bytes.
    log_bytes: AtomicU64,
}

/// A write that waits for its commit.
pub(super) struct WaitingWrite<'m>(&'m Gauge);

impl Default for CommitMetrics {
    fn default() -> Self {
        Self {
            duration: Histogram::new(CALL_BOUNDS),
            size: Histogram::new(SIZE_BOUNDS),
            failed: Counter::default(),
            waiting: Gauge::default(),
            log_bytes: AtomicU64::default(),
        }
    }
}

impl CommitMetrics {
    /// Notes a write until what this returns is dropped.
    pub(super) fn begin_waiting(&self) -> WaitingWrite<'_> {
        self.waiting.inc();
        WaitingWrite(&self.waiting)
    }

    /// Notes a commit.
    pub(super) fn note_commit(&self, took: Duration, is_durable: bool) {
        self.duration.note(took);
        if !is_durable {
            self.failed.inc();
        }
    }

    /// Notes how long the write-ahead log is.
    pub(super) fn note_log(&self, bytes: u64) {
        self.log_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    /// Notes how many writes share a commit.
    pub(super) fn note_size(&self, writes: usize) {
        self.size.note_count(writes);
    }
}

impl Drop for WaitingWrite<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The pool of connections at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    pub in_use: usize,
    pub idle: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}
