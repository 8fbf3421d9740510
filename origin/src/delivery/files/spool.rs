//! The folder that billing and origin share. Each step here is one that a crash can come before or after, and nothing
//! more; what they make together is [`super::write`]'s and [`super::receive`]'s.
//!
//! What stands in the folder is billing's doing as much as ours: nothing in it is followed, waited for, or read without
//! a bound.

use async_trait::async_trait;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Names looked at in one folder: a scan of this many takes tens of milliseconds.
const SCANNED_MAX: usize = 100_000;
/// Names given at once: what is left comes in the next round.
const NAMES_MAX: usize = 1_000;

/// Files are for their owner and its group: they hold numbers.
const FILE_MODE: u32 = 0o640;

onbill_domain::word_enum! {
    /// A folder of the spool; the word is its name.
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
    /// Billing puts its responses into one of them and reads the others.
    fn mode(self) -> u32 {
        if self == Self::In { 0o770 } else { 0o750 }
    }
}

/// What reading came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// All that is in the file.
    Contents(Vec<u8>),
    /// There is no such file.
    Gone,
    /// There is something that is not read; why, in words.
    Odd(&'static str),
}

/// Steps in the folder. A step that has returned is on the disk.
#[async_trait]
pub trait Spool: Send + Sync {
    /// The names in a folder that end so, in no order, as many as one round takes.
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>>;

    /// The contents of a file of at most so many bytes.
    async fn read(&self, folder: Folder, name: &str, bytes_max: u64) -> io::Result<Reading>;

    /// Makes a new file with these contents, for owner and group.
    async fn create(&self, folder: Folder, name: &str, contents: &[u8]) -> io::Result<()>;

    /// Gives a file another name, in this or another folder; what had that name before is gone.
    async fn rename(&self, from: (Folder, &str), to: (Folder, &str)) -> io::Result<()>;

    /// Takes a file away, if it is there.
    async fn remove(&self, folder: Folder, name: &str) -> io::Result<()>;
}

/// A folder on a file system.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Opens a folder; makes it and the folders in it where they are missing.
    pub fn open(root: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(root)?;
        for folder in Folder::ALL {
            let path = root.join(folder.as_str());
            match DirBuilder::new().mode(folder.mode()).create(&path) {
                // The process's mask may have taken the group's rights away.
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

/// A disk, or a network's file system, may take its time: it takes a thread's that answers nobody.
async fn on_a_thread<T: Send + 'static>(
    step: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(step)
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the step was broken off")))
}

#[async_trait]
impl Spool for Directory {
    async fn list_names(&self, folder: Folder, ending: &'static str) -> io::Result<Vec<String>> {
        let folder = self.folder_path(folder);
        on_a_thread(move || {
            let entries = fs::read_dir(folder)?.take(SCANNED_MAX);
            // A name that is not UTF-8 is none that either side gives.
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
    // What is opened may be another thing than what was looked at, so a link is refused again, a pipe does not make us
    // wait, and the opened file itself is looked at once more.
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
