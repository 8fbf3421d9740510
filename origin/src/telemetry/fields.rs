//! The fields of an event or a span, as they are recorded.

use serde_json::Value;
use std::fmt;
use tracing::field::{Field, Visit};

/// Longest text of a field, in bytes. Correlators have 256, reasons and faults some hundred.
const TEXT_BYTES_MAX: usize = 2 * 1024;

/// Names and values in the order in which they were recorded. Each name is there once: a later
/// value takes the place of an earlier one.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The text of a field; empty when there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Fields of a span, as it would have recorded them.
    #[cfg(test)]
    pub(super) fn of(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        Self(fields.into_iter().collect())
    }

    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        let (name, value) = (field.name(), value.into());
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, bound_text(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, bound_text(&format!("{value:?}")));
    }
}

/// The text without what some readers take for the end of a line and JSON does not escape, cut
/// where it is too long.
fn bound_text(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    text[..end].replace(['\u{85}', '\u{2028}', '\u{2029}'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_stays_one_line() {
        assert_eq!(bound_text("a\u{2028}b\u{85}c"), "a b c");
        let long = format!("a{}", "é".repeat(TEXT_BYTES_MAX));
        let cut = bound_text(&long);
        assert!(cut.len() == TEXT_BYTES_MAX - 1 && long.starts_with(&cut), "{}", cut.len());
    }
}
