//! How many connections there may be. When all places are taken, those who have one continue; others
//! wait at the system's queue until one is free.

use crate::instruments::{Alarm, Instruments};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The edge, or the proxy before the origin, keeps some hundred connections. The rest is room for
/// clients that hold one and say nothing, which costs some 16 KiB each.
const CONNECTIONS_MAX: u64 = 2_048;
/// File handles for everything else: database, log, listener, and calls to the partner and the
/// gateway.
const OTHER_FILES: u64 = 128;
/// File handles of one connection: its own, and one for the call to billing that it may wait for.
const FILES_OF_CONNECTION: u64 = 2;
/// So long there must have been no trouble before the alarm is over, and an eighth of the places
/// free: at the limit, one that leaves is followed by one that waits.
const CALM: Duration = Duration::from_mins(1);
const FREE_PART: usize = 8;

pub(super) type Place = OwnedSemaphorePermit;

pub(super) struct Capacity {
    places: Arc<Semaphore>,
    count: usize,
    /// When a connection had to wait last.
    waited_at: Option<Instant>,
    /// Where to raise an alarm; `None` for a listener that people can do without.
    instruments: Option<Arc<Instruments>>,
}

impl Capacity {
    pub(super) fn new(count: usize, instruments: Option<Arc<Instruments>>) -> Self {
        Self { places: Arc::new(Semaphore::new(count)), count, waited_at: None, instruments }
    }

    /// Takes a place for a connection, once there is one.
    pub(super) async fn take_place(&mut self) -> Place {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return place;
            }
            self.note_waiting(&format!("all {} connections are in use: others wait", self.count));
            if let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
                return place;
            }
        }
    }

    /// Raises the alarm that connections have to wait.
    pub(super) fn note_waiting(&mut self, reason: &str) {
        self.waited_at = Some(Instant::now());
        let Some(instruments) = &self.instruments else { return };
        if instruments.alarms.raise(Alarm::ConnectionsFull, "") {
            let alarm = Alarm::ConnectionsFull.as_str();
            tracing::error!(reason, alarm, "new connections have to wait");
        }
    }

    /// Clears the alarm when none has had to wait for a while. To be called now and then.
    pub(super) fn look_for_calm(&self, now: Instant) {
        let Some(instruments) = &self.instruments else { return };
        // One more is ready for the next connection.
        let free = self.places.available_permits() + 1;
        let is_calm = self.waited_at.is_none_or(|at| now.duration_since(at) >= CALM);
        if is_calm && free * FREE_PART >= self.count {
            instruments.alarms.clear(Alarm::ConnectionsFull, "");
        }
    }
}

/// The limit on connections, after raising the limit on file handles as far as this process may.
pub(crate) fn connections_max() -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, there are as many as there were.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit_by_files(files)).unwrap_or(1)
}

fn limit_by_files(files: u64) -> u64 {
    (files.saturating_sub(OTHER_FILES) / FILES_OF_CONNECTION).clamp(1, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemClock;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn alarm_is_over_when_none_waits_any_more() {
        let instruments = Instruments::new(Arc::new(SystemClock));
        let is_active = || instruments.alarms.is_active(Alarm::ConnectionsFull, "");
        let mut capacity = Capacity::new(16, Some(Arc::clone(&instruments)));
        let mut places = Vec::new();
        for _ in 0..16 {
            places.push(capacity.take_place().await);
        }
        assert!(!is_active());
        assert!(capacity.take_place().now_or_never().is_none() && is_active(), "the next one waits");
        let later = Instant::now() + CALM;
        capacity.look_for_calm(later);
        assert!(is_active(), "all places are taken still");
        places.truncate(14);
        capacity.look_for_calm(later - CALM - CALM / 2);
        assert!(is_active(), "it was a moment ago");
        capacity.look_for_calm(later);
        assert!(!is_active(), "none has waited for a minute");
    }

    #[test]
    fn connections_leave_file_handles_for_the_rest() {
        assert_eq!([0, 1_024, 20_000, u64::MAX].map(limit_by_files), [1, 448, 2_048, 2_048]);
    }
}
