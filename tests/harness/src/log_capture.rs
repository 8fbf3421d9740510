//! What is logged, captured: by the whole process, or by one thread.

use onbill_origin::telemetry::Telemetry;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tracing::Level;
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// The captured bytes, as they were written.
#[derive(Clone, Default)]
pub struct LogCapture(Arc<Mutex<Vec<u8>>>);

impl LogCapture {
    /// Everything that the process logs from the first call on: what other tests log, and what the
    /// simulated parties log, with all fields; and the origins' own lines beside.
    pub fn capture_process() -> &'static Self {
        static LOG: OnceLock<LogCapture> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let subscriber = tracing_subscriber::fmt()
                .json()
                .with_max_level(Level::TRACE)
                .with_writer(log.clone())
                .finish()
                .with(Telemetry::default().log_lines(log.clone()));
            set_global_default(subscriber).expect("is the only one");
            log
        })
    }

    /// What this thread logs, at this level or a more severe one, until the guard is dropped.
    pub fn capture_thread(level: Level) -> (Self, DefaultGuard) {
        // While a process has one subscriber, `tracing` asks only the thread that reaches a call
        // site first whether to log there. So every thread has one: otherwise a site that another
        // test reaches first would stay silent here.
        Self::capture_process();
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(log.clone())
            .with_ansi(false)
            .finish();
        (log, set_default(subscriber))
    }

    /// The lines that the origins in this thread write, as the program writes them at its usual
    /// level, until the guard is dropped.
    pub fn capture_lines(telemetry: &Telemetry) -> (Self, DefaultGuard) {
        // For the reason given above.
        Self::capture_process();
        let log = Self::default();
        let lines = telemetry.log_lines(log.clone()).with_filter(LevelFilter::INFO);
        (log, set_default(tracing_subscriber::registry().with(lines)))
    }

    /// Copies what was captured so far.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was captured so far, as text.
    pub fn to_text(&self) -> String {
        String::from_utf8(self.to_bytes()).expect("is text")
    }

    /// How often this text was logged so far, such as the name of an alarm.
    pub fn count(&self, text: &str) -> usize {
        self.to_text().matches(text).count()
    }
}

impl io::Write for LogCapture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogCapture {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
