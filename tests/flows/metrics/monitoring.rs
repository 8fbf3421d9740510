//! What `ops/` has for Prometheus and Grafana, and the table in the docs: all of it follows from the
//! lists of series and alarms, and cannot drift from them. To write the files anew after a change:
//!
//! ```text
//! ONBILL_RECORD=1 cargo test --workspace --test flows -- metrics::monitoring
//! ```

use super::dashboard::Dashboard;
use super::expressions::Expression;
use super::open_metrics::{Page, Sample};
use super::rules::{RuleFile, Rules};
use super::scrape_acme;
use onbill_origin::instruments::{Alarm, SERIES, SeriesKind};
use onbill_test_harness::TestSystem;
use onbill_test_harness::environment::read_variable;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What Prometheus adds to every scrape.
const OWN_SERIES_OF_PROMETHEUS: [&str; 1] = ["up"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository").to_owned()
}

/// Compares a file with what it should be, or writes it.
fn compare_file(path: &str, text: &str) {
    let file = repository().join(path);
    if read_variable("ONBILL_RECORD").is_some() {
        fs::write(&file, text).expect("can be written");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).position(|(found, wanted)| found != wanted);
    assert!(
        found == text,
        "{path} is not what follows from series and alarms, from line {} on. If the change is meant:\n\
         ONBILL_RECORD=1 cargo test --workspace --test flows -- metrics::monitoring",
        differs.map_or(1, |line| line + 1)
    );
}

#[test]
fn rules_follow_from_the_lists() {
    compare_file("ops/prometheus/rules.yml", &Rules::new().to_yaml());
}

#[test]
fn dashboard_follows_from_the_lists() {
    compare_file("ops/grafana/onbill.json", &Dashboard::new().to_json());
}

#[test]
fn alarm_has_one_rule_and_one_heading() {
    let rules = Rules::new();
    let docs = fs::read_to_string(repository().join("docs/operate/alarms.md")).expect("can be read");
    for alarm in Alarm::ALL {
        let anchor = format!("docs/operate/alarms.md#{}", alarm.as_str());
        let of_it = rules.alerts().filter(|alert| alert.runbook.ends_with(&anchor)).count();
        assert_eq!(of_it, 1, "rules of {}", alarm.as_str());
        assert!(docs.contains(&format!("\n### {}\n", alarm.as_str())), "{} has no heading", alarm.as_str());
    }
    for alert in rules.alerts() {
        let (page, anchor) = alert.runbook.split_once('#').expect("leads to a heading");
        let page = fs::read_to_string(repository().join(page)).expect("can be read");
        let headings = page.lines().filter_map(|line| line.strip_prefix("### ").or(line.strip_prefix("## ")));
        let anchors: Vec<String> = headings.map(anchor_of).collect();
        assert!(anchors.iter().any(|found| found == anchor), "{} in {anchors:?}", alert.runbook);
    }
}

/// The anchor that a heading gets.
fn anchor_of(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>()
        .replace(' ', "-")
}

#[tokio::test]
async fn expression_is_about_series_that_are_there() {
    let page = scrape_acme(&TestSystem::start()).await;
    let rules = Rules::new();
    let recorded: BTreeSet<String> = rules.recorded().map(str::to_owned).collect();
    let mut checked = 0;
    for text in rules.expressions().chain(Dashboard::new().expressions()) {
        let expression = Expression::parse(&text).unwrap_or_else(|complaint| panic!("{complaint}: {text}"));
        for selector in expression.selectors() {
            let is_known = recorded.contains(&selector.name)
                || OWN_SERIES_OF_PROMETHEUS.contains(&selector.name.as_str());
            assert!(is_known || has_sample(&page, &selector.name, &selector.equal), "{selector:?} in {text}");
            checked += 1;
        }
    }
    assert!(checked > SERIES.len(), "{checked}");
}

/// Whether a sample of this name has each of these labels with this value.
fn has_sample(page: &Page, name: &str, labels: &[(String, String)]) -> bool {
    let samples = page.families.iter().flat_map(|family| &family.samples);
    samples.filter(|sample| sample.name == name).any(|sample| {
        labels.iter().all(|(label, value)| sample.labels.get(label).is_some_and(|found| found == value))
    })
}

#[tokio::test]
async fn series_is_on_the_page_in_the_docs_and_on_the_dashboard() {
    let page = scrape_acme(&TestSystem::start()).await;
    let shown = Dashboard::new();
    let shown: Vec<String> = shown.expressions().collect();
    let docs = fs::read_to_string(repository().join("docs/operate/metrics.md")).expect("can be read");
    let rows: Vec<Vec<&str>> = docs
        .lines()
        .filter(|line| line.starts_with("| `onbill_") || line.starts_with("| `process_"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), SERIES.len(), "rows in docs/operate/metrics.md");
    assert_eq!(page.families.len(), SERIES.len(), "families on the page");
    for (series, row) in SERIES.iter().zip(&rows) {
        let (family, sample) = (series.family(), series.sample());
        let name = if series.kind == SeriesKind::Histogram { &family } else { &sample };
        let labels = series.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let documented =
            [format!("`{name}`"), series.kind.as_str().to_owned(), labels, series.unit.to_owned()];
        assert_eq!(row[..4], documented, "the row of {name}");
        assert!(row[4].len() > 10, "{name} has no meaning");
        let found = page.family(&family).unwrap_or_else(|| panic!("{family} is not on the page"));
        assert_eq!(
            (found.kind.as_str(), found.unit.as_str()),
            (series.kind.as_str(), series.unit),
            "{family}"
        );
        let wanted: BTreeSet<&str> = series.labels.iter().copied().collect();
        assert!(
            found.samples.iter().all(|sample| label_names(sample) == wanted),
            "{family}: {:?}",
            found.samples
        );
        assert!(!found.samples.is_empty(), "{family} has no value before something happens");
        assert!(shown.iter().any(|expression| expression.contains(&sample)), "{sample} is on no panel");
    }
}

/// The labels of a sample, without the bound of a bucket.
fn label_names(sample: &Sample) -> BTreeSet<&str> {
    sample.labels.keys().map(String::as_str).filter(|label| *label != "le").collect()
}

#[test]
fn rules_have_the_form_of_prometheus() {
    let rules = Rules::new();
    let names: BTreeSet<&str> = rules.alerts().map(|alert| alert.name.as_str()).collect();
    assert_eq!(names.len(), rules.alerts().count(), "an alert is there twice");
    for name in names {
        assert!(name.starts_with("Onbill") && name.chars().all(|c| c.is_ascii_alphanumeric()), "{name}");
    }
    let file = RuleFile(&rules).to_string();
    assert!(file.lines().all(|line| !line.contains('\t')), "YAML has no tabs");
}
