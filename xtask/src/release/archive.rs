//! Archives that are the same for the same commit.

use std::path::Path;

use super::folders::{Release, copy_folder};
use crate::child::{new_command, run_logged};
use crate::failure::Outcome;
use crate::paths;

/// Packs one folder into an artefact. It is the only member at the archive's top.
pub(super) fn pack_folder(release: &Release, folder: &Path, artefact: &str) -> Outcome {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        unreachable!("the folders of a release have names");
    };
    let mut tar = new_command("tar");
    tar.args(["--sort=name", "--format=gnu", "--owner=0", "--group=0", "--numeric-owner"]);
    tar.args(["--mode=u+rwX,go+rX,go-w", &format!("--mtime=@{}", release.source.committed_at)]);
    // Without -n, gzip would write its own time into the archive.
    tar.args(["--use-compress-program", "gzip -9n", "--create", "--file"]).arg(release.artefact(artefact));
    tar.arg("--directory").arg(parent).arg(name);
    run_logged(&format!("packing {}", name.display()), "release-pack.log", &mut tar)
}

/// The folder ops/ as it is.
pub(super) fn pack_ops(release: &Release) -> Outcome {
    let folder = release.staging.join(format!("onbill-ops-{}", release.label));
    copy_folder(&paths::repository_root().join("ops"), &folder)?;
    pack_folder(release, &folder, "onbill-ops-VERSION.tar.gz")
}
