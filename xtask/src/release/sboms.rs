//! The lists of components (CycloneDX): of each program from Cargo.lock, and of the tools from package-lock.json.

use std::fs::File;
use std::process::{Command, Stdio};

use super::folders::Release;
use crate::cargo_tool::CARGO_SBOM;
use crate::child::new_command;
use crate::failure::{Context, Failure, Outcome};

pub(super) fn write_all(release: &Release) -> Outcome {
    for package in ["onbill-origin", "onbill-edge"] {
        let mut list = new_command(CARGO_SBOM.path());
        list.args(["sbom", "--cargo-package", package, "--output-format", "cyclone_dx_json_1_6"]);
        write_output(release, &format!("{package}-VERSION.cdx.json"), &mut list)?;
    }
    let mut list = new_command("npm");
    list.args(["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]);
    write_output(release, "onbill-npm-VERSION.cdx.json", &mut list)
}

/// Runs a program whose output is an artefact.
fn write_output(release: &Release, artefact: &str, command: &mut Command) -> Outcome {
    let path = release.artefact(artefact);
    let doing = format!("write {}", path.display());
    let file = File::create(&path).context(&doing)?;
    let ended = command.stdout(file).stderr(Stdio::piped()).output().context(&doing)?;
    if ended.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&ended.stderr);
    Err(Failure::new(format!("cannot {doing}: {}", error.trim())))
}
