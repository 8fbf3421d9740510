//! What a clock that was ahead has written. Once the clock is right again, such a time would lie in
//! the future for as long as the clock was ahead; what it counts, limits or puts off would last
//! until then. So a time in the future is believed only as far as a right clock can have set it.

use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::timestamp::Timestamp;

/// The latest time that another origin's clock may show now: they are as good as those of callers.
pub(in crate::store) fn latest_now(now: Timestamp) -> Timestamp {
    now.plus_seconds(SIGNATURE_SKEW_SECONDS)
}

/// The latest end of something that begins now, at the latest, and takes at most so many seconds.
/// What ends later was begun by a clock that was ahead, and is over.
pub(in crate::store) fn latest_end(now: Timestamp, seconds_max: i64) -> Timestamp {
    latest_now(now).plus_seconds(seconds_max)
}

/// Whether something that takes at most so many seconds, and ends at `end`, is not over.
pub(in crate::store) fn lasts(now: Timestamp, end: Timestamp, seconds_max: i64) -> bool {
    now < end && end <= latest_end(now, seconds_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_beyond_the_longest_time_is_over() {
        let now = Timestamp::from_unix_seconds(1_795_000_000);
        for (seconds, expected) in [(0, false), (1, true), (360 + 300, true), (360 + 301, false)] {
            assert_eq!(lasts(now, now.plus_seconds(seconds), 360), expected, "{seconds}");
        }
    }
}
