//! The report for a terminal.

use super::Report;
use crate::certify::check::{CheckResult, Outcome};
use std::fmt::Write as _;

impl Report {
    /// The report as a table, with what to mend below it.
    pub fn to_table(&self) -> String {
        let lines: String = self.results.iter().map(|result| format_line(result) + "\n").collect();
        format!("{}\n{lines}\n{}", format_head(self.title, &self.target), self.details())
    }

    /// What stands below the lines of a table: what to mend, and the summary.
    pub fn details(&self) -> String {
        let mut text = String::new();
        for result in &self.results {
            let facts = result.facts;
            // Writing to a text does not fail.
            let _ = match &result.outcome {
                Outcome::Passed | Outcome::Blocked(_) => Ok(()),
                Outcome::Failed(seen) => write!(
                    text,
                    "{}\n  expected: {}\n  seen:     {seen}\n  to mend:  {}\n",
                    facts.id, facts.expected, facts.mend
                )
                .and_then(|()| write_blocked(&mut text, self, facts.id))
                .and_then(|()| writeln!(text)),
                Outcome::Skipped(why) => write!(text, "{}\n  skipped:  {why}\n\n", facts.id),
            };
        }
        text + &self.summary()
    }
}

/// The first line of the report, and an empty one.
pub(in crate::certify) fn format_head(title: &str, target: &str) -> String {
    format!("{title}: {target}\n")
}

/// The line of a check.
pub(in crate::certify) fn format_line(result: &CheckResult) -> String {
    format!("{:<8} {:<ID_WIDTH$}  {}", result.outcome.word(), result.facts.id, result.facts.name)
}

/// The ids of the checks are no longer than this.
const ID_WIDTH: usize = 36;

/// How many of the checks that were not run are named.
const NAMED_MAX: usize = 4;

/// What could not be run because this check failed.
fn write_blocked(text: &mut String, report: &Report, cause: &str) -> std::fmt::Result {
    let is_blocked = |result: &&CheckResult| matches!(result.outcome, Outcome::Blocked(id) if id == cause);
    let blocked: Vec<&str> = report.results.iter().filter(is_blocked).map(|result| result.facts.id).collect();
    let Some(more) = blocked.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) else {
        return if blocked.is_empty() {
            Ok(())
        } else {
            writeln!(text, "  not run:  {}", blocked.join(", "))
        };
    };
    let named = blocked[..NAMED_MAX].join(", ");
    writeln!(text, "  not run:  {named} and {more} more")
}
