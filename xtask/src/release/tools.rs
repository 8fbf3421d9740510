//! The tools that only a release needs. Those of the Rust registry are installed; those of the system are named when they
//! are missing.

use crate::cargo_tool::{CARGO_DEB, CARGO_SBOM};
use crate::child::{new_command, run_on_terminal};
use crate::failure::{Failure, Outcome};
use crate::paths::find_on_path;

pub(super) const MUSL_TARGET: &str = "x86_64-unknown-linux-musl";

/// Programs of the system, with Debian's package.
const PROGRAMS: [(&str, &str); 3] = [("musl-gcc", "musl-tools"), ("tar", "tar"), ("gzip", "gzip")];

/// Names what the system lacks.
pub(super) fn find_missing() -> Vec<String> {
    PROGRAMS
        .iter()
        .filter(|(program, _)| find_on_path(program).is_none())
        .map(|(program, package)| format!("{program} is not on the PATH: apt-get install {package}"))
        .collect()
}

pub(super) fn install_missing() -> Outcome {
    let missing = find_missing();
    if !missing.is_empty() {
        return Err(Failure::new(missing.join("\n")));
    }
    let mut add = new_command("rustup");
    add.args(["target", "add", MUSL_TARGET]);
    run_on_terminal("adding the static target", "release-target.log", &mut add)?;
    CARGO_DEB.install()?;
    CARGO_SBOM.install()
}
