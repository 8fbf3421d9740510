//! Whether the workers of the queues do something. A worker whose attempts never end, or which waits
//! for a lock that nobody gives back, looks like one that has nothing to do: the origin accepts
//! charges, and submits none.

use crate::store::{LEASE_SECONDS_MAX, Queue};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// A worker that has done nothing for so long is stuck: it looks for jobs each quarter of a minute,
/// and every attempt ends before its lease does.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(LEASE_SECONDS_MAX.unsigned_abs());

/// A count for each queue, which its worker raises with each step.
#[derive(Default)]
pub(crate) struct Heartbeats([AtomicU64; Queue::EACH.len()]);

impl Heartbeats {
    /// The worker of the queue has done something.
    pub(super) fn beat(&self, queue: Queue) {
        let place = Queue::EACH.into_iter().position(|each| each == queue);
        if let Some(count) = place.and_then(|place| self.0.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) -> [u64; Queue::EACH.len()] {
        std::array::from_fn(|place| self.0[place].load(Ordering::Relaxed))
    }
}

/// What was last seen of the counts, and since when they have been the same.
pub(crate) struct HeartbeatWatch {
    seen: [(u64, Instant); Queue::EACH.len()],
}

impl HeartbeatWatch {
    pub(crate) fn begin(now: Instant) -> Self {
        Self { seen: [(0, now); Queue::EACH.len()] }
    }

    /// The first of these queues whose worker is stuck.
    pub(crate) fn find_stuck(&mut self, beats: &Heartbeats, queues: &[Queue], now: Instant) -> Option<Queue> {
        for (seen, count) in self.seen.iter_mut().zip(beats.read()) {
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
    fn silent_worker_is_stuck_and_an_absent_one_is_not() {
        let (beats, start) = (Heartbeats::default(), Instant::now());
        let mut watch = HeartbeatWatch::begin(start);
        let queues = [Queue::Pins, Queue::Edge];
        let mut at = |seconds| watch.find_stuck(&beats, &queues, start + Duration::from_secs(seconds));
        assert_eq!(at(0), None);
        beats.beat(Queue::Pins);
        assert_eq!(at(300), None);
        assert_eq!(at(361), Some(Queue::Edge));
        beats.beat(Queue::Edge);
        assert_eq!(at(362), None, "it goes on");
        beats.beat(Queue::Edge);
        assert_eq!(at(661), Some(Queue::Pins), "no other queue's beat counts for it");
    }
}
