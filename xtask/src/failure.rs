//! How a verb fails: one sentence for a person, and the end of a child's log where there is one.
//! No error codes and no chains: whoever reads it is at a terminal.

use std::fmt;
use std::path::{Path, PathBuf};

/// Lines of a log that are worth showing: a compiler error fits, a whole build does not.
const TAIL_LINES: usize = 40;
/// A failing test's output stands far above the list of failures that ends its log.
const LONG_TAIL_LINES: usize = 400;

/// What a verb ends with.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a verb stopped.
#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    log: Option<PathBuf>,
    tail_lines: usize,
}

impl Failure {
    /// One clear sentence, ending without a full stop.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), log: None, tail_lines: TAIL_LINES }
    }

    /// The same with the end of a log under it.
    pub(crate) fn with_log(sentence: impl Into<String>, log: &Path) -> Self {
        Self { sentence: sentence.into(), log: Some(log.to_owned()), tail_lines: TAIL_LINES }
    }

    /// Shows more of the log.
    pub(crate) fn with_long_tail(self) -> Self {
        Self { tail_lines: LONG_TAIL_LINES, ..self }
    }

    /// Ctrl-C or SIGTERM: not a fault of anything.
    pub(crate) fn interrupted() -> Self {
        Self::new("stopped")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(log) = &self.log {
            let text = std::fs::read(log).unwrap_or_default();
            for line in last_lines(&String::from_utf8_lossy(&text), self.tail_lines) {
                writeln!(f, "  | {line}")?;
            }
            writeln!(f, "  | (from {})", log.display())?;
        }
        f.write_str(&self.sentence)
    }
}

/// The last lines, without the drafts that a progress bar overwrote (everything before a carriage return).
fn last_lines(text: &str, lines_max: usize) -> Vec<&str> {
    let mut lines: Vec<&str> = text
        .lines()
        .rev()
        .map(|line| line.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap_or_default())
        .filter(|line| !line.trim().is_empty())
        .take(lines_max)
        .collect();
    lines.reverse();
    lines
}

/// Adds what was being done to an I/O error, which alone names neither file nor purpose.
pub(crate) trait Context<T> {
    /// `what` continues "cannot …".
    fn context(self, what: &str) -> Outcome<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: &str) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("cannot {what}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_short_and_has_no_progress_bars() {
        let text = (0..100).fold(String::new(), |text, n| text + &format!("line {n}\n"))
            + "Building 1/2\rerror: no\n\n";
        let lines = last_lines(&text, TAIL_LINES);
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.last(), Some(&"error: no"));
    }
}
