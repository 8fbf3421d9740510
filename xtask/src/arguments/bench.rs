//! `cargo xtask bench`.

use super::remaining::RemainingArguments;
use crate::failure::Outcome;

impl RemainingArguments<'_> {
    pub(super) fn take_benchmark(&mut self) -> Outcome<Vec<String>> {
        let mut words = Vec::new();
        while let Some(row) = self.take_value("--row")? {
            words.extend(["--row".to_owned(), row]);
        }
        let flags = ["--quick", "--large", "--profile"].into_iter().filter(|flag| self.take_flag(flag));
        words.extend(flags.map(str::to_owned));
        Ok(words)
    }
}
