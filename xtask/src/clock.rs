//! The only file of xtask that reads the clock, sleeps, and knows whether xtask was asked to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;

use crate::failure::{Context, Outcome};

static IS_STOP_REQUESTED: AtomicBool = AtomicBool::new(false);

/// From this call on, Ctrl-C, SIGTERM and SIGHUP no longer kill xtask: it ends its children first, then itself.
pub(crate) fn listen_for_stop() -> Outcome {
    ctrlc::set_handler(|| IS_STOP_REQUESTED.store(true, Ordering::Relaxed)).context("listen for Ctrl-C")
}

pub(crate) fn is_stop_requested() -> bool {
    IS_STOP_REQUESTED.load(Ordering::Relaxed)
}

/// Sleeps between two polls of something that cannot notify (a child, a port).
#[expect(clippy::disallowed_methods, reason = "children are polled; the caller's loop has the deadline")]
pub(crate) fn sleep_milliseconds(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

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

/// The day, in UTC.
#[expect(clippy::disallowed_methods, reason = "the adapter around the real clock")]
pub(crate) fn read_today() -> Day {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of_timestamp(Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}

/// Formats as `9.4 s` or `2:05 min`.
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
    fn duration_is_formatted_in_seconds_or_minutes() {
        assert_eq!(format_duration(Duration::from_millis(9_420)), "9.4 s");
        assert_eq!(format_duration(Duration::from_secs(125)), "2:05 min");
    }
}
