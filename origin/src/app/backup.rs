//! A backup of the ledger: a copy of the database file, taken while the origin serves from it.

use super::ledger_identity::ledger_facts;
use crate::config::{Config, Database};
use crate::keys::Vault;
use crate::store::{SchemaVersion, Store};
use onbill_domain::timestamp::Timestamp;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Why a database on a server is not copied here: its own tools copy it, and know what they copy.
const SERVER_COPIES: &str = "the database is on a PostgreSQL server, which is backed up by its own tools: pg_basebackup with archived WAL, \
     or pg_dump (docs/operate/backup-restore.md)";

/// How the name of a backup in a folder ends.
const BACKUP_ENDING: &str = ".sqlite";
/// What follows that while the copy is made.
const UNFINISHED_ENDING: &str = ".unfinished";
/// Length of `2026-11-29T080000Z`, the moment in such a name.
const MOMENT_BYTES: usize = 18;

/// Copies the database into `file`, which must not exist. The error says what to correct.
///
/// The copy is made beside `file` and gets its name last: whatever stops this, a file of that name
/// is a whole copy. It is 0600, on the disk, passed by `integrity_check`, and of the ledger that the
/// configuration and its keys belong to. Returns its length in bytes.
pub async fn back_up(config: &Config, vault: &Vault, file: &Path, now: Timestamp) -> Result<u64, String> {
    let source = match &config.database {
        Database::Sqlite(path) => path.clone(),
        Database::Postgres(_) => return Err(SERVER_COPIES.to_owned()),
    };
    if !source.is_file() {
        return Err(format!("{} is not there", source.display()));
    }
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{} is there already: name another file", file.display()),
        _ => format!("{} cannot be written: {error}", file.display()),
    };
    if file.try_exists().map_err(failed)? {
        return Err(failed(ErrorKind::AlreadyExists.into()));
    }
    let unfinished = Unfinished::create(file).map_err(failed)?;
    let (to, facts) = (unfinished.path.clone(), ledger_facts(config, vault));
    let copied = tokio::task::spawn_blocking(move || Store::copy_sqlite(&source, &to, now, &facts)).await;
    copied
        .map_err(|error| format!("the copy was not made: {error}"))?
        .map_err(|error| format!("the database cannot be copied: {error}"))?;
    let bytes = sync_and_name(&unfinished.path, file).map_err(failed)?;
    // As a restore would find it, from the disk and for reading only.
    match SchemaVersion::read_sqlite(file, &[]) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("{} was written and cannot be read: {error}", file.display())),
    }
}

/// A backup in a folder, and the older ones that were removed for it.
#[derive(Debug)]
pub struct KeptBackup {
    pub file: PathBuf,
    pub bytes: u64,
    pub removed: Vec<PathBuf>,
}

/// Copies the database into a new file of the folder, named for the operator and the moment, and
/// then removes the oldest of its kind until `keep` are left. What interrupted copies have left goes
/// before, because it may be what fills the disk. Files of other names are not touched.
/// `complain` gets what is not in order and stops nothing.
pub async fn back_up_into(
    config: &Config,
    vault: &Vault,
    folder: &Path,
    keep: usize,
    now: Timestamp,
    mut complain: impl FnMut(String),
) -> Result<KeptBackup, String> {
    let operator = config.operator.as_str();
    let file = folder.join(backup_name(operator, now));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let _lock = match lock_folder(folder, operator) {
        Ok(lock) => {
            remove_leftovers(folder, operator, &mut complain).map_err(failed)?;
            Some(lock)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            return Err(format!("{}: another backup is being made there", folder.display()));
        }
        Err(error) => {
            complain(format!("{}: unfinished copies stay, it cannot be locked: {error}", folder.display()));
            None
        }
    };
    let bytes = back_up(config, vault, &file, now).await?;
    let mut backups = list_backups(folder, operator).map_err(failed)?;
    let surplus = backups.len().saturating_sub(keep.max(1));
    let removed: Vec<PathBuf> = backups.drain(..surplus).collect();
    for old in &removed {
        std::fs::remove_file(old).map_err(failed)?;
    }
    Ok(KeptBackup { file, bytes, removed })
}

/// `acme-2026-11-29T080000Z.sqlite`: the order of the names is that of the moments.
fn backup_name(operator: &str, at: Timestamp) -> String {
    let second = Timestamp::from_unix_seconds(at.unix_seconds());
    format!("{operator}-{}{BACKUP_ENDING}", second.to_string().replace(':', ""))
}

/// The backups of an operator in a folder, oldest first.
fn list_backups(folder: &Path, operator: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut backups = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| is_backup_name(name, operator)) {
            backups.push(entry.path());
        }
    }
    backups.sort();
    Ok(backups)
}

/// Lets one program at a time make an operator's backups in a folder. The lock ends with the process, and
/// its file stays: one that is removed could be locked twice. It is never the copy, because on NFS a lock
/// of ours would shut out `SQLite`, which fills that.
fn lock_folder(folder: &Path, operator: &str) -> std::io::Result<File> {
    let file = folder.join(format!(".{operator}.lock"));
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file)?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

/// Removes unfinished copies. Their programs are gone, because this one has the lock. One that stays
/// takes room, and stops no backup.
fn remove_leftovers(folder: &Path, operator: &str, mut complain: impl FnMut(String)) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                complain(format!("{}: {error}", folder.display()));
                continue;
            }
        };
        let name = path.file_name().and_then(OsStr::to_str);
        let finished = name.and_then(|name| name.strip_suffix(UNFINISHED_ENDING));
        if finished.is_some_and(|name| is_backup_name(name, operator)) {
            drop(Unfinished { path: path.clone() });
            if path.exists() {
                complain(format!("{}: cannot be removed", path.display()));
            }
        }
    }
    Ok(())
}

fn is_backup_name(name: &str, operator: &str) -> bool {
    let moment = name
        .strip_prefix(operator)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(BACKUP_ENDING));
    let fits = |at: usize, byte: u8| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        17 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    moment.is_some_and(|moment| {
        moment.len() == MOMENT_BYTES && moment.bytes().enumerate().all(|(at, byte)| fits(at, byte))
    })
}

/// Makes the copy durable, then gives it its name, which must be free. A link fails where a rename
/// would overwrite.
fn sync_and_name(unfinished: &Path, file: &Path) -> std::io::Result<u64> {
    let copy = File::open(unfinished)?;
    copy.sync_all()?;
    std::fs::hard_link(unfinished, file)?;
    std::fs::remove_file(unfinished)?;
    File::open(folder_of(file))?.sync_all()?;
    Ok(copy.metadata()?.len())
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A copy that has no name yet. It is removed unless it gets one.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// An empty file that only its owner reads, which is also what the copy is made in.
    fn create(file: &Path) -> std::io::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(UNFINISHED_ENDING);
        let path = PathBuf::from(name);
        // One that a stopped run has left is unassigned.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // Most often none of them is there.
            let mut name = self.path.as_os_str().to_owned();
            name.push(ending);
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_is_known_by_its_name() {
        let name = backup_name("acme", Timestamp::from_unix_seconds(1_796_000_000));
        assert!(is_backup_name(&name, "acme"), "{name}");
        for other in [
            "acme.sqlite",
            "acme-2.sqlite",
            "acme-2026-11-29T080000Z.sqlite.unfinished",
            "acme-2026-11-29T08:00:00Z.sqlite",
            "acme-eu-2026-11-29T080000Z.sqlite",
            "nova-2026-11-29T080000Z.sqlite",
            "",
        ] {
            assert!(!is_backup_name(other, "acme"), "{other}");
        }
    }

    #[test]
    fn leftovers_are_removed_by_the_only_one_who_makes_backups() {
        let folder = std::env::temp_dir().join(format!("onbill-backups-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("can be made");
        let put = |name: &str| {
            let path = folder.join(name);
            std::fs::write(&path, "half").expect("can be written");
            path
        };
        let left = put("acme-2026-11-28T080000Z.sqlite.unfinished");
        let log = put("acme-2026-11-28T080000Z.sqlite.unfinished-wal");
        let others = put("nova-2026-11-28T080000Z.sqlite.unfinished");
        // No file, and so not to be removed as one.
        let stuck = folder.join("acme-2026-11-27T080000Z.sqlite.unfinished");
        std::fs::create_dir_all(&stuck).expect("can be made");
        let lock = lock_folder(&folder, "acme").expect("is free");
        let second = lock_folder(&folder, "acme").map_err(|error| error.kind());
        assert_eq!(second.err(), Some(ErrorKind::WouldBlock));
        assert!(lock_folder(&folder, "nova").is_ok(), "that is another operator's");
        let mut complaints = Vec::new();
        remove_leftovers(&folder, "acme", |complaint| complaints.push(complaint)).expect("works");
        assert!(!left.exists() && !log.exists(), "its program is gone");
        assert!(others.exists(), "this is another operator's");
        assert!(complaints.len() == 1 && complaints[0].contains("acme-2026-11-27"), "{complaints:?}");
        drop(lock);
        std::fs::remove_dir_all(&folder).expect("is ours");
    }
}
