//! The length of SQLite's write-ahead log, as the latest write has left it.

use super::conditions::ActiveCondition;
use super::watch::AlarmWatch;
use crate::instruments::Alarm;

const MIB: u64 = 1024 * 1024;

/// From this length on, the log is an alarm. A hundred charges a second write as much in about ten minutes (some 70 KiB
/// each), and a backup has mostly ended by then. A log of 18 GiB has kept calls waiting until they failed.
const LOG_BYTES_MAX: u64 = 4 * 1024 * MIB;

impl AlarmWatch {
    /// The log begins again only when no reader needs it. So it grows without end beside a reader that does not end.
    pub(super) fn judge_write_ahead_log(&self) {
        let long = self.store.write_ahead_log_bytes().filter(|bytes| *bytes >= LOG_BYTES_MAX);
        let active = long.map(|bytes| ActiveCondition::new("", format!("{} MiB", bytes / MIB)));
        self.raise_only(
            Alarm::WriteAheadLogLong,
            active.into_iter().collect(),
            "the database is being read for so long that its write-ahead log grows",
        );
    }
}
