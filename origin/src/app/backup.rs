//! A backup of the ledger: a copy of the database file, taken while the origin serves from it.

use super::ledger_identity::{differs_in, ledger_facts};
use crate::config::{Config, Database};
use crate::keys::Vault;
use crate::store::Store;
use onbill_domain::timestamp::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Why a database on a server is not copied here: its own tools copy it, and know what they copy.
const SERVER_COPIES: &str = "the database is on a PostgreSQL server, which is backed up by its own tools: pg_basebackup with archived WAL, \
     or pg_dump (docs/operate/backup-restore.md)";

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
    let (to, facts) = (unfinished.0.clone(), ledger_facts(config, vault));
    let copied = tokio::task::spawn_blocking(move || Store::copy_sqlite(&source, &to, now, &facts)).await;
    let differing = copied
        .map_err(|error| format!("the copy was not made: {error}"))?
        .map_err(|error| format!("the database cannot be copied: {error}"))?;
    if let Some(fact) = differing {
        return Err(differs_in(fact));
    }
    sync_and_name(&unfinished.0, file).map_err(failed)
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
struct Unfinished(PathBuf);

impl Unfinished {
    /// An empty file that only its owner reads, which is also what the copy is made in.
    fn create(file: &Path) -> std::io::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(".unfinished");
        let path = PathBuf::from(name);
        // One that a stopped run has left is nobody's.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", "-journal"] {
            // Most often none of them is there.
            let mut name = self.0.as_os_str().to_owned();
            name.push(ending);
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}
