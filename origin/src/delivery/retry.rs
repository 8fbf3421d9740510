//! When a job is tried again.

use crate::ambient::{Clock, Random};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

/// Seconds until the next attempt at billing, after the first, second, … unclear one; then the job is a dead letter.
pub(super) const BILLING_DELAYS: [i64; 7] = [300, 3_600, 86_400, 86_400, 86_400, 86_400, 86_400];
/// Seconds until the next attempt at a webhook about a charge or refund: soon at first, for a partner that is restarting;
/// then the job is a dead letter.
pub(super) const WEBHOOK_DELAYS: [i64; 9] = [10, 60, 300, 3_600, 21_600, 86_400, 86_400, 86_400, 86_400];
/// Seconds until the next attempts at what is repeated until it has succeeded.
const PERSISTENT_DELAYS: [i64; 4] = [2, 10, 60, 600];
/// Seconds between all attempts after those.
const PERSISTENT_LAST_DELAY: i64 = 3_600;

/// Plans attempts. A fifth of each delay is random, so that what failed together does not come back together.
#[derive(Clone)]
pub struct RetrySchedule {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl RetrySchedule {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// When to try again after attempt number `attempt`, counted from 1; `None` when there are no more attempts.
    pub(super) fn next_attempt(&self, attempt: u32, delays: &[i64]) -> Option<Timestamp> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        delays.get(index).map(|delay| self.after(*delay))
    }

    /// When to repeat an attempt that is repeated until it has succeeded, in the end once an hour.
    pub(super) fn repeat(&self, attempt: u32) -> Timestamp {
        self.next_attempt(attempt, &PERSISTENT_DELAYS).unwrap_or_else(|| self.after(PERSISTENT_LAST_DELAY))
    }

    /// Some seconds from now, and up to a fifth more.
    pub(super) fn after(&self, delay: i64) -> Timestamp {
        let drawn = i64::from(u32::from_le_bytes(self.random.bytes()));
        self.clock.now().plus_seconds(delay + drawn % (delay / 5 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PUT_OFF_SECONDS_MAX;

    #[test]
    fn delays_are_shorter_than_the_database_believes() {
        let longest = BILLING_DELAYS.into_iter().chain(WEBHOOK_DELAYS).max();
        assert!(longest.is_some_and(|delay| delay + delay / 5 < PUT_OFF_SECONDS_MAX));
    }
}
