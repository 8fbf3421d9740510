//! What is released: the version, the commit, and whether they may be a release.

use std::fs;

use super::migration_lock;
use crate::child::new_command;
use crate::failure::{Context, Outcome};
use crate::git::ask_git;
use crate::paths;

/// The Rust of releases, and of the image (ops/docker/Dockerfile). It is checked here and not in a toolchain file:
/// where rustup may install nothing by itself, such a file would stop every build with another name for this version.
const RUST: &str = "1.95.0";

/// The commit that is checked out.
pub(super) struct Source {
    pub(super) version: String,
    pub(super) commit: String,
    /// Unix seconds.
    pub(super) committed_at: String,
}

impl Source {
    pub(super) fn read() -> Outcome<Self> {
        Ok(Self {
            // All packages of the workspace have one version.
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: ask_git(&["rev-parse", "--short=12", "HEAD"])?,
            committed_at: ask_git(&["log", "-1", "--format=%ct"])?,
        })
    }

    /// Lists what is in the way of a release. A trial needs only a commit that others can find again.
    pub(super) fn find_obstacles(&self, is_snapshot: bool) -> Outcome<Vec<String>> {
        let mut obstacles = Vec::new();
        if !ask_git(&["status", "--porcelain"])?.is_empty() {
            obstacles.push("the tree has changes that are not committed (git status)".to_owned());
        }
        if is_snapshot {
            return Ok(obstacles);
        }
        let rustc = ask_rustc()?;
        if !is_release_rust(&rustc) {
            obstacles.push(format!("releases are made with Rust {RUST}, and this is {rustc}"));
        }
        let changelog = paths::repository_root().join("CHANGELOG.md");
        let changelog = fs::read_to_string(changelog).context("read CHANGELOG.md")?;
        if !has_section(&changelog, &self.version) {
            obstacles.push(format!("CHANGELOG.md has no section ## [{}] - YYYY-MM-DD", self.version));
        }
        let open = migration_lock::list_open()?;
        if !open.is_empty() {
            let open = open.join(", ");
            obstacles
                .push(format!("origin/migrations/released.txt lacks {open}: cargo xtask release --prepare"));
        }
        Ok(obstacles)
    }
}

/// Version and commit of the compiler.
fn ask_rustc() -> Outcome<String> {
    let answer = new_command("rustc").arg("--version").output().context("run rustc")?;
    Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
}

fn is_release_rust(version: &str) -> bool {
    version.split(' ').nth(1) == Some(RUST)
}

/// Whether a changelog has a dated section for the version.
fn has_section(changelog: &str, version: &str) -> bool {
    changelog.lines().filter_map(|line| line.strip_prefix(&format!("## [{version}] - "))).any(|day| {
        day.len() == 10
            && day.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_is_built_with_the_rust_of_releases() {
        assert!(is_release_rust(&format!("rustc {RUST} (59807616e 2026-04-14)")));
        assert!(!is_release_rust("rustc 1.95.1 (59807616e 2026-04-14)") && !is_release_rust(""));
        let image = fs::read_to_string(paths::repository_root().join("ops/docker/Dockerfile"));
        assert!(image.expect("is there").contains(&format!("\nFROM rust:{RUST}-")));
        // Cargo.toml says the oldest one that compiles.
        assert!(RUST.starts_with(env!("CARGO_PKG_RUST_VERSION")));
    }

    #[test]
    fn released_version_has_a_dated_section() {
        let changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-24\n\n## [0.1.0] - soon\n";
        assert!(has_section(changelog, "0.2.0"));
        for other in ["0.1.0", "0.2", "Unreleased", "0.3.0"] {
            assert!(!has_section(changelog, other), "{other}");
        }
    }
}
