//! The words of the edge's pages in one language, parsed. The texts are in `words/` at the root.

use crate::fault::Fault;
use onbill_domain::words::fill_placeholders;
use std::collections::BTreeMap;

/// One section of a language's file. In a map they are sorted, whatever the order of the file.
pub(crate) struct Words(pub(crate) BTreeMap<String, String>);

impl Words {
    /// Parses a section that [`words_section`](onbill_domain::words_section) compiled in.
    pub(crate) fn parse(section: &str) -> Result<Self, Fault> {
        // From bytes, as all JSON of the edge: the reader of texts would be as much code again.
        serde_json::from_slice(section.as_bytes()).map(Self).map_err(|_| Fault::Asset("a file of words"))
    }

    /// The text of `key`; a test holds that every language has every key.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// The text of `key` with its placeholders filled.
    pub(crate) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill_placeholders(self.text(key), values)
    }
}
