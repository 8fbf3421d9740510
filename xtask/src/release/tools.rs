//! The tools that only a release needs. Those of the Rust registry are installed in pinned versions, below target/; those
//! of the system are named when they are missing.

use std::path::PathBuf;

use crate::child::{cargo_command, new_command, run_on_terminal};
use crate::failure::{Failure, Outcome};
use crate::paths;
use crate::setup::find_on_path;

pub(super) const MUSL_TARGET: &str = "x86_64-unknown-linux-musl";

/// A program from the Rust registry.
pub(super) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

pub(super) const CARGO_DEB: CargoTool = CargoTool { name: "cargo-deb", version: "3.6.2" };
pub(super) const CARGO_SBOM: CargoTool = CargoTool { name: "cargo-sbom", version: "0.10.0" };

/// Programs of the system, with Debian's package.
const PROGRAMS: [(&str, &str); 3] = [("musl-gcc", "musl-tools"), ("tar", "tar"), ("gzip", "gzip")];

impl CargoTool {
    /// Where it is installed. The version is in the path, so that another one is another program.
    pub(super) fn path(&self) -> PathBuf {
        self.root().join("bin").join(self.name)
    }

    fn root(&self) -> PathBuf {
        paths::xtask_file("tools").join(format!("{}-{}", self.name, self.version))
    }

    fn install(&self) -> Outcome {
        if self.path().is_file() {
            return Ok(());
        }
        let mut install = cargo_command();
        // It runs for seconds: the time to optimize it would be lost.
        install
            .args(["install", "--locked", "--debug", "--version", self.version, "--root"])
            .arg(self.root());
        install.arg(self.name);
        run_on_terminal(
            &format!("installing {} {}", self.name, self.version),
            &format!("release-{}.log", self.name),
            &mut install,
        )
    }
}

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
