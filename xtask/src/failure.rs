//! The error type of xtask: one sentence, and the end of a child's log where there is one. It has no codes and no error
//! chain, as it is only read at a terminal.

use std::fmt;
use std::path::{Path, PathBuf};

/// Lines of a log that are shown: enough for a compiler error, not for a whole build.
const TAIL_LINES: usize = 40;
/// Where no test of the log says that it failed: a program that ended by itself, or tests that do not compile.
const LONG_TAIL_LINES: usize = 400;
/// Lines of what a failed test printed: enough for its claim and its backtrace, so that a hundred failures fit a log.
const FAILED_TEST_LINES: usize = 60;

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

#[derive(Debug)]
pub(crate) struct Failure {
    sentence: String,
    log: Option<PathBuf>,
    excerpt: Excerpt,
}

/// What is shown of a log.
#[derive(Debug, Clone, Copy)]
enum Excerpt {
    Tail,
    FailedTests,
}

impl Failure {
    /// The sentence has no full stop at its end.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), log: None, excerpt: Excerpt::Tail }
    }

    /// Shows the end of a log above the sentence.
    pub(crate) fn with_log(sentence: impl Into<String>, log: &Path) -> Self {
        Self { sentence: sentence.into(), log: Some(log.to_owned()), excerpt: Excerpt::Tail }
    }

    /// Shows of the log what the failed tests printed, which may be far above its end.
    pub(crate) fn with_failed_tests(self) -> Self {
        Self { excerpt: Excerpt::FailedTests, ..self }
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
            let text = String::from_utf8_lossy(&text);
            let lines = match self.excerpt {
                Excerpt::Tail => last_lines(&text, TAIL_LINES),
                Excerpt::FailedTests => failed_tests(&text),
            };
            for line in lines {
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

/// Returns the beginning of what each failed test printed, by the headings of Rust's test programs; or the end of the log.
fn failed_tests(text: &str) -> Vec<&str> {
    let mut shown = Vec::new();
    let mut left = 0;
    for line in text.lines() {
        if line.starts_with("---- ") {
            left = FAILED_TEST_LINES;
        } else if line == "failures:" {
            left = 0;
        }
        if left > 0 && !line.trim().is_empty() {
            shown.push(line);
            left -= 1;
        }
    }
    if shown.is_empty() { last_lines(text, LONG_TAIL_LINES) } else { shown }
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

    #[test]
    fn failed_tests_are_shown_without_what_passed() {
        let passed = "test a ... ok\n".repeat(1000);
        let failure =
            |name: &str, lines: usize| format!("---- {name} stdout ----\n{}\n", "left: 1\n".repeat(lines));
        let text = format!(
            "{passed}failures:\n\n{}{}\nfailures:\n    b\n    c\n\ntest result: FAILED\n{passed}",
            failure("b", 3),
            failure("c", 1000)
        );
        let lines = failed_tests(&text);
        assert_eq!(lines.len(), 4 + FAILED_TEST_LINES);
        assert_eq!((lines[0], lines[4]), ("---- b stdout ----", "---- c stdout ----"));
        assert_eq!(failed_tests("error: does not compile\n"), ["error: does not compile"]);
    }
}
