//! The error type of xtask: one sentence, and the end of a child's log where there is one. It has no codes and no error
//! chain, as it is only read at a terminal.

use std::fmt;
use std::path::{Path, PathBuf};

/// Lines of a log that are shown: enough for a compiler error, not for a whole build.
const TAIL_LINES: usize = 40;
/// The output of a failing test is far above the list of failures at the end of the log.
const LONG_TAIL_LINES: usize = 400;

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    log: Option<PathBuf>,
    tail_lines: usize,
}

impl Failure {
    /// The sentence has no full stop at its end.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), log: None, tail_lines: TAIL_LINES }
    }

    /// Shows the end of a log above the sentence.
    pub(crate) fn with_log(sentence: impl Into<String>, log: &Path) -> Self {
        Self { sentence: sentence.into(), log: Some(log.to_owned()), tail_lines: TAIL_LINES }
    }

    /// Shows more of the log.
    pub(crate) fn with_long_tail(self) -> Self {
        Self { tail_lines: LONG_TAIL_LINES, ..self }
    }

    /// xtask was stopped by Ctrl-C or SIGTERM.
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

/// Returns the last lines, without what a progress bar overwrote (everything before a carriage return).
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

/// Adds the failed action to an I/O error, which alone names neither the file nor the purpose.
pub(crate) trait Context<T> {
    /// `action` completes the sentence "cannot …".
    fn context(self, action: &str) -> Outcome<T>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, action: &str) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("cannot {action}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_are_few_without_progress_bars() {
        let text = (0..100).fold(String::new(), |text, n| text + &format!("line {n}\n"))
            + "Building 1/2\rerror: no\n\n";
        let lines = last_lines(&text, TAIL_LINES);
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.last(), Some(&"error: no"));
    }
}
