//! A clock that moves only when a test advances it.

use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const NOW: i64 = 1_795_000_000;

/// One clock, shared by all parties.
#[derive(Clone)]
pub struct ManualClock(pub Arc<AtomicI64>);

impl Default for ManualClock {
    /// Starts at the time at which every test begins.
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(NOW)))
    }
}

impl ManualClock {
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}
