//! The free space of the file systems that the origin writes to.

use super::watch::{AlarmWatch, PATIENCE};
use crate::config::{AlarmSettings, Database};
use crate::instruments::Alarm;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const MIB: u64 = 1024 * 1024;

/// The space of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    total: u64,
    /// What a program without rights of its own may still write.
    free: u64,
}

impl Space {
    fn of(path: &Path) -> std::io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
    }

    /// Whether less is free than there must be: either limit counts.
    fn is_low(self, settings: &AlarmSettings) -> bool {
        let percent = u128::from(settings.disk_free_percent);
        u128::from(self.free) * 100 < u128::from(self.total) * percent
            || self.free < u64::from(settings.disk_free_mib) * MIB
    }
}

impl AlarmWatch {
    /// A file system that does not answer is left out of this round: a network that hangs must not
    /// hold up the other alarms.
    pub(super) async fn look_at_disks(&self) {
        let alarms = &self.instruments.alarms;
        for (subject, folder) in self.folders() {
            match self.find_space(subject, folder).await {
                Some(space) if space.is_low(&self.config.alarms) => {
                    if alarms.raise(Alarm::DiskLow, subject) {
                        let (alarm, free_mib) = (Alarm::DiskLow.as_str(), space.free / MIB);
                        tracing::error!(alarm, subject, free_mib, "a disk has little free space");
                    }
                }
                Some(_) => alarms.clear(Alarm::DiskLow, subject),
                None => tracing::warn!(subject, "the free space of a folder could not be read"),
            }
        }
    }

    /// The space of a folder's file system; `None` when it cannot be had now. One that was asked
    /// before and has not answered is not asked again: each question holds a thread.
    async fn find_space(&self, subject: &'static str, folder: PathBuf) -> Option<Space> {
        let asked = Arc::clone(&self.disks_asked);
        if !lock_mutex(&asked).insert(subject) {
            return None;
        }
        let answer = tokio::task::spawn_blocking(move || {
            let space = Space::of(&folder);
            lock_mutex(&asked).remove(subject);
            space
        });
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?.ok()
    }

    /// The folders of the database, if it is on this machine, and of the billing files.
    fn folders(&self) -> Vec<(&'static str, PathBuf)> {
        let database = match &self.config.database {
            Database::Sqlite(file) => folder_of(file),
            Database::Postgres(_) => None,
        };
        let spool = self.config.files.as_ref().map(|files| files.directory.clone());
        let named = [("database", database), ("spool", spool)];
        named.into_iter().filter_map(|(subject, folder)| Some((subject, folder?))).collect()
    }
}

fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A relative name of one word is in the working folder. An empty one is no file.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_is_low_by_either_limit() {
        let settings = |disk_free_percent, disk_free_mib| AlarmSettings {
            disk_free_percent,
            disk_free_mib,
            ..AlarmSettings::default()
        };
        let space = Space { total: 1_000 * MIB, free: 99 * MIB };
        for (percent, mib, expected) in
            [(10, 0, true), (9, 0, false), (0, 100, true), (0, 99, false), (0, 0, false), (10, 50, true)]
        {
            assert_eq!(space.is_low(&settings(percent, mib)), expected, "{percent} % or {mib} MiB");
        }
    }

    #[test]
    fn free_space_of_a_real_folder_is_found() {
        let space = Space::of(&std::env::temp_dir()).expect("is there");
        assert!(space.total > 0 && space.free <= space.total, "{space:?}");
        assert!(Space::of(Path::new("/no/such/folder")).is_err());
    }

    #[test]
    fn database_in_the_working_folder_has_a_folder() {
        assert_eq!(folder_of(Path::new("acme.sqlite")), Some(PathBuf::from(".")));
        assert_eq!(folder_of(Path::new("/var/lib/acme.sqlite")), Some(PathBuf::from("/var/lib")));
        assert_eq!(folder_of(Path::new("")), None);
    }
}
