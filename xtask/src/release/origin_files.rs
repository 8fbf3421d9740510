//! The origin of a release: one static program in an archive and in a package for Debian, with what belongs to it.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::archive;
use super::folders::{Release, copy_file, copy_folder, make_folder};
use super::tools::MUSL_TARGET;
use crate::cargo_tool::CARGO_DEB;
use crate::child::{cargo_command, new_command, run_logged};
use crate::failure::{Context, Failure, Outcome};
use crate::paths;

/// Shells, and the names that they find completions by.
const COMPLETIONS: [(&str, &str); 3] =
    [("bash", "onbill-origin.bash"), ("zsh", "_onbill-origin"), ("fish", "onbill-origin.fish")];

pub(super) fn make_all(release: &Release) -> Outcome {
    let program = build_program(release)?;
    write_manuals(release, &program)?;
    pack_program(release, &program)?;
    pack_debian_package(release)
}

/// Builds it without anything of the machine in it: no shared library, and no path.
fn build_program(release: &Release) -> Outcome<PathBuf> {
    let mut build = cargo_command();
    build.args(["build", "--locked", "--release", "--target", MUSL_TARGET, "--bin", "onbill-origin"]);
    build.env("ONBILL_COMMIT", &release.source.commit);
    build.env("SOURCE_DATE_EPOCH", &release.source.committed_at);
    build.env("RUSTFLAGS", remap_paths());
    run_logged("building the static origin", "release-origin.log", &mut build)?;
    Ok(paths::target_dir().join(MUSL_TARGET).join("release/onbill-origin"))
}

fn remap_paths() -> String {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    format!(
        "--remap-path-prefix={}=/onbill --remap-path-prefix={}=/cargo",
        paths::repository_root().display(),
        cargo.display()
    )
}

/// Man pages and completions, by the program itself.
fn write_manuals(release: &Release, program: &Path) -> Outcome {
    let man = make_folder(release.staging.join("man"))?;
    let mut write = new_command(program);
    run_logged("writing the man pages", "release-man.log", write.arg("man").arg("--out").arg(&man))?;
    let completions = make_folder(release.staging.join("completions"))?;
    for (shell, name) in COMPLETIONS {
        let path = completions.join(name);
        let file = File::create(&path).context(&format!("write {}", path.display()))?;
        let mut complete = new_command(program);
        let done = complete.args(["completions", shell]).stdout(file).status();
        let is_done = done.context(&format!("write the completions of {shell}"))?.success();
        if !is_done {
            return Err(Failure::new(format!("there are no completions for {shell}")));
        }
    }
    Ok(())
}

fn pack_program(release: &Release, program: &Path) -> Outcome {
    let root = paths::repository_root();
    let folder = make_folder(release.staging.join(format!("onbill-origin-{}", release.label)))?;
    copy_file(program, &folder.join("onbill-origin"))?;
    for name in ["LICENSE", "CHANGELOG.md", "SECURITY.md"] {
        copy_file(&root.join(name), &folder.join(name))?;
    }
    for name in ["man", "completions"] {
        copy_folder(&release.staging.join(name), &folder.join(name))?;
    }
    for name in ["systemd", "examples"] {
        copy_folder(&root.join("ops").join(name), &folder.join(name))?;
    }
    archive::pack_folder(release, &folder, "onbill-origin-VERSION-x86_64-linux-musl.tar.gz")
}

/// The contents and the settings of the package are in origin/Cargo.toml.
fn pack_debian_package(release: &Release) -> Outcome {
    let root = paths::repository_root();
    let package = release.artefact("onbill-origin_VERSION-1_amd64.deb");
    // It stands where the manifest names them, wherever the target folder is.
    let assets = root.join("target/xtask/release");
    if assets != release.staging {
        for name in ["man", "completions"] {
            copy_folder(&release.staging.join(name), &assets.join(name))?;
        }
    }
    let mut deb = new_command(CARGO_DEB.path());
    deb.current_dir(root.join("origin")).arg("deb");
    deb.args(["--no-build", "--no-strip", "--locked", "--target", MUSL_TARGET, "--output"]).arg(&package);
    deb.env("SOURCE_DATE_EPOCH", &release.source.committed_at);
    run_logged("packing for Debian", "release-deb.log", &mut deb)?;
    fs::metadata(&package).map(drop).context(&format!("find {}", package.display()))
}
