//! Turns a crate into what Cloudflare runs: one script, and the wasm that it loads.
//!
//! The wasm is as rustc makes it. `wasm-opt` makes a tenth less of it, which compresses to a tenth more, and is not faster.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::profile::Profile;
use crate::child::{cargo_command, new_command, npm_command, run_logged};
use crate::edge::widget::shipped_dir;
use crate::failure::{Context, Outcome};
use crate::paths;

const WASM: &str = "index_bg.wasm";
const SCRIPT: &str = "index.js";

/// A crate that becomes a Worker.
pub(crate) struct Worker {
    pub(crate) package: &'static str,
    /// What people call it.
    pub(crate) title: &'static str,
    /// Where its script and its wasm go.
    pub(crate) build_dir: PathBuf,
}

impl Worker {
    /// Builds both files, and then replaces those of the last build, so that a server of these never sees a half.
    pub(crate) fn build(&self, profile: Profile) -> Outcome {
        let staging = self.staging_dir();
        // There may be none, and a file of an earlier build must not get into this one.
        let _ = fs::remove_dir_all(&staging);
        self.compile(profile)?;
        self.generate_bindings(profile)?;
        self.bundle_scripts()?;
        fs::create_dir_all(&self.build_dir).context(&format!("make {}", self.build_dir.display()))?;
        for file in [WASM, SCRIPT] {
            let (from, to) = (staging.join(file), self.build_dir.join(file));
            fs::rename(&from, &to).context(&format!("move {} to {}", from.display(), to.display()))?;
        }
        Ok(())
    }

    fn staging_dir(&self) -> PathBuf {
        paths::target_dir().join("bundle").join(self.package)
    }

    fn run(&self, doing: &str, log: &str, command: &mut Command) -> Outcome {
        run_logged(&format!("{doing} {}", self.title), &format!("{}-{log}.log", self.package), command)
    }

    fn compile(&self, profile: Profile) -> Outcome {
        let mut cargo = cargo_command();
        cargo.args(["build", "--locked", "--package", self.package, "--lib"]);
        cargo.args(["--target", "wasm32-unknown-unknown", "--profile", profile.cargo_profile()]);
        cargo.env("ONBILL_WIDGET_DIR", shipped_dir(profile));
        self.run("building", "build", &mut cargo)
    }

    fn generate_bindings(&self, profile: Profile) -> Outcome {
        // Built with the whole workspace in view, as the other programs are, so that no library is compiled twice.
        let mut cargo = cargo_command();
        cargo.args(["build", "--locked", "--bin", "edge-bindgen"]);
        run_logged("building the generator of bindings", "edge-bindgen.log", &mut cargo)?;
        let folder = paths::target_dir().join("wasm32-unknown-unknown").join(profile.cargo_folder());
        let mut bindgen = new_command(paths::built_program("edge-bindgen"));
        bindgen.arg(folder.join(format!("{}.wasm", self.package.replace('-', "_")))).arg(self.staging_dir());
        if profile == Profile::Dev {
            bindgen.arg("--names");
        }
        self.run("generating the bindings of", "bindings", &mut bindgen)
    }

    /// Puts the bindings and worker/entry.js into one script.
    fn bundle_scripts(&self) -> Outcome {
        let (bindings, entry) = (self.staging_dir().join(SCRIPT), self.staging_dir().join("entry.js"));
        let text = fs::read_to_string(&bindings).context(&format!("read {}", bindings.display()))?;
        // Cloudflare's loader gives the module for a plain import, and does not know the newer word.
        let text = text.replace("import source ", "import ");
        fs::write(&bindings, text).context(&format!("write {}", bindings.display()))?;
        let source = paths::repository_root().join("worker/entry.js");
        fs::copy(&source, &entry).context(&format!("copy {}", source.display()))?;
        let mut esbuild = npm_command("esbuild");
        esbuild.current_dir(self.staging_dir()).args(["entry.js", "--bundle", "--minify", "--format=esm"]);
        esbuild.args(["--external:./index_bg.wasm", "--external:cloudflare:*"]);
        esbuild.args(["--outfile=index.js", "--allow-overwrite"]);
        self.run("bundling the script of", "bundle", &mut esbuild)
    }
}
