//! `cargo xtask edge`: builds worker/ into worker/build/ and checks the result against its size limits. It is the build
//! command of wrangler.toml, so wrangler runs it before `dev` and `deploy`, and again whenever a source changes.

mod sizes;
mod stamp;

use std::env;
use std::path::{Path, PathBuf};

use crate::child::{new_command, npm_path, run_logged, show_progress};
use crate::failure::{Failure, Outcome};
use crate::lock::Lock;
use crate::paths;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Deployed and tested: a third of the size.
    Release,
    /// For development of the edge: builds in a fifth of the time.
    Dev,
}

impl Profile {
    fn as_flag(self) -> &'static str {
        match self {
            Self::Release => "--release",
            Self::Dev => "--dev",
        }
    }
}

/// Files that worker-build makes for wrangler.
pub(crate) const OUTPUTS: [&str; 2] = ["worker/build/index.js", "worker/build/index_bg.wasm"];

/// Whether `wrangler dev` runs this as its build command: wrangler says so in a variable.
pub(crate) fn is_for_wrangler_dev() -> bool {
    env::var_os("WRANGLER_COMMAND").is_some_and(|command| command == "dev")
}

/// Builds if anything changed since the last build, then prints and checks the sizes.
pub(crate) fn build_and_check_sizes(profile: Profile) -> Outcome {
    build_if_changed(profile)?;
    sizes::print_and_check_sizes(profile)
}

pub(crate) fn build_if_changed(profile: Profile) -> Outcome {
    // The local system's wrangler also builds, whenever a source changes.
    let _lock = Lock::acquire("edge")?;
    let outputs: Vec<PathBuf> = OUTPUTS.iter().map(|file| paths::repository_root().join(file)).collect();
    let fingerprint = stamp::compute_fingerprint(paths::repository_root(), profile.as_flag())?;
    if stamp::is_current(&fingerprint, &outputs) {
        return Ok(());
    }
    stamp::remove_stamp();
    let worker = paths::repository_root().join("worker");
    run_logged("building the edge", "edge.log", &mut worker_build_command(&worker, profile)?)?;
    if let Some(missing) = outputs.iter().find(|file| !file.is_file()) {
        return Err(Failure::new(format!("worker-build left no {}", missing.display())));
    }
    stamp::write_stamp(&fingerprint)
}

/// Builds the worker of a folder into its folder `build`. worker-build downloads each tool whose path is not set, or is
/// set to a file that does not exist.
pub(crate) fn worker_build_command(folder: &Path, profile: Profile) -> Outcome<std::process::Command> {
    let mut build = new_command(require_tool(paths::tool_program("worker-build"))?);
    // At the workspace root it would take the root for the crate.
    build.current_dir(folder).arg(profile.as_flag()).env("PATH", npm_path());
    show_progress(&mut build);
    // Its backtraces would push the compiler's message out of sight.
    build.env("RUST_BACKTRACE", "0");
    build.env("WASM_BINDGEN_BIN", require_tool(paths::tool_program("wasm-bindgen"))?);
    build.env("WASM_OPT_BIN", require_tool(paths::npm_bin_dir().join("wasm-opt"))?);
    build.env("ESBUILD_BIN", require_tool(paths::npm_bin_dir().join("esbuild"))?);
    Ok(build)
}

fn require_tool(tool: PathBuf) -> Outcome<PathBuf> {
    let missing =
        |tool: &Path| Failure::new(format!("{} is missing: run `cargo xtask setup`", tool.display()));
    if tool.is_file() { Ok(tool) } else { Err(missing(&tool)) }
}
