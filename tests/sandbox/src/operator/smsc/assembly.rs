//! SMS that come in parts, joined as a phone joins them: by number, reference and count.

use super::check::SubmittedSms;
use std::collections::{BTreeMap, HashMap};

/// Messages with missing parts. With more, a phone would drop some too.
const WAITING_MAX: usize = 10_000;

/// The incomplete messages.
#[derive(Default)]
pub(super) struct SmsAssembly {
    waiting: HashMap<(String, u8, u8), BTreeMap<u8, String>>,
}

impl SmsAssembly {
    /// Adds a part; returns the text that it completes.
    pub(super) fn add(&mut self, message: &SubmittedSms) -> Option<String> {
        let Some(part) = message.part else { return Some(message.text.clone()) };
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.clear();
        }
        let key = (message.to.expose().to_owned(), part.reference, part.count);
        let parts = self.waiting.entry(key.clone()).or_default();
        parts.insert(part.number, message.text.clone());
        if parts.len() < usize::from(part.count) {
            return None;
        }
        self.waiting.remove(&key).map(|parts| parts.into_values().collect())
    }
}
