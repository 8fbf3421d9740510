//! What the origin says about itself while it runs: its log, and the spans that it exports. Both are
//! made of what the code says by `tracing`, in one place, so that a span has what the log lines have
//! and nothing else.
//!
//! Not here: which facts are reported, which is where they happen; `docs/operate/logs.md` lists the
//! fields.

mod export;
mod fields;
mod log_lines;
mod otlp;
mod own;
mod span;

pub use log_lines::LogLines;
pub use own::is_own;

use crate::ambient::system_time;
use crate::config::TelemetrySettings;
use crate::http::Peer;
use export::{SpanExport, SpanQueue};
use onbill_domain::ids::OperatorId;
use std::sync::{Arc, OnceLock};

/// The log of one process, which begins before the configuration is known.
#[derive(Clone, Default)]
pub struct Telemetry {
    operator: Arc<OnceLock<String>>,
    spans: Arc<OnceLock<Arc<SpanQueue>>>,
}

impl Telemetry {
    /// The layer that writes the lines, and passes spans on once they are exported.
    pub fn log_lines<W>(&self, writer: W) -> LogLines<W> {
        LogLines::new(writer, Arc::clone(&self.operator), Arc::clone(&self.spans), system_time)
    }

    /// From now on every line names the operator.
    pub fn name_operator(&self, operator: &OperatorId) {
        let _ = self.operator.set(operator.to_string());
    }

    /// Begins to export spans, if the settings say where to. The future sends them, and does not end.
    pub fn export_spans(
        &self,
        settings: &TelemetrySettings,
        peer: Arc<dyn Peer>,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let url = settings.traces_url()?;
        let operator = self.operator.get().cloned().unwrap_or_default();
        let (queue, export) = SpanExport::new(url, settings.sample_ratio.share(), operator, peer);
        self.spans.set(queue).ok()?;
        Some(export.run())
    }
}
