//! The words of a command line that are not parsed yet, and what every verb takes from them.

use super::database::Database;
use crate::failure::{Failure, Outcome};

/// The arguments that are not parsed yet.
pub(super) struct RemainingArguments<'a> {
    pub(super) verb: &'a str,
    pub(super) rest: Vec<String>,
}

impl RemainingArguments<'_> {
    pub(super) fn usage_error(&self, what: &str) -> Failure {
        Failure::new(format!("`cargo xtask {}` {what}; `cargo xtask help` shows what there is", self.verb))
    }

    /// Takes a flag that has no value.
    pub(super) fn take_flag(&mut self, name: &str) -> bool {
        let found = self.rest.iter().position(|word| word == name);
        found.map(|at| self.rest.remove(at)).is_some()
    }

    /// Takes `name VALUE`, if it is there.
    pub(super) fn take_value(&mut self, name: &str) -> Outcome<Option<String>> {
        let Some(at) = self.rest.iter().position(|word| word == name) else { return Ok(None) };
        if at + 1 == self.rest.len() {
            return Err(self.usage_error(&format!("wants a value after {name}")));
        }
        let value = self.rest.remove(at + 1);
        self.rest.remove(at);
        Ok(Some(value))
    }

    pub(super) fn take_required_value(&mut self, name: &str) -> Outcome<String> {
        self.take_value(name)?.ok_or_else(|| self.usage_error(&format!("needs {name}")))
    }

    /// A comma-separated list of ids. They become parts of file names and key ids.
    pub(super) fn take_ids(&mut self, name: &str) -> Outcome<Vec<String>> {
        let list = self.take_required_value(name)?;
        let ids: Vec<String> = list.split(',').map(str::to_owned).collect();
        let well_formed = |id: &String| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let unique = ids.iter().enumerate().all(|(n, id)| !ids[..n].contains(id));
        if unique && ids.iter().all(well_formed) {
            return Ok(ids);
        }
        Err(self.usage_error(&format!("wants different ids of a-z, 0-9 and - after {name}, not {list:?}")))
    }

    /// A whole number after `name`, if it is there.
    pub(super) fn take_number(&mut self, name: &str) -> Outcome<Option<u64>> {
        let Some(text) = self.take_value(name)? else { return Ok(None) };
        let number =
            text.parse().map_err(|_| self.usage_error(&format!("wants a whole number after {name}")))?;
        Ok(Some(number))
    }

    /// Everything after `--`.
    pub(super) fn take_command(&mut self) -> Outcome<Vec<String>> {
        match self.rest.first() {
            Some(word) if word == "--" && self.rest.len() > 1 => Ok(self.rest.drain(..).skip(1).collect()),
            _ => Err(self.usage_error("wants a command after --, such as -- cargo test")),
        }
    }

    pub(super) fn take_database(&mut self) -> Outcome<Option<Database>> {
        match self.take_value("--database")?.as_deref() {
            None => Ok(None),
            Some("sqlite") => Ok(Some(Database::Sqlite)),
            Some("postgres") => Ok(Some(Database::Postgres)),
            Some(_) => Err(self.usage_error("knows the databases sqlite and postgres")),
        }
    }
}
