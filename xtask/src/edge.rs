//! `cargo xtask edge`: builds worker/ into worker/build/ and holds the result to its size limits. It is the build
//! command of wrangler.toml, so wrangler runs it before `dev` and `deploy`, and again whenever a source changes.

mod sizes;
mod stamp;

use std::env;
use std::path::{Path, PathBuf};

use crate::child::{command, npm_path, run, show_progress};
use crate::failure::{Failure, Outcome};
use crate::lock::Lock;
use crate::paths;

/// How the wasm is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What is deployed and tested: a third of the size.
    Release,
    /// For working on the edge: built again in a fifth of the time.
    Dev,
}

impl Profile {
    fn flag(self) -> &'static str {
        match self {
            Self::Release => "--release",
            Self::Dev => "--dev",
        }
    }
}

/// What worker-build leaves for wrangler.
pub(crate) const OUTPUTS: [&str; 2] = ["worker/build/index.js", "worker/build/index_bg.wasm"];

/// Whether a `wrangler dev` runs this as its build command: wrangler says what it is doing.
pub(crate) fn is_for_wrangler_dev() -> bool {
    env::var_os("WRANGLER_COMMAND").is_some_and(|command| command == "dev")
}

/// Builds unless nothing changed since the last time, then prints the sizes.
pub(crate) fn build(profile: Profile) -> Outcome {
    build_if_changed(profile)?;
    sizes::print_and_check(profile)
}

/// The build alone, for those who start it on the way to something else.
pub(crate) fn build_if_changed(profile: Profile) -> Outcome {
    // The local system's wrangler builds too, whenever a source changes.
    let _lock = Lock::wait_for("edge")?;
    let outputs: Vec<PathBuf> = OUTPUTS.iter().map(|file| paths::root().join(file)).collect();
    let fingerprint = stamp::fingerprint(paths::root(), profile.flag())?;
    if stamp::is_current(&fingerprint, &outputs) {
        return Ok(());
    }
    stamp::forget();
    run("building the edge", "edge.log", &mut worker_build(profile)?)?;
    if let Some(missing) = outputs.iter().find(|file| !file.is_file()) {
        return Err(Failure::new(format!("worker-build left no {}", missing.display())));
    }
    stamp::remember(&fingerprint)
}

/// worker-build downloads the tools that it is not told about, and also those whose told path does not exist.
fn worker_build(profile: Profile) -> Outcome<std::process::Command> {
    let mut build = command(existing(paths::tool("worker-build"))?);
    // At the workspace's root it takes the root for the crate.
    build.current_dir(paths::root().join("worker")).arg(profile.flag()).env("PATH", npm_path());
    show_progress(&mut build);
    // Its backtraces would push the compiler's words out of sight.
    build.env("RUST_BACKTRACE", "0");
    build.env("WASM_BINDGEN_BIN", existing(paths::tool("wasm-bindgen"))?);
    build.env("WASM_OPT_BIN", existing(paths::npm_bin().join("wasm-opt"))?);
    build.env("ESBUILD_BIN", existing(paths::npm_bin().join("esbuild"))?);
    Ok(build)
}

fn existing(tool: PathBuf) -> Outcome<PathBuf> {
    let missing =
        |tool: &Path| Failure::new(format!("{} is missing: run `cargo xtask setup`", tool.display()));
    if tool.is_file() { Ok(tool) } else { Err(missing(&tool)) }
}
