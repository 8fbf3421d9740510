//! The one place of xtask that reads the clock, waits and knows that it was told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::failure::{Context, Outcome};

static IS_STOP_REQUESTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C, SIGTERM and SIGHUP no longer kill xtask: it ends its children first, then itself.
pub(crate) fn listen_for_stop() -> Outcome {
    ctrlc::set_handler(|| IS_STOP_REQUESTED.store(true, Ordering::Relaxed)).context("listen for Ctrl-C")
}

/// Whether somebody asked xtask to end.
pub(crate) fn is_stop_requested() -> bool {
    IS_STOP_REQUESTED.load(Ordering::Relaxed)
}

/// Waits a moment between two looks at something that cannot call back (a child, a port).
#[expect(clippy::disallowed_methods, reason = "children are polled; the caller's loop has the deadline")]
pub(crate) fn sleep_milliseconds(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// A running stopwatch.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the adapter around the real clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// `9.4 s` or `2:05 min`, whichever a person would say.
pub(crate) fn format_duration(duration: Duration) -> String {
    match duration.as_secs() {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        seconds => format!("{}:{:02} min", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_like_people_do() {
        assert_eq!(format_duration(Duration::from_millis(9_420)), "9.4 s");
        assert_eq!(format_duration(Duration::from_secs(125)), "2:05 min");
    }
}
