//! The alarms that are active.

use super::alarm::Alarm;
use crate::ambient::Clock;
use std::sync::Arc;

/// The alarms of one origin.
pub struct Alarms {
    clock: Arc<dyn Clock>,
}

impl Alarms {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// Notes that the reason of an alarm is there. Returns whether that is news, which belongs into
    /// the log as an error.
    pub(crate) fn raise(&self, alarm: Alarm, subject: &str) -> bool {
        let _ = (self.clock.now(), alarm, subject);
        true
    }

    /// Notes that the reason of an alarm is gone.
    pub(crate) fn clear(&self, alarm: Alarm, subject: &str) {
        let _ = (self.clock.now(), alarm, subject);
    }
}
