//! The rules for Prometheus: one alert for each alarm, a few about series, and the error budget of
//! charges.

use onbill_origin::instruments::{Alarm, AlarmScope};
use std::fmt::{self, Display, Formatter};

/// Of a thousand posts of charges one may fail on our side (5xx) in the long run.
const ERROR_BUDGET: &str = "0.001";

/// Windows over which the share of failed posts is computed.
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Long and short window, how many times faster than allowed the budget is spent, and the severity:
/// 2 % of a month's budget in an hour, 5 % in six hours, 10 % in a day or three.
const BURN_RATES: [(&str, &str, &str, &str); 4] = [
    ("1h", "5m", "14.4", "page"),
    ("6h", "30m", "6", "page"),
    ("1d", "2h", "3", "ticket"),
    ("3d", "6h", "1", "ticket"),
];

/// An alert.
pub(super) struct Alert {
    pub(super) name: String,
    expression: String,
    /// How long it has to hold before a person is notified.
    holds_for: &'static str,
    severity: String,
    summary: String,
    /// The heading in the docs that says what to do.
    pub(super) runbook: String,
}

/// A share that is computed once and used by several alerts.
struct Recording {
    name: String,
    expression: String,
}

/// All rules, by group.
pub(super) struct Rules {
    alarms: Vec<Alert>,
    series: Vec<Alert>,
    recordings: Vec<Recording>,
    budget: Vec<Alert>,
}

impl Rules {
    pub(super) fn new() -> Self {
        let recordings = WINDOWS.map(|window| Recording {
            name: error_ratio(window),
            expression: format!(
                "sum(rate(onbill_http_requests_total{{route=\"/ott/v1/transaction\",method=\"POST\",status_class=\"5xx\"}}[{window}]))\
                 / sum(rate(onbill_http_requests_total{{route=\"/ott/v1/transaction\",method=\"POST\"}}[{window}]))"
            ),
        });
        Self {
            alarms: Alarm::ALL.into_iter().map(alert_of).collect(),
            series: alerts_on_series(),
            recordings: recordings.into(),
            budget: BURN_RATES.into_iter().map(burn_rate_alert).collect(),
        }
    }

    pub(super) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alarms.iter().chain(&self.series).chain(&self.budget)
    }

    /// The names of what is recorded.
    pub(super) fn recorded(&self) -> impl Iterator<Item = &str> {
        self.recordings.iter().map(|recording| recording.name.as_str())
    }

    pub(super) fn expressions(&self) -> impl Iterator<Item = String> {
        let recorded = self.recordings.iter().map(|recording| recording.expression.clone());
        recorded.chain(self.alerts().map(|alert| alert.expression.clone()))
    }

    pub(super) fn to_yaml(&self) -> String {
        RuleFile(self).to_string()
    }
}

/// Several origins on one database share the alarms about the ledger: one alert is enough. One about
/// an origin says which.
fn alert_of(alarm: Alarm) -> Alert {
    let word = alarm.as_str();
    let series = format!("onbill_alarm_active{{alarm=\"{word}\"}}");
    let active = match alarm.scope() {
        AlarmScope::Ledger => format!("max without (instance) ({series})"),
        AlarmScope::Origin => series,
    };
    Alert {
        name: format!("Onbill{}", to_camel_case(word)),
        expression: format!("{active} > 0"),
        holds_for: "0m",
        severity: alarm.severity().as_str().to_owned(),
        summary: format!("onbill's alarm {word} is active"),
        runbook: format!("docs/operate/alarms.md#{word}"),
    }
}

fn alerts_on_series() -> Vec<Alert> {
    let alert =
        |name: &str, expression: &str, holds_for, severity: &str, summary: &str, heading: &str| Alert {
            name: format!("Onbill{name}"),
            expression: expression.to_owned(),
            holds_for,
            severity: severity.to_owned(),
            summary: summary.to_owned(),
            runbook: format!("docs/operate/metrics.md#{heading}"),
        };
    vec![
        alert(
            "NoScrape",
            // Of each operator, or of all where the job has another name.
            "max by (job, operator) (up{job=\"onbill\"}) == 0 or on () absent(onbill_ready)",
            "5m",
            "page",
            "No origin of an operator can be scraped: all are down, or their metrics cannot be reached",
            "no-scrape",
        ),
        alert(
            "OriginDown",
            "up{job=\"onbill\"} == 0",
            "5m",
            "ticket",
            "One origin cannot be scraped, while another one may serve",
            "origin-down",
        ),
        alert(
            "NotReady",
            "onbill_ready == 0",
            "1m",
            "page",
            "An origin takes no calls: onbill_not_ready says why",
            "not-ready",
        ),
        alert(
            "ChargesSlow",
            "histogram_quantile(0.99, sum by (le) \
             (rate(onbill_http_request_duration_seconds_bucket{route=\"/ott/v1/transaction\"}[5m]))) > 2",
            "10m",
            "ticket",
            "One charge in a hundred takes longer than two seconds",
            "charges-are-slow",
        ),
        alert(
            "PinsLate",
            "max without (instance) (onbill_queue_oldest_age_seconds{queue=\"pins\"}) > 120",
            "1m",
            "page",
            "PINs wait in the queue while their customers wait for them",
            "pins-are-late",
        ),
        alert(
            "DeadLetters",
            "sum without (instance, queue) (max without (instance) (onbill_dead_letters)) > 0",
            "15m",
            "ticket",
            "Jobs wait for a person",
            "dead-letters",
        ),
        alert(
            "LedgerUnreadable",
            "onbill_ledger_readable == 0",
            "5m",
            "ticket",
            "Queues and files cannot be read from the ledger, so nobody sees what waits there",
            "ledger-unreadable",
        ),
    ]
}

fn burn_rate_alert((long, short, times, severity): (&str, &str, &str, &str)) -> Alert {
    let (long_ratio, short_ratio) = (error_ratio(long), error_ratio(short));
    Alert {
        name: format!("OnbillChargeErrors{}", long.to_uppercase()),
        expression: format!(
            "{long_ratio} > {times} * {ERROR_BUDGET} and {short_ratio} > {times} * {ERROR_BUDGET}"
        ),
        holds_for: "2m",
        severity: severity.to_owned(),
        summary: format!("Posts of charges fail {times} times as often as they may, over {long} and {short}"),
        runbook: "docs/operate/metrics.md#charges-fail".to_owned(),
    }
}

/// The name of the share of failed posts over a window.
fn error_ratio(window: &str) -> String {
    format!("onbill:charge_posts:error_ratio_{window}")
}

/// `dead-letters` becomes `DeadLetters`.
fn to_camel_case(word: &str) -> String {
    let parts = word.split('-').map(|part| {
        let (first, rest) = part.split_at(1);
        first.to_uppercase() + rest
    });
    parts.collect()
}

/// The file as Prometheus reads it.
pub(super) struct RuleFile<'r>(pub(super) &'r Rules);

const HEAD: &str = "\
# Rules for Prometheus. Made from the lists of series and alarms by tests/flows/metrics/rules.rs: do
# not edit it here.
#
# runbook_url begins with the external label `onbill_docs`, which says where you read these docs:
#   global: { external_labels: { onbill_docs: \"https://wiki.example/onbill/\" } }
groups:
";

impl Display for RuleFile<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        write_group(f, "onbill-alarms", &[], &self.0.alarms)?;
        write_group(f, "onbill-series", &[], &self.0.series)?;
        write_group(f, "onbill-error-budget", &self.0.recordings, &self.0.budget)
    }
}

fn write_group(f: &mut Formatter<'_>, name: &str, recordings: &[Recording], alerts: &[Alert]) -> fmt::Result {
    write!(f, "  - name: {name}\n    rules:\n")?;
    for Recording { name, expression } in recordings {
        write!(f, "      - record: {name}\n        expr: >-\n          {expression}\n")?;
    }
    for Alert { name, expression, holds_for, severity, summary, runbook } in alerts {
        write!(
            f,
            "      - alert: {name}\n        expr: >-\n          {expression}\n        for: {holds_for}\n        \
             labels:\n          severity: {severity}\n        annotations:\n          summary: {summary:?}\n          \
             runbook_url: \"{{{{ $externalLabels.onbill_docs }}}}{runbook}\"\n"
        )?;
    }
    Ok(())
}
