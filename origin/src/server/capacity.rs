//! How many connections there may be. When all places are taken, those who have one go on; others
//! wait at the system's queue until one is free.

use crate::instruments::Instruments;
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
/// The same trouble is said in the log again after this long.
const WARN_EVERY: Duration = Duration::from_mins(1);

pub(super) type Place = OwnedSemaphorePermit;

pub(super) struct Capacity {
    places: Arc<Semaphore>,
    count: usize,
    warned_at: Option<Instant>,
    instruments: Arc<Instruments>,
}

impl Capacity {
    pub(super) fn new(count: usize, instruments: Arc<Instruments>) -> Self {
        Self { places: Arc::new(Semaphore::new(count)), count, warned_at: None, instruments }
    }

    /// Takes a place for a connection, once there is one.
    pub(super) async fn take_place(&mut self) -> Place {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return place;
            }
            self.warn(&format!("all {} connections are in use: others wait", self.count));
            if let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
                return place;
            }
        }
    }

    /// Says in the log that connections wait, unless that was said a moment ago.
    pub(super) fn warn(&mut self, reason: &str) {
        let now = Instant::now();
        if self.warned_at.is_none_or(|at| now.duration_since(at) >= WARN_EVERY) {
            self.warned_at = Some(now);
            tracing::error!(reason, alarm = "connections-full", "new connections have to wait");
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

    #[test]
    fn connections_leave_file_handles_for_the_rest() {
        assert_eq!([0, 1_024, 20_000, u64::MAX].map(limit_by_files), [1, 448, 2_048, 2_048]);
    }
}
