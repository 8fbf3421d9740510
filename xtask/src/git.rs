//! What xtask asks git: which commit this is, and what another one has.

use std::process::Command;

use crate::child::new_command;
use crate::failure::{Context, Failure, Outcome};

pub(crate) fn git_command() -> Command {
    new_command("git")
}

/// Runs git and returns its output without the white space at its end.
pub(crate) fn ask_git(arguments: &[&str]) -> Outcome<String> {
    let doing = format!("run git {}", arguments.join(" "));
    let answer = git_command().args(arguments).output().context(&doing)?;
    if !answer.status.success() {
        let error = String::from_utf8_lossy(&answer.stderr);
        return Err(Failure::new(format!("cannot {doing}: {}", error.trim())));
    }
    Ok(String::from_utf8_lossy(&answer.stdout).trim_end().to_owned())
}
