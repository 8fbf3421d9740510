//! The lock of the migrations: `origin/migrations/released.txt` has the checksum of each file that was released. A test
//! of the store holds the files to it.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::checksums::{hash_file, list_files};
use crate::failure::{Context, Outcome};
use crate::paths;

/// Locks the migrations that are not locked yet, and says what is left to do by hand.
pub(super) fn lock_migrations() -> Outcome {
    let open = list_open()?;
    let mut text = read_lock()?;
    for name in &open {
        let hash = hash_file(&migrations_dir().join(name))?;
        writeln!(text, "{hash}  {name}").context("format a line")?;
        println!("locked {name}");
    }
    fs::write(lock_path(), text).context("write origin/migrations/released.txt")?;
    println!(
        "Now give CHANGELOG.md the section ## [{}] - YYYY-MM-DD, commit both, and run cargo xtask release.",
        env!("CARGO_PKG_VERSION")
    );
    Ok(())
}

/// The migrations that are not locked, pair by pair.
pub(super) fn list_open() -> Outcome<Vec<String>> {
    let lock = read_lock()?;
    let mut names = Vec::new();
    for path in list_files(&migrations_dir().join("sqlite"))? {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        names.extend(["sqlite", "postgres"].map(|database| format!("{database}/{file}")));
    }
    names.retain(|name| !is_locked(&lock, name));
    Ok(names)
}

fn is_locked(lock: &str, name: &str) -> bool {
    lock.lines().any(|line| line.split_once("  ").is_some_and(|(_, locked)| locked == name))
}

fn read_lock() -> Outcome<String> {
    fs::read_to_string(lock_path()).context("read origin/migrations/released.txt")
}

fn lock_path() -> PathBuf {
    migrations_dir().join("released.txt")
}

fn migrations_dir() -> PathBuf {
    paths::repository_root().join("origin/migrations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_migration_is_named_in_full() {
        let lock = "# The checksums\n0a1b  sqlite/0001_schema.sql\n";
        assert!(is_locked(lock, "sqlite/0001_schema.sql"));
        assert!(!is_locked(lock, "postgres/0001_schema.sql"));
        assert!(!is_locked(lock, "0001_schema.sql"));
    }
}
