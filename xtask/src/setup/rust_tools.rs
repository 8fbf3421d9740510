//! Installs the wasm target and the two Rust tools that turn the worker crate into a deployable script. The tools go into
//! the target directory as debug builds, which compile in a third of the time and are fast enough.

use std::fs;

use crate::child::{cargo_command, new_command, run_logged};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;
use crate::setup::find_on_path;

const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The version of the `worker` crate.
const WORKER_BUILD_VERSION: &str = "0.8.7";

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

pub(crate) fn install_worker_build() -> Outcome {
    install_tool("worker-build", WORKER_BUILD_VERSION)
}

/// Installs the binding generator in the version of the lock file: it only reads wasm of the library of its own version.
pub(crate) fn install_wasm_bindgen() -> Outcome {
    let lock = fs::read_to_string(paths::repository_root().join("Cargo.lock")).context("read Cargo.lock")?;
    let version = find_locked_version(&lock, "wasm-bindgen")
        .ok_or_else(|| Failure::new("Cargo.lock names no wasm-bindgen: is worker/ still built on it?"))?;
    install_tool("wasm-bindgen-cli", version)
}

fn install_tool(package: &str, version: &str) -> Outcome {
    let receipt = fs::read_to_string(paths::tools_dir().join(".crates.toml")).unwrap_or_default();
    let program = paths::tool_program(package.trim_end_matches("-cli"));
    if is_installed(&receipt, package, version) && program.is_file() {
        return Ok(());
    }
    let mut install = cargo_command();
    install.args(["install", "--locked", "--debug", "--force", "--version", version, package, "--root"]);
    install.arg(paths::tools_dir()).env("CARGO_TARGET_DIR", paths::tools_dir().join("build"));
    run_logged(
        &format!("installing {package} {version} (once)"),
        &format!("setup-{package}.log"),
        &mut install,
    )
}

/// Looks a package up in cargo's own list of what it installed under a root.
fn is_installed(receipt: &str, package: &str, version: &str) -> bool {
    receipt.lines().any(|line| line.starts_with(&format!("\"{package} {version} ")))
}

fn find_locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let entry =
        lock.split("[[package]]").find(|entry| entry.contains(&format!("\nname = \"{package}\"\n")))?;
    entry.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_version_needs_the_exact_package_name() {
        let lock = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.7\"\n\
            \n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.129\"\nsource = \"x\"\n";
        assert_eq!(find_locked_version(lock, "wasm-bindgen"), Some("0.2.129"));
        assert_eq!(find_locked_version(lock, "wasm"), None);
    }

    #[test]
    fn tool_of_another_version_is_not_installed() {
        let receipt =
            "[v1]\n\"worker-build 0.8.7 (registry+https://example.org)\" = [\n    \"worker-build\",\n]\n";
        assert!(is_installed(receipt, "worker-build", "0.8.7"));
        assert!(!is_installed(receipt, "worker-build", "0.8"));
        assert!(!is_installed(receipt, "worker", "0.8.7"));
    }
}
