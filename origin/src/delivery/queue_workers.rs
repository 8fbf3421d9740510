//! Which workers of the queues run: without one, what is promised is not delivered, and nothing
//! else shows it at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the workers that run, against those that there should be.
#[derive(Debug, Default)]
pub struct QueueWorkers {
    wanted: AtomicUsize,
    running: AtomicUsize,
}

impl QueueWorkers {
    /// Says how many workers there are to be.
    pub(super) fn expect(&self, count: usize) {
        self.wanted.store(count, Ordering::Relaxed);
    }

    /// A worker runs until what this returns is dropped, also by a panic.
    pub(super) fn begin(&self) -> RunningWorker<'_> {
        self.running.fetch_add(1, Ordering::Relaxed);
        RunningWorker(&self.running)
    }

    /// Whether each queue has its worker. False until they were started.
    pub fn all_run(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        wanted > 0 && self.running.load(Ordering::Relaxed) >= wanted
    }
}

/// A worker that runs.
pub(super) struct RunningWorker<'w>(&'w AtomicUsize);

impl Drop for RunningWorker<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_worker_is_noticed() {
        let workers = QueueWorkers::default();
        assert!(!workers.all_run(), "none was started");
        workers.expect(2);
        let first = workers.begin();
        assert!(!workers.all_run(), "one is missing");
        let _second = workers.begin();
        assert!(workers.all_run());
        drop(first);
        assert!(!workers.all_run(), "one has ended");
    }
}
