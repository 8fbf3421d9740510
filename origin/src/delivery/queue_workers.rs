//! Whether the workers of the queues run, and do something. A worker that has ended, whose attempts never
//! end, or which waits for a lock that is never released, looks like one that has nothing to do: the
//! origin accepts charges, and submits none.

use crate::store::{LEASE_SECONDS_MAX, Queue};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A worker that has done nothing for so long is stuck: it looks for jobs each quarter of a minute,
/// and every attempt ends before its lease does.
const SILENCE_MAX: Duration = Duration::from_secs(LEASE_SECONDS_MAX.unsigned_abs());

/// The workers that run, against those that there should be, and the steps of each.
#[derive(Debug, Default)]
pub struct QueueWorkers {
    wanted: AtomicUsize,
    running: AtomicUsize,
    /// Steps of the worker of each queue.
    beats: [AtomicU64; Queue::EACH.len()],
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

    /// The worker of the queue has done something.
    pub(super) fn beat(&self, queue: Queue) {
        let place = Queue::EACH.into_iter().position(|each| each == queue);
        if let Some(count) = place.and_then(|place| self.beats.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether each queue has its worker. False until they were started.
    pub fn all_run(&self) -> bool {
        let wanted = self.wanted.load(Ordering::Relaxed);
        wanted > 0 && self.running.load(Ordering::Relaxed) >= wanted
    }

    fn read_beats(&self) -> [u64; Queue::EACH.len()] {
        std::array::from_fn(|place| self.beats[place].load(Ordering::Relaxed))
    }
}

/// A worker that runs.
pub(super) struct RunningWorker<'w>(&'w AtomicUsize);

impl Drop for RunningWorker<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What was last seen of the steps, and since when they have been the same.
pub(crate) struct StuckWorkers {
    seen: [(u64, Instant); Queue::EACH.len()],
}

impl StuckWorkers {
    pub(crate) fn watch_from(now: Instant) -> Self {
        Self { seen: [(0, now); Queue::EACH.len()] }
    }

    /// The first of these queues whose worker is stuck.
    pub(crate) fn find(&mut self, workers: &QueueWorkers, queues: &[Queue], now: Instant) -> Option<Queue> {
        for (seen, count) in self.seen.iter_mut().zip(workers.read_beats()) {
            if seen.0 != count {
                *seen = (count, now);
            }
        }
        let is_stuck = |(queue, (_, since)): (Queue, (u64, Instant))| {
            (queues.contains(&queue) && now.duration_since(since) > SILENCE_MAX).then_some(queue)
        };
        Queue::EACH.into_iter().zip(self.seen).find_map(is_stuck)
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

    #[test]
    fn silent_worker_is_stuck_and_an_absent_one_is_not() {
        let (workers, start) = (QueueWorkers::default(), Instant::now());
        let mut stuck = StuckWorkers::watch_from(start);
        let queues = [Queue::Pins, Queue::Edge];
        let mut at = |seconds| stuck.find(&workers, &queues, start + Duration::from_secs(seconds));
        assert_eq!(at(0), None);
        workers.beat(Queue::Pins);
        assert_eq!(at(300), None);
        assert_eq!(at(361), Some(Queue::Edge));
        workers.beat(Queue::Edge);
        assert_eq!(at(362), None, "it continues");
        workers.beat(Queue::Edge);
        assert_eq!(at(661), Some(Queue::Pins), "no other queue's beat counts for it");
    }
}
