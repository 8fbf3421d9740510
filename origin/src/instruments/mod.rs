//! What shows people the state of the origin: alarms, which have a state, and metrics, which count. Every
//! part that has something to report gets these, and none of them waits for it.
//!
//! Out of scope: who reads them. The admin listener, the verbs, the alarm webhook and the table of
//! alarms are elsewhere.

mod alarm;
mod alarm_key;
mod alarm_news;
mod alarm_record;
mod alarm_state;
mod alarms;
mod metrics;
mod refused_visits;
mod signals;
mod signer_counts;

pub use alarm::{
    Alarm, AlarmKind, AlarmScope, SILENCE_OF_CALLS_SECONDS, SILENCE_OF_CHECKS_SECONDS, Severity,
};
pub use alarm_key::ALARMS_MAX;
pub use alarm_record::{ActiveAlarm, AlarmChange, AlarmNews, AlarmRecord, ReportedAlarm, StoredAlarm};
pub(crate) use alarms::raise_alarm;
pub use alarms::{Alarms, WebhookCounts};
pub use metrics::{
    AttemptResult, Caller, Channel, CspCall, CspResult, FunnelStep, LabelLists, Metrics, OPEN_METRICS,
    PinResult, RateLimit, RedemptionResult, SERIES, Series, SeriesKind, SignatureRefusal, SmsState,
    WebhookResult,
};
pub(crate) use metrics::{CallFigures, ChargeResult, Scrape};
pub use refused_visits::RefusedVisitCounts;
pub use signals::{Receiver, Signals};

use crate::ambient::Clock;
use std::sync::Arc;

/// The instruments of one origin, which all of its parts share.
pub struct Instruments {
    pub alarms: Alarms,
    pub metrics: Metrics,
    /// What calls have shown, from which some alarms follow.
    pub signals: Signals,
    /// Customers who were refused since the last sweep.
    pub refused_visits: RefusedVisitCounts,
}

impl Instruments {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::with_labels(clock, &LabelLists::default())
    }

    /// Those of an origin with these partners, currencies and routes.
    #[must_use]
    pub fn with_labels(clock: Arc<dyn Clock>, lists: &LabelLists) -> Arc<Self> {
        let (alarms, signals) = (Alarms::new(clock.clone()), Signals::new(clock));
        let refused_visits = RefusedVisitCounts::default();
        Arc::new(Self { alarms, metrics: Metrics::new(lists), signals, refused_visits })
    }
}
