//! Programs of the Rust registry that single verbs need. They are installed in pinned versions, below target/, when such a
//! verb runs for the first time.

use std::path::PathBuf;

use crate::child::{cargo_command, run_on_terminal};
use crate::failure::Outcome;
use crate::paths;

/// A program from the Rust registry.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
    /// The only features that are built; all of its default ones without.
    features: Option<&'static str>,
}

pub(crate) const CARGO_DEB: CargoTool = CargoTool { name: "cargo-deb", version: "3.6.2", features: None };
pub(crate) const CARGO_SBOM: CargoTool = CargoTool { name: "cargo-sbom", version: "0.10.0", features: None };
/// Without its web server, which is most of what it would compile.
pub(crate) const MDBOOK: CargoTool = CargoTool { name: "mdbook", version: "0.5.4", features: Some("search") };

impl CargoTool {
    /// Where it is installed. The version is in the path, so that another one is another program.
    pub(crate) fn path(&self) -> PathBuf {
        self.root().join("bin").join(self.name)
    }

    fn root(&self) -> PathBuf {
        paths::xtask_file("tools").join(format!("{}-{}", self.name, self.version))
    }

    pub(crate) fn install(&self) -> Outcome {
        if self.path().is_file() {
            return Ok(());
        }
        let mut install = cargo_command();
        // It runs for seconds: the time to optimize it would be lost.
        install
            .args(["install", "--locked", "--debug", "--version", self.version, "--root"])
            .arg(self.root());
        if let Some(features) = self.features {
            install.args(["--no-default-features", "--features", features]);
        }
        install.arg(self.name);
        run_on_terminal(
            &format!("installing {} {}", self.name, self.version),
            &format!("install-{}.log", self.name),
            &mut install,
        )
    }
}
