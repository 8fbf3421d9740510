//! `cargo xtask test`.

use super::Database;
use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// The tests to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestPart {
    All,
    Rust,
    Browser,
    /// The journeys of the console, on a ledger in PostgreSQL.
    BrowserOnPostgres,
    /// The core journeys in the machine's Firefox, which no other part needs.
    Firefox,
}

impl RemainingArguments<'_> {
    pub(super) fn take_test_part(&mut self) -> Outcome<TestPart> {
        let part = match self.rest.first().map(String::as_str) {
            None => return Ok(TestPart::All),
            Some("rust") => TestPart::Rust,
            Some("browser") => TestPart::Browser,
            Some(_) => return Err(self.usage_error("knows the parts rust and browser")),
        };
        self.rest.remove(0);
        if part != TestPart::Browser {
            return Ok(part);
        }
        let database = self.take_database()?;
        Ok(match (self.take_flag("--firefox"), database) {
            (true, Some(_)) => return Err(self.usage_error("takes --firefox without --database")),
            (true, None) => TestPart::Firefox,
            (false, Some(Database::Postgres)) => TestPart::BrowserOnPostgres,
            (false, Some(Database::Sqlite) | None) => TestPart::Browser,
        })
    }
}
