//! Installs what Rust needs to compile the edge.

use std::fs;

use crate::child::{new_command, run_logged};
use crate::failure::{Failure, Outcome};
use crate::paths::find_on_path;

const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Installs the standard library for wasm. A toolchain file could ask for it, but automatic installation is often off.
pub(crate) fn install_wasm_target() -> Outcome {
    let found = new_command("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]).output();
    let Ok(found) = found else {
        return Err(Failure::new("rustc is not on the PATH: install Rust from https://rustup.rs"));
    };
    let libdir = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if found.status.success() && fs::read_dir(&libdir).is_ok_and(|mut files| files.next().is_some()) {
        return Ok(());
    }
    if find_on_path("rustup").is_none() {
        return Err(Failure::new(format!(
            "this Rust has no {WASM_TARGET} target and there is no rustup to add it: install Rust from https://rustup.rs"
        )));
    }
    run_logged(
        "adding the wasm target",
        "setup-target.log",
        new_command("rustup").args(["target", "add", WASM_TARGET]),
    )
}
