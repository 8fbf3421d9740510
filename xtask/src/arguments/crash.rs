//! `cargo xtask crash`.

use super::database::Database;
use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// What the crash suite runs on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CrashScope {
    BothDatabases,
    One(Database),
    /// A cluster of Patroni, etcd and `HAProxy`.
    Cluster,
}

impl RemainingArguments<'_> {
    pub(super) fn take_cycles(&mut self) -> Outcome<Option<u32>> {
        let Some(text) = self.take_value("--cycles")? else { return Ok(None) };
        let cycles = text.parse().ok().filter(|cycles| *cycles > 0);
        cycles
            .map(Some)
            .ok_or_else(|| self.usage_error(&format!("wants a number from 1 after --cycles, not {text:?}")))
    }

    pub(super) fn take_crash_scope(&mut self) -> Outcome<CrashScope> {
        let is_cluster = self.take_flag("--cluster");
        Ok(match self.take_database()? {
            _ if is_cluster => CrashScope::Cluster,
            Some(database) => CrashScope::One(database),
            None => CrashScope::BothDatabases,
        })
    }
}
