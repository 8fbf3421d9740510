//! The lines of the log: one flat JSON object for each event, with its own fields and those of the
//! spans that it happened in. A line is one line, and at most 16 KiB long, whatever its values are.

use super::export::SpanQueue;
use super::fields::Fields;
use super::own::{VERSION, is_own};
use super::span::FinishedSpan;
use crate::ambient::since_epoch;
use onbill_domain::timestamp::Timestamp;
use serde_json::Value;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Longest line, in bytes: what collectors take without cutting it (Docker's and journald's own
/// limits are 16 and 48 KiB).
const LINE_BYTES_MAX: usize = 16 * 1024;
/// What most lines take, in bytes, and how many fields they have.
const LINE_BYTES_USUAL: usize = 1024;
const NAMES_USUAL: usize = 32;
/// Says that a line lacks fields, because they would have made it too long.
const CUT: &[u8] = b",\"cut\":true";
/// Fields of a span that only its export has.
const ONLY_EXPORTED: [&str; 2] = ["parent_span_id", "sampled"];

/// The layer that writes the lines, and passes finished spans on.
pub struct LogLines<W> {
    writer: W,
    operator: Arc<OnceLock<String>>,
    spans: Arc<OnceLock<Arc<SpanQueue>>>,
    now: fn() -> SystemTime,
}

/// What is kept of a span while it is open.
struct OpenSpan {
    fields: Fields,
    began_at: SystemTime,
}

impl<W> LogLines<W> {
    pub(super) fn new(
        writer: W,
        operator: Arc<OnceLock<String>>,
        spans: Arc<OnceLock<Arc<SpanQueue>>>,
        now: fn() -> SystemTime,
    ) -> Self {
        Self { writer, operator, spans, now }
    }
}

impl<S, W> Layer<S> for LogLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|_| is_own(attributes.metadata())) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(OpenSpan { fields, began_at: (self.now)() });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<OpenSpan>() {
            values.record(&mut open.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Line::begin((self.now)(), *event.metadata().level());
        if let Some(operator) = self.operator.get() {
            line.add("operator", &operator.as_str().into());
        }
        line.add("message", fields.get("message").unwrap_or(&Value::Null));
        if is_own(event.metadata()) {
            line.add_all(&fields);
        } else {
            line.add("target", &event.metadata().target().into());
        }
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(open) = span.extensions().get::<OpenSpan>() {
                line.add_all(&open.fields);
            }
        }
        // A log that cannot be written, as on a full disk, must not end the call in the middle of
        // its charge. Nor could it be reported anywhere else.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(&line.end());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some((queue, span)) = self.spans.get().zip(context.span(&id)) else { return };
        if let Some(OpenSpan { fields, began_at }) = span.extensions_mut().remove::<OpenSpan>() {
            queue.put(FinishedSpan { name: span.name(), fields, began_at, ended_at: (self.now)() });
        }
    }
}

/// A line that is being written.
struct Line {
    text: Vec<u8>,
    names: Vec<&'static str>,
    is_cut: bool,
}

impl Line {
    fn begin(now: SystemTime, level: Level) -> Self {
        let (mut text, names) = (Vec::with_capacity(LINE_BYTES_USUAL), Vec::with_capacity(NAMES_USUAL));
        text.push(b'{');
        let mut line = Self { text, names, is_cut: false };
        let nanoseconds = i64::try_from(since_epoch(now).as_nanos()).unwrap_or(i64::MAX);
        line.add("time", &Timestamp::from_unix_nanoseconds(nanoseconds).to_log_text().into());
        line.add("level", &level_word(level).into());
        line.add("version", &VERSION.into());
        line.add("service", &"origin".into());
        line
    }

    /// Adds a field, unless an inner span or the event itself has given it another value.
    fn add(&mut self, name: &'static str, value: &Value) {
        if ONLY_EXPORTED.contains(&name) || self.names.contains(&name) {
            return;
        }
        self.names.push(name);
        let before = self.text.len();
        if before > 1 {
            self.text.push(b',');
        }
        // The names are identifiers of this program, and need no escaping.
        let _ = write!(self.text, "\"{name}\":");
        let written = serde_json::to_writer(&mut self.text, value);
        let is_too_long = self.text.len() > LINE_BYTES_MAX - CUT.len() - "}\n".len();
        if written.is_err() || is_too_long {
            self.text.truncate(before);
        }
        self.is_cut |= is_too_long;
    }

    fn add_all(&mut self, fields: &Fields) {
        for (name, value) in fields.iter() {
            self.add(name, value);
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.is_cut {
            self.text.extend(CUT);
        }
        self.text.extend(b"}\n");
        self.text
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Mutex;
    use std::time::{Duration, UNIX_EPOCH};
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("is not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that is full.
    struct Full;

    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn at() -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_795_000_000_007)
    }

    /// The lines of what `work` logs, each of them parsed.
    fn log_of(work: impl FnOnce()) -> Vec<Value> {
        let lines = Lines::default();
        let written = lines.clone();
        let layer = LogLines::new(move || written.clone(), Arc::default(), Arc::default(), at);
        with_default(registry().with(layer), work);
        let text = lines.0.lock().expect("is not poisoned").clone();
        let text = String::from_utf8(text).expect("is text");
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    }

    #[test]
    fn line_has_the_fields_of_its_spans_without_nesting() {
        let lines = log_of(|| {
            let outer = tracing::info_span!(
                "call",
                correlator = "c-1",
                route = "/a",
                parent_span_id = "b7ad6b7169203331",
                sampled = true,
                partner = tracing::field::Empty
            );
            let _outer = outer.enter();
            outer.record("partner", "netflix");
            let inner = tracing::info_span!("send", receiver = "billing", route = "/b");
            let _inner = inner.enter();
            tracing::warn!(attempt = 2_u32, ok = false, ratio = 0.5, status = None::<u16>, "logged");
        });
        let expected = serde_json::json!({
            "time": "2026-11-18T11:06:40.007Z", "level": "warn", "version": VERSION, "service": "origin",
            "message": "logged", "attempt": 2, "ok": false, "ratio": 0.5, "receiver": "billing", "route": "/b",
            "correlator": "c-1", "partner": "netflix",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn value_can_neither_split_a_line_nor_make_it_too_long() {
        let evil = "a\",\"alarm\":\"x\"}\n{\"level\":\"error\"}\r\n\u{2028}\u{0}";
        let lines = log_of(|| tracing::info!(reason = evil, "{evil}"));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].get("alarm").is_none() && lines[0]["level"] == "info", "{}", lines[0]);
        // A control character takes six bytes in JSON.
        let long = "\u{1}".repeat(100_000);
        let long = long.as_str();
        let lines = log_of(|| tracing::info!(a = long, b = long, c = 1, "long"));
        assert_eq!((lines.len(), &lines[0]["cut"], &lines[0]["c"]), (1, &Value::Bool(true), &1.into()));
        assert!(lines[0].to_string().len() < LINE_BYTES_MAX);
    }

    #[test]
    fn library_is_quoted_by_its_message_only() {
        let lines = log_of(|| {
            let span = tracing::info_span!(target: "hyper", "connection", url = "http://a/?msisdn=1");
            let _entered = span.enter();
            tracing::error!(target: "hyper::client", url = "http://a/?msisdn=1", "closed");
        });
        assert_eq!((&lines[0]["target"], &lines[0]["message"]), (&"hyper::client".into(), &"closed".into()));
        assert!(lines[0].get("url").is_none());
    }

    #[test]
    fn log_that_cannot_be_written_ends_nothing() {
        let layer = LogLines::new(|| Full, Arc::default(), Arc::default(), at);
        with_default(registry().with(layer), || tracing::error!("logged"));
    }
}
