//! `cargo xtask call`.

use super::remaining::RemainingArguments;
use crate::failure::Outcome;
use std::path::PathBuf;

/// A request to sign and send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallArguments {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) edge: String,
    pub(crate) keys: Option<PathBuf>,
}

impl RemainingArguments<'_> {
    pub(super) fn take_call(&mut self) -> Outcome<CallArguments> {
        let body = self.take_value("-d")?;
        let edge = self.take_value("--edge")?.unwrap_or_else(|| "http://127.0.0.1:8787".to_owned());
        let keys = self.take_value("--keys")?.map(PathBuf::from);
        if self.rest.len() < 2 {
            return Err(self.usage_error("needs a method and a path, such as GET /ott/v1/transaction/x"));
        }
        let (method, path) = (self.rest.remove(0).to_uppercase(), self.rest.remove(0));
        if !path.starts_with('/') {
            return Err(self.usage_error(&format!("wants a path that begins with /, not {path:?}")));
        }
        Ok(CallArguments { method, path, body, edge, keys })
    }
}
