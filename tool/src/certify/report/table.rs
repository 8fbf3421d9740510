//! The report for a terminal.

use super::Report;
use crate::certify::check::Outcome;
use std::fmt::Write as _;

pub(super) fn write(report: &Report) -> String {
    let width = report.results.iter().map(|result| result.facts.id.len()).max().unwrap_or_default();
    let mut text = format!("{}: {}\n\n", report.title, report.target);
    for result in &report.results {
        let (id, word) = (result.facts.id, result.outcome.word());
        // Writing to a text does not fail.
        let _ = writeln!(text, "{word:<8} {id:<width$}  {}", result.facts.name);
    }
    for result in &report.results {
        match &result.outcome {
            Outcome::Passed => {}
            Outcome::Failed(seen) => {
                let facts = result.facts;
                let _ = write!(
                    text,
                    "\n{}\n  expected: {}\n  seen:     {seen}\n  to mend:  {}\n",
                    facts.id, facts.expected, facts.mend
                );
            }
            Outcome::Skipped(why) => {
                let _ = write!(text, "\n{}\n  skipped:  {why}\n", result.facts.id);
            }
        }
    }
    let _ = write!(text, "\n{}", report.summary());
    text
}
