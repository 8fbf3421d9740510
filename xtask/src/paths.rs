//! Where things are in the tree. Nothing here creates or checks them.

use std::env;
use std::path::{Path, PathBuf};

/// The repository's root: xtask is compiled where it runs.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A program that `cargo build` left in the debug profile.
pub(crate) fn built(program: &str) -> PathBuf {
    target().join("debug").join(program)
}

/// Where the pinned Rust tools live, so that they neither meet nor change the user's own.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// One of the pinned Rust tools.
pub(crate) fn tool(program: &str) -> PathBuf {
    tools().join("bin").join(program)
}

/// The folder of the programs that npm installed.
pub(crate) fn npm_bin() -> PathBuf {
    root().join("node_modules/.bin")
}

/// A log or stamp of xtask itself.
pub(crate) fn note(name: &str) -> PathBuf {
    target().join("xtask").join(name)
}
