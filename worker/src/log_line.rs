//! A line of the log: one flat JSON object, with the fields that `docs/operate/logs.md` lists for
//! edge and origin alike.
//!
//! Not here: what a line says of a call, which is in `handle.rs`. No value is a caller's own text,
//! but for the correlator.

use crate::correlation::Correlation;
use onbill_domain::timestamp::Timestamp;
use serde_json::{Map, Value};

/// The version of this edge.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A line that is being written.
pub(crate) struct LogLine(Map<String, Value>);

impl LogLine {
    /// A line of this time (Unix milliseconds) and level.
    pub(crate) fn new(now: i64, level: &str, message: &str, correlation: Option<&Correlation>) -> Self {
        let mut line = Self(Map::new());
        line.add("time", Timestamp::from_unix_milliseconds(now).to_log_text());
        line.add("level", level);
        line.add("version", VERSION);
        line.add("service", "edge");
        line.add("message", message);
        if let Some(correlation) = correlation {
            line.add("correlator", correlation.correlator.as_str());
            line.add_some("trace_id", correlation.trace_id());
            line.add_some("span_id", correlation.span_id());
        }
        line
    }

    pub(crate) fn add(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// Adds a field that a line may lack.
    pub(crate) fn add_some(&mut self, field: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(field, value);
        }
    }

    pub(crate) fn to_text(&self) -> String {
        // A JSON text has no line feed in it.
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}
