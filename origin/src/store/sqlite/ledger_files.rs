//! The files of an open database: the database itself, its write-ahead log and the log's index.
//!
//! A program that has a file open continues to read and write it after it was moved, deleted
//! or replaced, and what it writes is not found again. So the files are compared with what is at
//! their paths, by device and inode, around each group of writes and before each read. That costs a
//! microsecond for a file; a commit that reaches the disk costs a hundred times that.

use crate::store::error::StoreError;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Read and written by the origin's user only. SQLite gives its other files the same mode.
const MODE: u32 = 0o600;
/// The permissions of the group and of all others: neither needs any.
const OTHERS: u32 = 0o077;

/// The files of a database, as they were when it was opened.
pub(super) struct LedgerFiles {
    files: Vec<(PathBuf, Inode)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
}

impl LedgerFiles {
    /// Notes the files that there are: all three once a connection has begun to write.
    pub(super) fn note(path: &Path) -> Self {
        let files = list_paths(path).into_iter();
        Self { files: files.filter_map(|path| find_inode(&path).map(|inode| (path, inode))).collect() }
    }

    /// Compares the files with what is at their paths now.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match self.files.iter().find(|(path, inode)| find_inode(path) != Some(*inode)) {
            Some((path, _)) => Err(StoreError::FileLost { path: path.display().to_string() }),
            None => Ok(()),
        }
    }

    /// The length of the write-ahead log; 0 without one.
    pub(super) fn log_bytes(&self) -> u64 {
        let is_log = |path: &Path| path.as_os_str().as_encoded_bytes().ends_with(b"-wal");
        let log = self.files.iter().find(|(path, _)| is_log(path));
        log.and_then(|(path, _)| fs::metadata(path).ok()).map_or(0, |log| log.len())
    }
}

/// Makes the empty file of a new database. What is left of another one is not written over: its
/// write-ahead log may have charges that its lost file has not.
pub(super) fn create_file(path: &Path) -> Result<(), StoreError> {
    let [file, leftovers @ ..] = list_paths(path);
    if !file.exists() && leftovers.iter().any(|path| path.exists()) {
        return Err(StoreError::LedgerExists);
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(MODE).open(path).map_err(io_failed)?;
    Ok(())
}

/// The files that others than their owner may read or write, with their modes.
pub fn list_files_open_to_others(path: &Path) -> Vec<(PathBuf, u32)> {
    let mode = |path: PathBuf| {
        let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o7777;
        (mode & OTHERS != 0).then_some((path, mode))
    };
    list_paths(path).into_iter().filter_map(mode).collect()
}

fn list_paths(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = OsString::from(path);
        name.push(end);
        name.into()
    })
}

fn find_inode(path: &Path) -> Option<Inode> {
    let found = fs::metadata(path).ok()?;
    Some(Inode { device: found.dev(), number: found.ino() })
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes it by value")]
fn io_failed(error: io::Error) -> StoreError {
    StoreError::Driver { code: None, message: error.to_string() }
}
