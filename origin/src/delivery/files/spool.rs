//! The folder that billing and origin share. A crash can come before or after each step here, never
//! within one; [`super::write`] and [`super::receive`] compose the steps.
//!
//! Billing writes to the folder as well as the origin does, so nothing in it is trusted: no link is
//! followed, no pipe is waited for, and nothing is read without a bound.

use async_trait::async_trait;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Names scanned in one folder: a scan of this many takes tens of milliseconds.
const SCANNED_MAX: usize = 100_000;
/// Names returned at once: the next round takes the rest.
const NAMES_MAX: usize = 1_000;

/// Files are readable only to their owner and its group, because they hold numbers.
const FILE_MODE: u32 = 0o640;

onbill_domain::word_enum! {
    /// A folder of the spool; the value is its name.
    pub enum Folder {
        /// Files for billing.
        Out = "out",
        /// Responses from billing.
        In = "in",
        /// Responses that were carried out, and the manifests of their files.
        Done = "done",
        /// Responses that were refused, each with a complaint.
        Refused = "refused",
    }
}

impl Folder {
    /// Billing puts its responses into one folder and only reads the others.
    fn mode(self) -> u32 {
        if self == Self::In { 0o770 } else { 0o750 }
    }
}

/// The result of reading a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// The complete contents of the file.
    Contents(Vec<u8>),
    /// There is no such file.
    Gone,
    /// The entry must not be read, for this reason.
    Odd(&'static str),
}

/// Steps in the folder. A step that has returned is on the disk.
#[async_trait]
pub trait Spool: Send + Sync {
    /// Lists the names in a folder with this ending, in no order, and as many as one round takes.
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>>;

    /// Reads a file of at most `bytes_max` bytes.
    async fn read(&self, folder: Folder, name: &str, bytes_max: u64) -> io::Result<Reading>;

    /// Creates a new file with these contents, for owner and group.
    async fn create(&self, folder: Folder, name: &str, contents: &[u8]) -> io::Result<()>;

    /// Renames a file, within its folder or into another. A file that had the new name before is
    /// replaced.
    async fn rename(&self, from: (Folder, &str), to: (Folder, &str)) -> io::Result<()>;

    /// Removes a file, if it exists.
    async fn remove(&self, folder: Folder, name: &str) -> io::Result<()>;
}

/// A folder on a file system.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Opens a folder, and creates it and its subfolders where they are missing.
    pub fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(root)?;
        for folder in Folder::ALL {
            let path = root.join(folder.as_str());
            match DirBuilder::new().mode(folder.mode()).create(&path) {
                // The process's umask may have removed the group's rights.
                Ok(()) => fs::set_permissions(&path, Permissions::from_mode(folder.mode()))?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { root: root.to_owned() })
    }

    fn folder_path(&self, folder: Folder) -> PathBuf {
        self.root.join(folder.as_str())
    }

    fn file_path(&self, folder: Folder, name: &str) -> PathBuf {
        self.folder_path(folder).join(name)
    }
}

/// Runs file access on a blocking thread: a disk or a network file system may be slow, and must not
/// hold up the threads that serve calls.
async fn on_a_thread<T: Send + 'static>(
    step: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(step)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the step was interrupted")))
}

#[async_trait]
impl Spool for Directory {
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>> {
        let folder = self.folder_path(folder);
        on_a_thread(move || {
            let entries = fs::read_dir(folder)?.take(SCANNED_MAX);
            // Neither side gives a name that is not UTF-8.
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Ok(names.filter(|name| name.ends_with(ending)).take(NAMES_MAX).collect())
        })
        .await
    }

    async fn read(&self, folder: Folder, name: &str, bytes_max: u64) -> io::Result<Reading> {
        let path = self.file_path(folder, name);
        on_a_thread(move || read_file(&path, bytes_max)).await
    }

    async fn create(&self, folder: Folder, name: &str, contents: &[u8]) -> io::Result<()> {
        let (path, contents) = (self.file_path(folder, name), contents.to_vec());
        on_a_thread(move || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            file.write_all(&contents)?;
            file.sync_all()
        })
        .await
    }

    async fn rename(&self, from: (Folder, &str), to: (Folder, &str)) -> io::Result<()> {
        let (folders, from, to) = (
            [self.folder_path(to.0), self.folder_path(from.0)],
            self.file_path(from.0, from.1),
            self.file_path(to.0, to.1),
        );
        on_a_thread(move || {
            fs::rename(from, to)?;
            folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())
        })
        .await
    }

    async fn remove(&self, folder: Folder, name: &str) -> io::Result<()> {
        let path = self.file_path(folder, name);
        on_a_thread(move || match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

fn read_file(path: &Path, bytes_max: u64) -> io::Result<Reading> {
    // The entry may be replaced between the check and the opening. So opening refuses a link again
    // and does not block on a pipe, and the opened file itself is checked once more.
    let opened = match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Ok(Reading::Odd("is not a file")),
        Ok(_) => OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path),
        Err(error) => Err(error),
    };
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::Gone),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Ok(Reading::Odd("may not be read"));
        }
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(Reading::Odd("is not a file")),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(Reading::Odd("is not a file"));
    }
    let mut contents = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut contents)?;
    if contents.len() as u64 > bytes_max {
        return Ok(Reading::Odd("is larger than any response can be"));
    }
    Ok(Reading::Contents(contents))
}
