//! `cargo xtask release` and `cargo xtask upgrade`.

use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// What to do about a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReleaseAction {
    /// Make it.
    Make,
    /// Make its files on trial, before there is a release.
    Snapshot,
    /// Say what would be made, and what is in the way.
    Check,
    /// Lock the migrations that it ships.
    Prepare,
}

impl RemainingArguments<'_> {
    pub(super) fn take_release(&mut self) -> Outcome<ReleaseAction> {
        let actions = [
            ("--snapshot", ReleaseAction::Snapshot),
            ("--check", ReleaseAction::Check),
            ("--prepare", ReleaseAction::Prepare),
        ];
        let asked: Vec<_> = actions.into_iter().filter(|(flag, _)| self.take_flag(flag)).collect();
        match asked.as_slice() {
            [] => Ok(ReleaseAction::Make),
            [(_, action)] => Ok(*action),
            _ => Err(self.usage_error("takes one of --snapshot, --check and --prepare")),
        }
    }
}
