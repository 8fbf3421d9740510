//! The report of a kit: a table for the terminal, `JUnit` XML for a build server, HTML for people.

mod html;
mod junit;
mod table;

pub(super) use table::{format_head, format_line};

use super::check::{CheckResult, Outcome};

/// What a kit found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which kit.
    pub title: &'static str,
    /// The address that was tested.
    pub target: String,
    /// Every check, in the order in which they ran.
    pub results: Vec<CheckResult>,
}

impl Report {
    /// The ids of the checks that failed.
    pub fn failed_ids(&self) -> Vec<&'static str> {
        let failed = self.results.iter().filter(|result| matches!(result.outcome, Outcome::Failed(_)));
        failed.map(|result| result.facts.id).collect()
    }

    /// The ids of the checks that were not run for want of something, such as a number in the file.
    pub fn skipped_ids(&self) -> Vec<&'static str> {
        let skipped = self.results.iter().filter(|result| matches!(result.outcome, Outcome::Skipped(_)));
        skipped.map(|result| result.facts.id).collect()
    }

    /// The ids of the checks that were not run because another one failed.
    pub fn blocked_ids(&self) -> Vec<&'static str> {
        let blocked = self.results.iter().filter(|result| matches!(result.outcome, Outcome::Blocked(_)));
        blocked.map(|result| result.facts.id).collect()
    }

    /// Whether no check failed.
    pub fn is_passed(&self) -> bool {
        self.failed_ids().is_empty()
    }

    /// How many passed, failed and were skipped, as a sentence. Some are blocked only where others failed.
    pub fn summary(&self) -> String {
        let (failed, skipped) = (self.failed_ids().len(), self.skipped_ids().len());
        let blocked = self.blocked_ids().len();
        let passed = self.results.len() - failed - skipped - blocked;
        let rest = if blocked > 0 { format!(", {blocked} blocked") } else { String::new() };
        format!("{passed} passed, {failed} failed, {skipped} skipped{rest}")
    }
}

/// Escapes a text for XML and HTML. Characters that XML cannot have are replaced.
fn escape_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certify::check::CheckFacts;
    use std::time::Duration;

    static FACTS: [CheckFacts; 4] = [
        CheckFacts { id: "a-1", name: "First", expected: "200", mend: "Nothing." },
        CheckFacts { id: "a-2", name: "Second", expected: "404 & JSON", mend: "Answer <404>." },
        CheckFacts { id: "a-3", name: "Third", expected: "202", mend: "Nothing." },
        CheckFacts { id: "a-4", name: "Fourth", expected: "202", mend: "Nothing." },
    ];

    fn report() -> Report {
        let outcomes = [
            Outcome::Passed,
            Outcome::Failed("200 <html>\u{1}\"x\"</html>".to_owned()),
            Outcome::Skipped("no number".to_owned()),
            Outcome::Blocked("a-2"),
        ];
        let results = FACTS.iter().zip(outcomes).map(|(facts, outcome)| CheckResult {
            facts,
            outcome,
            took: Duration::from_millis(1_500),
        });
        Report { title: "A kit", target: "http://a.example/?x=<y>".to_owned(), results: results.collect() }
    }

    #[test]
    fn every_form_has_each_check_and_what_to_mend() {
        let report = report();
        assert_eq!((report.failed_ids(), report.skipped_ids()), (vec!["a-2"], vec!["a-3"]));
        assert_eq!(report.blocked_ids(), ["a-4"]);
        assert!(!report.is_passed());
        for text in [report.to_table(), report.to_junit(), report.to_html()] {
            for part in ["a-1", "a-2", "a-3", "a-4", "no number", "1 passed, 1 failed, 1 skipped, 1 blocked"]
            {
                assert!(
                    text.contains(part) || part.contains("passed") && text.contains("failures=\"1\""),
                    "{part}: {text}"
                );
            }
        }
        assert!(report.to_table().contains("Answer <404>.\n  not run:  a-4\n"), "{}", report.to_table());
        assert!(report.to_junit().contains("not run: a-2 failed"), "{}", report.to_junit());
    }

    #[test]
    fn what_was_seen_cannot_break_out_of_a_report() {
        for text in [report().to_junit(), report().to_html()] {
            assert!(text.contains("200 &lt;html&gt; &quot;x&quot;&lt;/html&gt;"), "{text}");
            assert!(text.contains("Answer &lt;404&gt;.") && !text.contains("?x=<y>"), "{text}");
        }
    }
}
