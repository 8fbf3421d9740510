//! What the thread of a test logs, for tests of alarms.

use std::io::Write;
use std::sync::{Arc, Mutex};
use tracing::subscriber::DefaultGuard;

/// Captures errors that this thread logs while the guard is alive.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn kept(&self) -> DefaultGuard {
        // Every thread has a subscriber: otherwise `tracing` keeps a call site silent that a thread
        // without one reaches first.
        crate::canary::log();
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR);
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }

    /// How often an alarm was raised.
    pub(crate) fn count(&self, alarm: &str) -> usize {
        let text = String::from_utf8_lossy(&self.0.lock().expect("is whole")).into_owned();
        text.matches(alarm).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("is whole").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
