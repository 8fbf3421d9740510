//! What tells people how the origin is: alarms, which have a state, and metrics, which count. Every
//! part that has something to say gets these, and none of them waits for it.
//!
//! Out of scope: who reads them. The admin listener, the verbs and the alarm webhook are elsewhere.

mod alarm;
mod alarms;
mod metrics;

pub use alarm::{Alarm, Severity};
pub use alarms::Alarms;
pub use metrics::{
    AttemptResult, Caller, Channel, CspCall, CspResult, FunnelStep, LabelLists, Metrics, OPEN_METRICS,
    PinResult, RateLimit, RedemptionResult, SERIES, Series, SeriesKind, SignatureRefusal, SmsState,
    WebhookResult,
};
pub(crate) use metrics::{ChargeVerdict, Scrape};

use crate::ambient::Clock;
use std::sync::Arc;

/// The instruments of one origin, which all of its parts share.
pub struct Instruments {
    pub alarms: Alarms,
    pub metrics: Metrics,
}

impl Instruments {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::with_labels(clock, &LabelLists::default())
    }

    /// Those of an origin with these partners, currencies and routes.
    #[must_use]
    pub fn with_labels(clock: Arc<dyn Clock>, lists: &LabelLists) -> Arc<Self> {
        Arc::new(Self { alarms: Alarms::new(clock), metrics: Metrics::new(lists) })
    }
}
