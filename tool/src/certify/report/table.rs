//! The report for a terminal.

use super::Report;
use crate::certify::check::Outcome;
use std::fmt::Write as _;

impl Report {
    /// The report as a table, with what to mend below it.
    pub fn to_table(&self) -> String {
        let width = self.results.iter().map(|result| result.facts.id.len()).max().unwrap_or_default();
        let mut text = format!("{}: {}\n\n", self.title, self.target);
        for result in &self.results {
            let (id, word) = (result.facts.id, result.outcome.word());
            // Writing to a text does not fail.
            let _ = writeln!(text, "{word:<8} {id:<width$}  {}", result.facts.name);
        }
        for result in &self.results {
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
        let _ = write!(text, "\n{}", self.summary());
        text
    }
}
