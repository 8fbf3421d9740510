//! Plans the retries of a job: backoff with jitter, by the policy of the job's kind.

use crate::ambient::{Clock, Random};
use crate::store::{AfterLastRetry, NextStep, RetryPolicy};
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

/// Plans attempts. Up to a fifth of each delay is added at random, so that jobs that failed
/// together are not retried together.
#[derive(Clone)]
pub struct RetrySchedule {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl RetrySchedule {
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }

    /// Returns what follows attempt number `attempt`, counted from 1, by the policy of the job's
    /// kind.
    pub(super) fn plan(&self, policy: RetryPolicy, attempt: u32) -> NextStep {
        match (policy.delay_seconds(attempt), policy.then) {
            (Some(delay), _) => NextStep::RetryAt(self.after(delay)),
            (None, AfterLastRetry::Drop) => NextStep::Drop,
            (None, AfterLastRetry::DeadLetter | AfterLastRetry::Every(_)) => NextStep::DeadLetter,
        }
    }

    /// Returns the time `delay` seconds from now, plus up to a fifth.
    fn after(&self, delay: i64) -> Timestamp {
        let drawn = i64::from(u32::from_le_bytes(self.random.bytes()));
        self.clock.now().plus_seconds(delay + drawn % (delay / 5 + 1))
    }
}
