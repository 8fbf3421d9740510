//! A spool whose steps are watched. A network file system that hangs never comes back with an error:
//! billing by files stands still then, and nothing else shows it.
//!
//! A step that hangs is waited for all the same, and no other begins: each would hold a thread.

use super::spool::{Folder, Reading, Spool};
use crate::instruments::{Alarm, Instruments, raise_alarm};
use async_trait::async_trait;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How long a step takes at most where nothing is wrong: a file of ten thousand lines is written, or a
/// folder scanned, in less than a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The alarm `spool-unreachable` is active while a step hangs, and while a folder cannot be listed.
pub struct WatchedSpool {
    spool: Arc<dyn Spool>,
    patience: Duration,
    instruments: Arc<Instruments>,
}

impl WatchedSpool {
    pub(super) fn new(spool: Arc<dyn Spool>, instruments: Arc<Instruments>) -> Self {
        Self::with_patience(spool, PATIENCE, instruments)
    }

    /// One that waits for so long before it is an alarm that a step hangs.
    pub fn with_patience(spool: Arc<dyn Spool>, patience: Duration, instruments: Arc<Instruments>) -> Self {
        Self { spool, patience, instruments }
    }

    async fn watch<T>(&self, step: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
        let mut step = pin!(step);
        loop {
            if let Ok(ended) = tokio::time::timeout(self.patience, &mut step).await {
                return ended;
            }
            // Again and again, so that the alarm stays.
            raise_alarm!(self.instruments.alarms, Alarm::SpoolUnreachable, "", "a step in the spool hangs");
        }
    }
}

#[async_trait]
impl Spool for WatchedSpool {
    /// Each round begins with this: it shows whether the folder is there, and ends the alarm.
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>> {
        let listed = self.watch(self.spool.list_names(folder, ending)).await;
        let (alarms, alarm) = (&self.instruments.alarms, Alarm::SpoolUnreachable);
        match &listed {
            Ok(_) => alarms.clear(alarm, ""),
            Err(error) => {
                raise_alarm!(alarms, alarm, "", fault = %error, "a folder of the spool cannot be listed");
            }
        }
        listed
    }

    async fn read(&self, folder: Folder, name: &str, bytes_max: u64) -> io::Result<Reading> {
        self.watch(self.spool.read(folder, name, bytes_max)).await
    }

    async fn create(&self, folder: Folder, name: &str, contents: &[u8]) -> io::Result<()> {
        self.watch(self.spool.create(folder, name, contents)).await
    }

    async fn rename(&self, from: (Folder, &str), to: (Folder, &str)) -> io::Result<()> {
        self.watch(self.spool.rename(from, to)).await
    }

    async fn remove(&self, folder: Folder, name: &str) -> io::Result<()> {
        self.watch(self.spool.remove(folder, name)).await
    }
}
