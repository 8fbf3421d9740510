//! `cargo xtask setup`: installs what the build needs beyond cargo itself, in pinned versions. The other verbs begin with
//! it; when everything is installed, it only checks a few files.

mod npm;
mod wasm_target;

pub(crate) use npm::node_command;

use std::path::Path;

use crate::failure::Outcome;
use crate::lock::Lock;

pub(crate) fn install_everything() -> Outcome {
    let _lock = Lock::acquire("setup")?;
    wasm_target::install_wasm_target()?;
    npm::install_packages()
}

pub(crate) fn install_npm_packages() -> Outcome {
    let _lock = Lock::acquire("setup")?;
    npm::install_packages()
}

/// Installs the npm packages of the benchmark's yardsticks.
pub(crate) fn install_yardsticks(folder: &Path) -> Outcome {
    let _lock = Lock::acquire("setup")?;
    npm::install_locked(folder, "installing the yardsticks", "setup-yardsticks.log").map(|_| ())
}

/// Installs the viewer of the API documents.
pub(crate) fn install_viewer(folder: &Path) -> Outcome {
    let _lock = Lock::acquire("setup")?;
    npm::install_locked(folder, "installing the viewer", "setup-viewer.log").map(|_| ())
}
