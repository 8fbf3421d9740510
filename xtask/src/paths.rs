//! Paths of files and folders of the tree. Nothing here creates or checks them.

use std::env;
use std::path::{Path, PathBuf};

/// The repository root. xtask always runs in the tree that it was compiled in.
pub(crate) fn repository_root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository_root().join("target"), |dir| repository_root().join(dir))
}

/// A program that `cargo build` made in the debug profile.
pub(crate) fn built_program(program: &str) -> PathBuf {
    target_dir().join("debug").join(program)
}

/// A program that `cargo build --release` made.
pub(crate) fn released_program(program: &str) -> PathBuf {
    target_dir().join("release").join(program)
}

/// A program that cargo made in this profile of our own.
pub(crate) fn program_of_profile(profile: &str, program: &str) -> PathBuf {
    target_dir().join(profile).join(program)
}

/// The folder of the programs that npm installed.
pub(crate) fn npm_bin_dir() -> PathBuf {
    repository_root().join("node_modules/.bin")
}

/// A log, lock or stamp of xtask itself.
pub(crate) fn xtask_file(name: &str) -> PathBuf {
    target_dir().join("xtask").join(name)
}

/// Finds the first program of that name on `PATH`.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}
