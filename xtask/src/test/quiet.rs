//! Runs a command whose output is of interest only when it fails.

use std::process::Command;

use crate::child::run_logged;
use crate::failure::{Failure, Outcome};

/// Runs a command and shows its output only when it fails.
pub(super) fn run_quietly(title: &str, command: &mut Command) -> Outcome {
    let log: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    run_logged(title, &format!("test-{}.log", log.trim_end_matches('-')), command)
        .map_err(Failure::with_failed_tests)
}
