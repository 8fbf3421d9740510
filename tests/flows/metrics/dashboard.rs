//! The dashboard for Grafana. At its top is what is wrong, as six numbers; below, every series has a
//! panel in the row of its subject.

use onbill_origin::instruments::{SERIES, Series, SeriesKind};
use serde_json::{Value, json};

/// The subjects, and the beginnings of their series' names. A series belongs to the first that fits.
const SUBJECTS: [(&str, &[&str]); 9] = [
    ("State", &["onbill_ready", "onbill_not_ready", "onbill_build", "onbill_schema", "onbill_alarm"]),
    ("Charges and refunds", &["onbill_charge", "onbill_refund"]),
    ("Calls", &["onbill_http", "onbill_signatures", "onbill_rate", "onbill_clock"]),
    ("Billing", &["onbill_csp", "onbill_files"]),
    ("Queues", &["onbill_queue", "onbill_dead", "onbill_job"]),
    ("Customers", &["onbill_pins", "onbill_funnel", "onbill_subscriptions", "onbill_coupon"]),
    ("SMS and webhooks", &["onbill_sms", "onbill_webhooks"]),
    ("Database", &["onbill_commit", "onbill_write", "onbill_database", "onbill_ledger"]),
    ("Process", &["process_"]),
];

/// Panels beside each other, and their width and height in Grafana's grid of 24 columns.
const PANELS_IN_A_ROW: usize = 3;
const PANEL_WIDTH: usize = 8;
const PANEL_HEIGHT: usize = 7;
const STAT_WIDTH: usize = 4;
const STAT_HEIGHT: usize = 4;

/// A number at the top: its title, expression and unit, and from which value on it is red. A value
/// that is good when it is high is red below.
struct Stat {
    title: &'static str,
    expression: &'static str,
    unit: &'static str,
    red_from: f64,
    is_red_below: bool,
}

const STATS: [Stat; 6] = [
    Stat {
        title: "Ready",
        expression: "min(onbill_ready)",
        unit: "bool_yes_no",
        red_from: 1.0,
        is_red_below: true,
    },
    Stat {
        title: "Charges a minute",
        expression: "60 * sum(rate(onbill_charges_total[5m]))",
        unit: "short",
        red_from: 0.0,
        is_red_below: true,
    },
    Stat {
        title: "Approved",
        expression: "sum(rate(onbill_charges_total{outcome=\"approved\"}[1h])) / sum(rate(onbill_charges_total[1h]))",
        unit: "percentunit",
        red_from: 0.8,
        is_red_below: true,
    },
    Stat {
        title: "Result within (p99)",
        expression: "histogram_quantile(0.99, sum by (le) (rate(onbill_charge_result_seconds_bucket[5m])))",
        unit: "s",
        red_from: 5.0,
        is_red_below: false,
    },
    Stat {
        title: "Oldest job",
        expression: "max(onbill_queue_oldest_age_seconds)",
        unit: "s",
        red_from: 3_600.0,
        is_red_below: false,
    },
    Stat {
        title: "Active alarms",
        expression: "sum(max without (instance) (onbill_alarm_active)) or vector(0)",
        unit: "short",
        red_from: 1.0,
        is_red_below: false,
    },
];

/// The dashboard.
pub(super) struct Dashboard {
    panels: Vec<Value>,
}

impl Dashboard {
    pub(super) fn new() -> Self {
        let mut panels: Vec<Value> = STATS.iter().enumerate().map(|(n, stat)| stat_panel(n, stat)).collect();
        let mut y = STAT_HEIGHT;
        for (title, _) in SUBJECTS {
            panels.push(json!({"type": "row", "title": title, "collapsed": false, "panels": [],
                               "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}));
            y += 1;
            let of_it: Vec<&Series> =
                SERIES.iter().filter(|series| subject_of(series) == Some(title)).collect();
            for (n, series) in of_it.iter().enumerate() {
                let place = json!({"x": n % PANELS_IN_A_ROW * PANEL_WIDTH, "y": y + n / PANELS_IN_A_ROW * PANEL_HEIGHT,
                                   "w": PANEL_WIDTH, "h": PANEL_HEIGHT});
                panels.push(series_panel(series, &place));
            }
            y += of_it.len().div_ceil(PANELS_IN_A_ROW) * PANEL_HEIGHT;
        }
        for (panel, id) in panels.iter_mut().zip(1..) {
            panel["id"] = json!(id);
        }
        Self { panels }
    }

    /// What its panels ask.
    pub(super) fn expressions(&self) -> impl Iterator<Item = String> {
        let targets = self.panels.iter().filter_map(|panel| panel["targets"].as_array());
        let expressions = targets.flatten().filter_map(|target| target["expr"].as_str());
        expressions.map(str::to_owned).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn to_json(&self) -> String {
        let source =
            json!({"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"});
        let dashboard = json!({
            "title": "onbill", "uid": "onbill-origin", "schemaVersion": 39, "refresh": "30s", "editable": true,
            "tags": ["onbill"], "time": {"from": "now-6h", "to": "now"},
            "description": "Made from the list of series by tests/flows/metrics/dashboard.rs: do not edit it here.",
            "templating": {"list": [source]}, "panels": self.panels,
        });
        serde_json::to_string_pretty(&dashboard).expect("is JSON") + "\n"
    }
}

fn subject_of(series: &Series) -> Option<&'static str> {
    let family = series.family();
    let subject = SUBJECTS.iter().find(|(_, names)| names.iter().any(|name| family.starts_with(name)));
    subject.map(|(title, _)| *title)
}

fn stat_panel(n: usize, stat: &Stat) -> Value {
    let colors = if stat.is_red_below { ["red", "green"] } else { ["green", "red"] };
    json!({
        "type": "stat", "title": stat.title, "datasource": datasource(),
        "gridPos": {"x": n * STAT_WIDTH, "y": 0, "w": STAT_WIDTH, "h": STAT_HEIGHT},
        "targets": [target("A", stat.expression, "")],
        "fieldConfig": {"defaults": {"unit": stat.unit, "thresholds": {"mode": "absolute", "steps": [
            {"color": colors[0], "value": null}, {"color": colors[1], "value": stat.red_from}]}}, "overrides": []},
        "options": {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}},
    })
}

fn series_panel(series: &Series, place: &Value) -> Value {
    let unit = match (series.kind, series.unit) {
        (SeriesKind::Counter, "seconds") => "percentunit",
        (_, "seconds") => "s",
        (_, "bytes") => "bytes",
        (SeriesKind::Counter, _) => "ops",
        _ => "short",
    };
    json!({
        "type": "timeseries", "title": series.family(), "description": series.help, "datasource": datasource(),
        "gridPos": place, "targets": targets_of(series),
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
    })
}

/// Rates of counters, half and nearly all of histograms, and gauges as the worst origin has them.
fn targets_of(series: &Series) -> Vec<Value> {
    let sample = series.sample();
    let labels = series.labels.join(", ");
    let legend = series.labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ");
    match series.kind {
        SeriesKind::Counter if labels.is_empty() => {
            vec![target("A", &format!("sum(rate({sample}[$__rate_interval]))"), &legend)]
        }
        SeriesKind::Counter => {
            let expression = format!("sum by ({labels}) (rate({sample}[$__rate_interval])) > 0");
            vec![target("A", &expression, &legend)]
        }
        SeriesKind::Gauge if labels.is_empty() => vec![target("A", &format!("max({sample})"), &legend)],
        SeriesKind::Gauge | SeriesKind::Info => {
            vec![target("A", &format!("max by ({labels}) ({sample})"), &legend)]
        }
        SeriesKind::Histogram => {
            let by = if labels.is_empty() { "le".to_owned() } else { format!("le, {labels}") };
            let quantile = |quantile: &str| {
                format!("histogram_quantile({quantile}, sum by ({by}) (rate({sample}[$__rate_interval])))")
            };
            vec![
                target("A", &quantile("0.5"), &format!("p50 {legend}")),
                target("B", &quantile("0.99"), &format!("p99 {legend}")),
            ]
        }
    }
}

fn target(id: &str, expression: &str, legend: &str) -> Value {
    json!({"refId": id, "expr": expression, "legendFormat": legend.trim(), "datasource": datasource()})
}

fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

#[test]
fn series_has_a_subject() {
    for series in SERIES {
        assert!(subject_of(series).is_some(), "{}", series.family());
    }
}
