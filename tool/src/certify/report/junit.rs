//! The report as `JUnit` XML, in the form that build servers read: a suite with a case for each check.

use super::{Report, escape_markup};
use crate::certify::check::Outcome;
use std::fmt::Write as _;

impl Report {
    /// The report as `JUnit` XML.
    pub fn to_junit(&self) -> String {
        let failed = self.failed_ids().len();
        let skipped = self.skipped_ids().len() + self.blocked_ids().len();
        let took: f32 = self.results.iter().map(|result| result.took.as_secs_f32()).sum();
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        // Writing to a text does not fail.
        let _ = writeln!(
            xml,
            "<testsuite name=\"{}\" hostname=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{took:.3}\">",
            escape_markup(self.title),
            escape_markup(&self.target),
            self.results.len(),
        );
        for result in &self.results {
            let facts = result.facts;
            let _ = write!(
                xml,
                "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
                escape_markup(facts.id),
                escape_markup(facts.name),
                result.took.as_secs_f32(),
            );
            let _ = match &result.outcome {
                Outcome::Passed => writeln!(xml, "/>"),
                why @ (Outcome::Skipped(_) | Outcome::Blocked(_)) => {
                    writeln!(
                        xml,
                        ">\n    <skipped message=\"{}\"/>\n  </testcase>",
                        escape_markup(&why.detail())
                    )
                }
                Outcome::Failed(seen) => writeln!(
                    xml,
                    ">\n    <failure message=\"{}\">expected: {}\nto mend: {}</failure>\n  </testcase>",
                    escape_markup(seen),
                    escape_markup(facts.expected),
                    escape_markup(facts.mend),
                ),
            };
        }
        xml.push_str("</testsuite>\n");
        xml
    }
}
