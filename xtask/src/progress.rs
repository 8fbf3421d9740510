//! Shows progress: a spinner with the elapsed time on a terminal, plain lines elsewhere (a CI log).

use std::io::{IsTerminal, Write, stderr};

use crate::clock::{Stopwatch, format_duration};

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/// A step that prints nothing for longer looks hung in a CI log.
const HEARTBEAT_SECONDS: u64 = 30;
/// A line that wraps cannot be overwritten; terminals have at least 80 columns.
const LINE_CHARS_MAX: usize = 79;
const REDRAW_MILLISECONDS: u128 = 100;

/// A running step. It ends with `done` or `failed`.
pub(crate) struct Step {
    title: String,
    since: Stopwatch,
    drawn: Stopwatch,
    heartbeats: u64,
}

impl Step {
    pub(crate) fn start(title: &str) -> Self {
        if !is_on_terminal() {
            eprintln!("  … {title}");
        }
        let now = Stopwatch::start();
        Self { title: title.to_owned(), since: now, drawn: now, heartbeats: 0 }
    }

    /// Called often while the step runs; `detail` is computed only when something is drawn.
    pub(crate) fn tick(&mut self, detail: impl Fn() -> String) {
        let elapsed = self.since.elapsed();
        if is_on_terminal() {
            if self.drawn.elapsed().as_millis() < REDRAW_MILLISECONDS {
                return;
            }
            self.drawn = Stopwatch::start();
            let turn = usize::try_from(elapsed.as_millis() / REDRAW_MILLISECONDS).unwrap_or(0);
            let frame = FRAMES[turn % FRAMES.len()];
            let (line, detail) =
                fit_line(&format!("{frame} {} {}", self.title, format_duration(elapsed)), &detail());
            eprint!("\r\x1b[2K{line}  \x1b[2m{detail}\x1b[0m");
            // A closed terminal is no reason to stop.
            let _ = stderr().flush();
        } else if elapsed.as_secs() / HEARTBEAT_SECONDS > self.heartbeats {
            self.heartbeats = elapsed.as_secs() / HEARTBEAT_SECONDS;
            eprintln!("  … {} ({}) {}", self.title, format_duration(elapsed), detail());
        }
    }

    pub(crate) fn done(self) {
        self.print_end('✓');
    }

    pub(crate) fn failed(self) {
        self.print_end('✗');
    }

    fn print_end(self, mark: char) {
        let clear = if is_on_terminal() { "\r\x1b[2K" } else { "" };
        let indent = if is_on_terminal() { "" } else { "  " };
        eprintln!("{clear}{indent}{mark} {} ({})", self.title, format_duration(self.since.elapsed()));
    }
}

/// Cuts a line and its detail to the width of a terminal. A warning of npm is no detail: half of one looks like an error.
fn fit_line(line: &str, detail: &str) -> (String, String) {
    let line: String = line.chars().take(LINE_CHARS_MAX).collect();
    let room = LINE_CHARS_MAX.saturating_sub(line.chars().count() + 2);
    let detail = if detail.starts_with("npm warn") { "" } else { detail };
    (line, detail.chars().take(room).collect())
}

pub(crate) fn is_on_terminal() -> bool {
    stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_fits_on_any_terminal() {
        for (title, detail) in
            [("building", "Compiling x v1"), (&"t".repeat(200), "x"), ("é", &"ü".repeat(200))]
        {
            let (line, detail) = fit_line(title, detail);
            assert!(line.chars().count() + 2 + detail.chars().count() <= 81, "{line}  {detail}");
        }
        assert_eq!(fit_line("npm", "npm warn EBADENGINE }").1, "");
    }
}
