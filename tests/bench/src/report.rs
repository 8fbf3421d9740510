//! The table of a run: on the terminal, and in docs/benchmarks.md between two markers. What is written around them by
//! hand stays.

use crate::measure::series::{median, range, ratios};
use crate::measure::{Series, Unit};
use crate::rows::{Goal, Line};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- measured: begin (written by `cargo xtask bench`) -->";
const END: &str = "<!-- measured: end -->";

const HEADINGS: [&str; 10] =
    ["row", "onbill", "CPU µs", "p50, p99 ms", "yardstick", "its rate", "CPU µs", "ratio", "by CPU", "goal"];

/// The lines of the rows that could be measured, and why the others could not.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) lines: Vec<Line>,
    pub(crate) failures: Vec<String>,
}

impl Report {
    /// The tables as Markdown. What has a budget for each call has a table of its own: those are many lines, and are
    /// read for another purpose.
    pub(crate) fn format_tables(&self) -> String {
        let (budgeted, compared): (Vec<&Line>, Vec<&Line>) =
            self.lines.iter().partition(|line| has_budget(line));
        let tables = [compared, budgeted].into_iter().filter(|lines| !lines.is_empty());
        let mut parts: Vec<String> = tables.map(|lines| format_table(&lines)).collect();
        parts.extend(self.failures.iter().map(|failure| format!("Not measured: {failure}")));
        parts.join("\n\n") + "\n"
    }

    /// Puts a text and the tables between the markers of the document.
    pub(crate) fn write_document(&self, document: &Path, facts: &str) -> Result<()> {
        let doing = || format!("write {}", document.display());
        let text = fs::read_to_string(document).with_context(doing)?;
        let (before, rest) = text.split_once(BEGIN).with_context(|| format!("no {BEGIN} to write after"))?;
        let (_, after) = rest.split_once(END).with_context(|| format!("no {END} to write before"))?;
        let measured = format!("{facts}\n{}", self.format_tables());
        fs::write(document, format!("{before}{BEGIN}\n{measured}\n{END}{after}")).with_context(doing)
    }
}

fn has_budget(line: &Line) -> bool {
    line.goals.iter().any(|goal| matches!(goal, Goal::EachAtMost(_)))
}

/// One table, with its columns aligned so that it can be read as it is. A column in which no line has anything is left
/// out.
fn format_table(lines: &[&Line]) -> String {
    let cells: Vec<[String; 10]> = lines.iter().map(|line| format_line(line)).collect();
    let is_used = |column: &usize| cells.iter().any(|row| !row[*column].is_empty());
    let columns: Vec<usize> = (0..HEADINGS.len()).filter(is_used).collect();
    let rows: Vec<[&str; 10]> =
        [HEADINGS].into_iter().chain(cells.iter().map(|row| row.each_ref().map(String::as_str))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let format_row = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = columns.iter().map(|column| cell(*column)).collect();
        format!("| {} |", cells.join(" | "))
    };
    let pad = |row: &[&str; 10]| format_row(&|column| format!("{:<1$}", row[column], width(column)));
    let mut lines: Vec<String> = rows.iter().map(pad).collect();
    lines.insert(1, format_row(&|column| "-".repeat(width(column))));
    lines.join("\n")
}

fn format_line(line: &Line) -> [String; 10] {
    let Line { title, subject, yardstick, goals } = line;
    let (ratio, by_cpu) = yardstick.as_ref().map_or_else(Default::default, |(_, yardstick)| {
        (format_ratios(&subject_ratios(subject, yardstick)), format_ratios(&cpu_ratios(subject, yardstick)))
    });
    let (yardstick_title, yardstick) = yardstick.clone().unzip();
    let latency = |percent| subject.latencies.percentile(percent).map(format_number);
    [
        title.clone(),
        format_value(subject),
        format_cpu(subject),
        latency(50).zip(latency(99)).map_or_else(String::new, |(half, most)| format!("{half}, {most}")),
        yardstick_title.unwrap_or_default(),
        yardstick.as_ref().map_or_else(String::new, format_value),
        yardstick.as_ref().map_or_else(String::new, format_cpu),
        ratio,
        by_cpu,
        format_goals(line, goals),
    ]
}

fn subject_ratios(subject: &Series, yardstick: &Series) -> Vec<f64> {
    ratios(&subject.values, &yardstick.values)
}

/// In the direction of the other ratio: above one is better where more is better.
fn cpu_ratios(subject: &Series, yardstick: &Series) -> Vec<f64> {
    let (one, other) = (&subject.cpu_micros, &yardstick.cpu_micros);
    if subject.unit == Unit::PerSecond { ratios(other, one) } else { ratios(one, other) }
}

/// The median, with the least and the most where there is more than one.
fn format_ratios(values: &[f64]) -> String {
    let (least, most) = range(values);
    match values.len() {
        0 => String::new(),
        1 => format!("{:.2}", median(values)),
        _ => format!("{:.2} ({least:.2} to {most:.2})", median(values)),
    }
}

fn format_value(series: &Series) -> String {
    let (least, most) = range(&series.values);
    let value = format!("{} {}", format_number(series.median()), series.unit.as_str());
    let value = match series.values.len() {
        0 | 1 => value,
        _ => format!("{value} ({} to {})", format_number(least), format_number(most)),
    };
    if series.errors > 0 { format!("{value}, {} errors", series.errors) } else { value }
}

fn format_cpu(series: &Series) -> String {
    if series.cpu_micros.is_empty() { String::new() } else { format_number(median(&series.cpu_micros)) }
}

/// Three digits or more: 986, 98.6, 9.86.
fn format_number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The goals of a line, and whether each was met. Nothing is met by a side with errors.
fn format_goals(line: &Line, goals: &[Goal]) -> String {
    let errors = line.subject.errors + line.yardstick.as_ref().map_or(0, |(_, yardstick)| yardstick.errors);
    let formatted = goals.iter().map(|goal| {
        let text = match goal {
            Goal::RatioAtLeast(ratio) => format!("≥ {ratio}"),
            Goal::RatioAtMost(ratio) => format!("≤ {ratio}"),
            Goal::ValueAtLeast(value) => format!("≥ {value} {}", line.subject.unit.as_str()),
            Goal::ValueAtMost(value) => format!("≤ {value} {}", line.subject.unit.as_str()),
            Goal::EachAtMost(value) => format!("each ≤ {value} {}", line.subject.unit.as_str()),
            Goal::CpuMicrosAtMost(micros) => format!("≤ {micros} µs CPU"),
        };
        let outcome = match (errors, is_met(line, *goal)) {
            (0, true) => "met",
            (0, false) => "not met",
            _ => "does not count",
        };
        format!("{text}: {outcome}")
    });
    formatted.collect::<Vec<_>>().join("; ")
}

fn is_met(line: &Line, goal: Goal) -> bool {
    let ratio = || {
        let (_, yardstick) = line.yardstick.as_ref()?;
        Some(median(&subject_ratios(&line.subject, yardstick)))
    };
    match goal {
        Goal::RatioAtLeast(least) => ratio().is_some_and(|ratio| ratio >= least),
        Goal::RatioAtMost(most) => ratio().is_some_and(|ratio| ratio <= most),
        Goal::ValueAtLeast(least) => line.subject.median() >= least,
        Goal::ValueAtMost(most) => line.subject.median() <= most,
        Goal::EachAtMost(most) => line.subject.values.iter().all(|value| *value <= most),
        Goal::CpuMicrosAtMost(most) => median(&line.subject.cpu_micros) <= most,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(errors: u64) -> Line {
        let mut subject = Series::of(Unit::PerSecond, 3000.0);
        subject.cpu_micros.push(250.0);
        subject.errors = errors;
        let mut yardstick = Series::of(Unit::PerSecond, 2000.0);
        yardstick.cpu_micros.push(500.0);
        let goals = [Goal::RatioAtLeast(1.5), Goal::CpuMicrosAtMost(100.0)];
        Line::new("charge", subject, Some(("bare", yardstick)), &goals)
    }

    #[test]
    fn table_has_both_ratios_and_each_goal() {
        let table = Report { lines: vec![line(0)], failures: Vec::new() }.format_tables();
        let row = table.lines().nth(2).expect("is there");
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[1..4], ["charge", "3000 /s", "250"]);
        assert_eq!(cells[7..10], ["1.50", "2.00", "≥ 1.5: met; ≤ 100 µs CPU: not met"]);
    }

    #[test]
    fn lines_with_a_budget_have_a_table_of_their_own() {
        let page = Series::of(Unit::Milliseconds, 2.0);
        let budgeted = Line::new("page", page, None, &[Goal::EachAtMost(300.0)]);
        let tables = Report { lines: vec![budgeted, line(0)], failures: Vec::new() }.format_tables();
        let (compared, budgeted) = tables.split_once("\n\n").expect("are two");
        assert_eq!((compared.lines().count(), budgeted.lines().count()), (3, 3));
        assert!(
            compared.contains("| charge ") && budgeted.starts_with("| row  | onbill  | goal "),
            "{tables}"
        );
    }

    #[test]
    fn side_with_errors_does_not_count() {
        let table = Report { lines: vec![line(1)], failures: vec!["why".to_owned()] }.format_tables();
        assert!(table.contains("3000 /s, 1 errors") && table.contains("≥ 1.5: does not count"), "{table}");
        assert!(table.ends_with("\nNot measured: why\n"));
    }
}
