//! Files that others than their owner may read although they should not: those of the database, with
//! the sealed numbers and the amounts of all charges, the key ring, and password files.
//!
//! They are reported and not refused: container platforms give each file of a secret a mode of their
//! own, in a file system that no other user sees.

use crate::config::{Config, Database, SmsSettings};
use crate::store::sqlite::list_files_open_to_others;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Everybody on the machine. A secret may be readable by a group, by which some supervisors give it
/// to a service.
const EVERYBODY: u32 = 0o007;

/// A file that others may read or write, and its mode.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenFile {
    pub path: PathBuf,
    pub mode: u32,
}

/// The files of this configuration that are open to others.
pub fn list_open_files(config: &Config) -> Vec<OpenFile> {
    let database = match &config.database {
        Database::Sqlite(path) => list_files_open_to_others(path),
        Database::Postgres(_) => Vec::new(),
    };
    let secrets = list_secrets(config).into_iter().filter_map(find_open);
    database.into_iter().map(|(path, mode)| OpenFile { path, mode }).chain(secrets).collect()
}

/// The key ring, the password files, and the secrets of the alarm webhook and of the console.
fn list_secrets(config: &Config) -> Vec<&Path> {
    let gateway = match &config.sms {
        SmsSettings::Csp(_) => None,
        SmsSettings::Kannel(settings) => Some(settings.password_file.as_path()),
        SmsSettings::Smpp(settings) => Some(settings.password_file.as_path()),
    };
    let passwords = config.database_password_file.as_deref().into_iter().chain(gateway);
    let passwords = passwords.chain(config.alarms.webhook_secret_file.as_deref());
    let passwords =
        passwords.chain(config.console.as_ref().map(|console| console.client_secret_file.as_path()));
    std::iter::once(config.keys.as_path()).chain(passwords).collect()
}

fn find_open(path: &Path) -> Option<OpenFile> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    (mode & EVERYBODY != 0).then(|| OpenFile { path: path.to_owned(), mode })
}

/// Says in the log which files are open to others.
pub fn warn_of_open_files(config: &Config) {
    for OpenFile { path, mode } in list_open_files(config) {
        tracing::warn!(
            path = %path.display(),
            mode = format!("{mode:o}"),
            "a file with secrets or the ledger is open to others: set its mode to 600"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;

    #[test]
    fn secret_is_open_when_everybody_may_read_it() {
        let file = std::env::temp_dir().join(format!("onbill-secret-{}", std::process::id()));
        std::fs::write(&file, "hunter2").expect("is writable");
        let found = |mode| {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).expect("is ours");
            find_open(&file).map(|open| open.mode)
        };
        assert_eq!(
            [0o600, 0o400, 0o440, 0o644, 0o602].map(found),
            [None, None, None, Some(0o644), Some(0o602)]
        );
        std::fs::remove_file(&file).expect("is ours");
        assert_eq!(find_open(&file), None);
    }
}
