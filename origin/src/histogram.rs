//! A histogram of durations or counts. To note a value costs three atomic additions, and takes no
//! lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds for what a caller waits for, in microseconds: from half a millisecond to longer than
/// any call has.
pub(crate) const CALL_BOUNDS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// Upper bounds for the time to the result of a charge, in microseconds: within its call, or within the week
/// that billing by files and the retries of an outage may take.
pub(crate) const CHARGE_RESULT_BOUNDS: &[u64] = &[
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    60_000_000,
    600_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
    604_800_000_000,
];

/// Upper bounds for how many writes share a commit, in millionths: at most 256 do.
pub(crate) const SIZE_BOUNDS: &[u64] = &[
    1_000_000,
    2_000_000,
    4_000_000,
    8_000_000,
    16_000_000,
    32_000_000,
    64_000_000,
    128_000_000,
    256_000_000,
];

const MILLION: u64 = 1_000_000;

/// Counts values by their upper bounds.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// In millionths, ascending.
    bounds: &'static [u64],
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    /// In millionths.
    sum: AtomicU64,
}

/// The state of a histogram.
pub(crate) struct Counted {
    pub(crate) sum: f64,
    pub(crate) count: u64,
    /// Upper bound and count of each bucket; the last bound is infinite.
    pub(crate) buckets: Vec<(f64, u64)>,
}

impl Counted {
    /// The upper bound of the bucket that the value at this part of all is in: 1 of 2 for the median.
    pub(crate) fn bound_of(&self, part: u64, of: u64) -> f64 {
        let wanted = self.count.saturating_mul(part).div_ceil(of);
        let mut below = 0;
        for (bound, count) in &self.buckets {
            below += count;
            if below >= wanted {
                return *bound;
            }
        }
        f64::INFINITY
    }
}

impl Histogram {
    pub(crate) fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Notes a duration.
    pub(crate) fn note(&self, took: Duration) {
        self.note_millionths(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Notes a count.
    pub(crate) fn note_count(&self, count: usize) {
        self.note_millionths(u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(MILLION));
    }

    fn note_millionths(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// The state at this moment. The count is the sum of the buckets, so that both agree while other
    /// threads continue.
    pub(crate) fn read(&self) -> Counted {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let bounds = self.bounds.iter().map(|bound| in_units(*bound)).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Counted { sum: in_units(self.sum.load(Ordering::Relaxed)), count, buckets }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sum of 285 years in microseconds is still exact")]
fn in_units(millionths: u64) -> f64 {
    millionths as f64 / MILLION as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_counted_below_its_bound() {
        let histogram = Histogram::new(&[1_000_000, 2_000_000]);
        for milliseconds in [1, 1_000, 1_001, 2_000, 9_000] {
            histogram.note(Duration::from_millis(milliseconds));
        }
        let Counted { sum, count, buckets } = histogram.read();
        assert_eq!(buckets, [(1.0, 2), (2.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((count, (sum * 1_000.0).round().to_string().as_str()), (5, "13002"));
    }

    #[test]
    fn median_is_the_bound_of_its_bucket() {
        let histogram = Histogram::new(&[1_000_000, 2_000_000]);
        for milliseconds in [1, 2, 1_500, 9_000] {
            histogram.note(Duration::from_millis(milliseconds));
        }
        let bounds =
            [(1, 2), (3, 4), (99, 100)].map(|(part, of)| histogram.read().bound_of(part, of).to_string());
        assert_eq!(bounds, ["1", "2", "inf"]);
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [CALL_BOUNDS, CHARGE_RESULT_BOUNDS, SIZE_BOUNDS] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }
}
