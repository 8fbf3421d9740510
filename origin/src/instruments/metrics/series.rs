//! The list of all series: how each is called, what it counts, and by which labels. The page writes
//! nothing that is not in it, and `docs/operate/metrics.md` explains each.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// How a series is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesKind {
    /// It only grows, and begins at zero when the origin starts.
    Counter,
    Gauge,
    Histogram,
    /// Its value is 1, and its labels are what it says.
    Info,
}

impl SeriesKind {
    /// The word of OpenMetrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }

    pub(super) fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
            Self::Info => MetricType::Info,
        }
    }
}

/// A series of the page.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    /// Without the unit and without the ending of its kind.
    pub(super) name: &'static str,
    pub kind: SeriesKind,
    /// Empty for what is counted in pieces.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

impl Series {
    /// The name of the family, as in `# TYPE`.
    #[must_use]
    pub fn family(&self) -> String {
        if self.unit.is_empty() { self.name.to_owned() } else { format!("{}_{}", self.name, self.unit) }
    }

    /// The name by which a query finds its values; of a histogram, that of its buckets.
    #[must_use]
    pub fn sample(&self) -> String {
        let ending = match self.kind {
            SeriesKind::Counter => "_total",
            SeriesKind::Gauge => "",
            SeriesKind::Histogram => "_bucket",
            SeriesKind::Info => "_info",
        };
        self.family() + ending
    }

    pub(super) fn to_unit(self) -> Option<Unit> {
        (!self.unit.is_empty()).then(|| Unit::Other(self.unit.to_owned()))
    }
}

macro_rules! series {
    ($($constant:ident: $kind:ident $name:literal, $unit:literal, [$($label:literal),*], $help:literal;)+) => {
        $(pub(super) const $constant: Series = Series {
            name: $name,
            kind: SeriesKind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            help: $help,
        };)+

        /// Every series, in the order of the page.
        pub const SERIES: &[Series] = &[$($constant),+];
    };
}

series! {
    READY: Gauge "onbill_ready", "", [], "1 while the origin is ready";
    NOT_READY: Gauge "onbill_not_ready", "", ["reason"], "1 for each reason why the origin is not ready";
    BUILD: Info "onbill_build", "", ["version", "commit"], "The build of the origin";
    SCHEMA_VERSION: Gauge "onbill_schema_version", "", [], "The number of the newest migration that this build has";

    ALARM_ACTIVE: Gauge "onbill_alarm_active", "", ["alarm", "severity"], "Subjects for which the alarm is active";
    ALARMS_RAISED: Counter "onbill_alarms_raised", "", ["alarm"], "Times that an alarm was raised";

    ALARM_WEBHOOKS: Counter "onbill_alarm_webhooks", "", ["result"], "Attempts to post to the alarm webhook, and posts that were dropped";

    CHARGES: Counter "onbill_charges", "", ["partner", "outcome", "reason"], "Charges that were settled";
    CHARGES_PENDING: Counter "onbill_charges_pending", "", ["partner"], "Posts of charges that were answered PENDING";
    CHARGED: Counter "onbill_charged", "minor_units", ["partner", "currency"], "Amounts of approved charges";
    CHARGE_RESULT: Histogram "onbill_charge_result", "seconds", [], "From the post of a charge to its result";
    REFUNDS: Counter "onbill_refunds", "", ["partner", "outcome"], "Refunds that were settled";
    REFUNDS_PENDING: Counter "onbill_refunds_pending", "", ["partner"], "Posts of refunds that were answered PENDING";
    REFUNDED: Counter "onbill_refunded", "minor_units", ["partner", "currency"], "Amounts of approved refunds";

    HTTP_REQUESTS: Counter "onbill_http_requests", "", ["route", "method", "status_class"], "Requests that were answered";
    HTTP_DURATION: Histogram "onbill_http_request_duration", "seconds", ["route"], "From the head of a request to its response";
    HTTP_IN_FLIGHT: Gauge "onbill_http_requests_in_flight", "", [], "Requests that are being worked on";

    CSP_CALLS: Counter "onbill_csp_calls", "", ["call", "result"], "Calls to the operator's CSP API";
    CSP_DURATION: Histogram "onbill_csp_call_duration", "seconds", ["call"], "Duration of calls to the operator's CSP API";

    QUEUE_ENTRIES: Gauge "onbill_queue_entries", "", ["queue"], "Jobs in the queue, those that are leased among them";
    QUEUE_OLDEST: Gauge "onbill_queue_oldest_age", "seconds", ["queue"], "Age of the oldest job in the queue";
    DEAD_LETTERS: Gauge "onbill_dead_letters", "", ["queue"], "Jobs that wait for a person";
    JOB_ATTEMPTS: Counter "onbill_job_attempts", "", ["kind", "result"], "Attempts at jobs";

    PINS: Counter "onbill_pins", "", ["result"], "PINs that were sent, and attempts to enter one";
    FUNNEL_STEPS: Counter "onbill_funnel_steps", "", ["channel", "step"], "Steps of customers on their way to a subscription";
    SUBSCRIPTIONS: Counter "onbill_subscriptions_reported", "", ["partner"], "Subscriptions that partners reported for the first time";
    REDEMPTIONS: Counter "onbill_coupon_redemptions", "", ["partner", "result"], "Attempts to redeem a coupon";

    SMS: Counter "onbill_sms", "", ["gateway", "state"], "SMS by what the gateway reported of them";
    SMS_LINK_UP: Gauge "onbill_sms_link_up", "", ["gateway"], "1 while the SMS gateway can be reached";

    WEBHOOKS: Counter "onbill_webhooks", "", ["partner", "result"], "Webhooks to partners";

    SIGNATURES_REFUSED: Counter "onbill_signatures_refused", "", ["caller", "reason"], "Calls whose signature was refused";
    RATE_LIMITED: Counter "onbill_rate_limited", "", ["reason"], "Calls that were refused because of a ceiling";
    CLOCK_DIFFERENCE: Gauge "onbill_clock_difference", "seconds", ["caller"], "Clock of the latest genuine caller minus that of the origin";

    COMMITS: Histogram "onbill_commit_duration", "seconds", [], "Duration of commits, until they are durable";
    COMMIT_SIZE: Histogram "onbill_commit_size", "", [], "Writes that shared a commit";
    COMMITS_FAILED: Counter "onbill_commits_failed", "", [], "Commits that failed, or whose outcome is not known";
    WRITES_WAITING: Gauge "onbill_writes_waiting", "", [], "Writes that wait for their commit";
    CONNECTIONS: Gauge "onbill_database_connections", "", ["state"], "Connections of the pool for reading (SQLite) or for everything (PostgreSQL)";
    CONNECTIONS_WAITING: Gauge "onbill_database_connections_waiting", "", [], "Callers that wait for a connection of the pool";
    WRITE_AHEAD_LOG: Gauge "onbill_write_ahead_log", "bytes", [], "Length of SQLite's write-ahead log after the latest write";
    LEDGER_READABLE: Gauge "onbill_ledger_readable", "", [], "1 when the figures of this scrape that come from the ledger could be read";

    FILES_UNACKNOWLEDGED: Gauge "onbill_files_unacknowledged", "", [], "Billing files without a response";
    FILES_OLDEST: Gauge "onbill_files_oldest_age", "seconds", [], "Age of the oldest billing file without a response";
    COUPONS: Gauge "onbill_coupons", "", ["state"], "Coupons that can be redeemed, and those whose charge was declined";

    PROCESS_CPU: Counter "process_cpu", "seconds", [], "Processor time that was used";
    PROCESS_MEMORY: Gauge "process_resident_memory", "bytes", [], "Memory in use";
    PROCESS_VIRTUAL: Gauge "process_virtual_memory", "bytes", [], "Address space in use";
    PROCESS_FILES: Gauge "process_open_fds", "", [], "Open file handles";
    PROCESS_FILES_MAX: Gauge "process_max_fds", "", [], "Limit on open file handles";
    PROCESS_START: Gauge "process_start_time", "seconds", [], "Start of the process, in Unix time";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn series_has_a_name_of_its_own() {
        let names: BTreeSet<String> = SERIES.iter().map(Series::family).collect();
        assert_eq!(names.len(), SERIES.len());
        for series in SERIES {
            let family = series.family();
            assert!(family.starts_with("onbill_") || family.starts_with("process_"), "{family}");
            assert!(!family.ends_with("_total"), "{family}: the ending is added");
            assert!(!series.help.ends_with('.') && !series.help.is_empty(), "{family}");
        }
    }
}
