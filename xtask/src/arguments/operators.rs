//! The arguments of `cargo xtask operators`.

use std::path::PathBuf;

use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// What is done with the files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OperatorsArguments {
    /// They are checked.
    Check { files: Vec<PathBuf>, local: bool },
    /// They are checked and put into the edge's store. What follows `--` is for wrangler.
    Put { files: Vec<PathBuf>, local: bool, wrangler: Vec<String> },
}

impl RemainingArguments<'_> {
    pub(super) fn take_operators(&mut self) -> Outcome<OperatorsArguments> {
        let wrangler = match self.rest.iter().position(|word| word == "--") {
            Some(at) => self.rest.drain(at..).skip(1).collect(),
            None => Vec::new(),
        };
        let local = self.take_flag("--local");
        let mut words = std::mem::take(&mut self.rest).into_iter();
        let what = words.next();
        let files: Vec<PathBuf> = words.map(PathBuf::from).collect();
        if files.is_empty() || files.iter().any(|file| file.as_os_str().as_encoded_bytes().starts_with(b"-"))
        {
            return Err(self.usage_error("wants check or put, and the files of operators' entries"));
        }
        match what.as_deref() {
            Some("check") if wrangler.is_empty() => Ok(OperatorsArguments::Check { files, local }),
            Some("put") => Ok(OperatorsArguments::Put { files, local, wrangler }),
            _ => Err(self.usage_error("wants check or put, and the files of operators' entries")),
        }
    }
}
