//! A backup of the ledger: a copy of the database file, taken while the origin serves from it.

use super::ledger_identity::{differs_in, ledger_facts};
use crate::config::{Config, Database};
use crate::keys::Vault;
use crate::store::{SchemaVersion, Store};
use onbill_domain::timestamp::Timestamp;
use rustix::fs::{FlockOperation, flock};
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
    let differing = copied
        .map_err(|error| format!("the copy was not made: {error}"))?
        .map_err(|error| format!("the database cannot be copied: {error}"))?;
    if let Some(fact) = differing {
        return Err(differs_in(fact));
    }
    let bytes = sync_and_name(&unfinished.path, file).map_err(failed)?;
    // As a restore would find it, from the disk and for reading only.
    match SchemaVersion::read_sqlite(file) {
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
/// before, because it may be what fills the disk. Files of other names are nobody's business here.
pub async fn back_up_into(
    config: &Config,
    vault: &Vault,
    folder: &Path,
    keep: usize,
    now: Timestamp,
) -> Result<KeptBackup, String> {
    let file = folder.join(backup_name(config.operator.as_str(), now));
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    remove_leftovers(folder, config.operator.as_str()).map_err(failed)?;
    let bytes = back_up(config, vault, &file, now).await?;
    let mut backups = list_backups(folder, config.operator.as_str()).map_err(failed)?;
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

/// Removes unfinished copies whose program is gone: one that is still made is locked.
fn remove_leftovers(folder: &Path, operator: &str) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let finished = name.to_str().and_then(|name| name.strip_suffix(UNFINISHED_ENDING));
        if !finished.is_some_and(|name| is_backup_name(name, operator)) {
            continue;
        }
        let file = match File::open(entry.path()) {
            // Its own program has just given it its name, or removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            file => file?,
        };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            drop(Unfinished { path: entry.path(), _lock: file });
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
    /// Holds the lock by which others see that the copy is being made. It ends with the process.
    _lock: File,
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
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, _lock: lock })
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
    fn leftovers_are_removed_unless_their_copy_is_being_made() {
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
        let made = folder.join("acme-2026-11-29T080000Z.sqlite");
        let unfinished = Unfinished::create(&made).expect("is new");
        remove_leftovers(&folder, "acme").expect("works");
        assert!(!left.exists() && !log.exists(), "its program is gone");
        assert!(others.exists() && unfinished.path.exists(), "these are others'");
        drop(unfinished);
        std::fs::remove_dir_all(&folder).expect("is ours");
    }
}
