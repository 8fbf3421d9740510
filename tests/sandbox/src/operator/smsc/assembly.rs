//! Texts that come in parts, joined as a phone joins them: by number, reference and count.

use super::check::Submitted;
use std::collections::{BTreeMap, HashMap};

/// Texts of which parts are missing. With more, a phone would forget some too.
const WAITING_MAX: usize = 10_000;

/// What is not whole yet.
#[derive(Default)]
pub(super) struct Assembly {
    waiting: HashMap<(String, u8, u8), BTreeMap<u8, String>>,
}

impl Assembly {
    /// Adds a message; gives the text that is whole by it.
    pub(super) fn add(&mut self, message: &Submitted) -> Option<String> {
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
