//! The folders of a release that is being made, and copying into them.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::Source;
use crate::failure::{Context, Outcome};
use crate::paths;

/// A release that is being made.
pub(super) struct Release {
    /// The version, with `-snapshot` for a trial.
    pub(super) label: String,
    pub(super) source: Source,
    /// Where the artefacts go.
    pub(super) folder: PathBuf,
    /// Where what goes into them is put together.
    pub(super) staging: PathBuf,
}

impl Release {
    /// Begins with empty folders: nothing of an earlier release may get into this one.
    pub(super) fn begin(source: Source, is_snapshot: bool) -> Outcome<Self> {
        let label = if is_snapshot { format!("{}-snapshot", source.version) } else { source.version.clone() };
        let folder = paths::target_dir().join("release-artifacts").join(&label);
        let staging = paths::xtask_file("release");
        for path in [&folder, &staging] {
            // There may be none.
            let _ = fs::remove_dir_all(path);
            fs::create_dir_all(path).context(&format!("make {}", path.display()))?;
        }
        Ok(Self { label, source, folder, staging })
    }

    /// The path of an artefact, whose name has VERSION in it.
    pub(super) fn artefact(&self, name: &str) -> PathBuf {
        self.folder.join(name.replace("VERSION", &self.label))
    }
}

/// Makes a folder below another one.
pub(super) fn make_folder(path: PathBuf) -> Outcome<PathBuf> {
    fs::create_dir_all(&path).context(&format!("make {}", path.display()))?;
    Ok(path)
}

pub(super) fn copy_file(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).context(&format!("copy {} to {}", from.display(), to.display()))
}

/// Copies a folder with all that is in it.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Outcome {
    make_folder(to.to_owned())?;
    let doing = format!("read the folder {}", from.display());
    for entry in fs::read_dir(from).context(&doing)? {
        let entry = entry.context(&doing)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() { copy_folder(&source, &target)? } else { copy_file(&source, &target)? }
    }
    Ok(())
}
