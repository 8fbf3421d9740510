//! How long a kit waits and how much it reads, each with its reason.

use onbill_domain::limits::BODY_BYTES_MAX;
use std::time::Duration;

/// What onbill itself reads of a response.
pub(super) const RESPONSE_BYTES_MAX: usize = BODY_BYTES_MAX;

/// What a kit reads of a response, so that it can say by how much one is too large.
pub(super) const READ_BYTES_MAX: usize = 4 * RESPONSE_BYTES_MAX;

/// How many calls are made at the same time: more than a retry and its first attempt, and few enough
/// for a test system.
pub(super) const PARALLEL_CALLS: usize = 8;

/// What a report quotes of a body, in characters: enough to recognise an error page.
pub(super) const QUOTED_CHARS_MAX: usize = 160;

/// How long onbill waits for the other side.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For every call.
    pub answer_within: Duration,
    /// For a refund, and for a charge with the look-up before it: `hand_off_seconds` of the origin. The
    /// partner waits.
    pub charge_within: Duration,
}

impl Default for Limits {
    /// The origin and the edge wait 8 seconds, and 5 while a partner waits.
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(8), charge_within: Duration::from_secs(5) }
    }
}

impl Limits {
    /// A kit waits longer than onbill, so that a late answer does not look like none.
    pub(super) fn kit_waits(&self) -> Duration {
        self.answer_within.max(self.charge_within) * 2
    }
}
