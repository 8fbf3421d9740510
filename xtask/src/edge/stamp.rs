//! Remembers from which sources the edge was built. Without this, wrangler's own run of the build command would run the
//! binding generator and the optimiser a second time on every start of the local system.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::failure::{Context, Outcome};
use crate::paths;

/// Everything that the wasm is built from. Tests and programs that the edge does not use are left out.
const INPUTS: [&str; 12] = [
    "worker",
    "domain",
    "words",
    "docs/api",
    "docs/widget/refusals.md",
    "xtask/bindgen",
    "xtask/src/edge/public_files.rs",
    "xtask/src/edge/worker.rs",
    "xtask/src/edge/widget.rs",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];
/// The output is inside of an input folder.
const OUTPUT_DIR: &str = "worker/build";

/// Computes a value that changes with any source, with its name and with the profile.
pub(crate) fn compute_fingerprint(root: &Path, profile: &str) -> Outcome<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect_files(root, &root.join(input), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    profile.hash(&mut hasher);
    for file in files {
        file.hash(&mut hasher);
        fs::read(root.join(&file)).context(&format!("read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect_files(root: &Path, path: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let relative = path.strip_prefix(root).unwrap_or(path);
    if relative == Path::new(OUTPUT_DIR) {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(relative.to_owned());
        return Ok(());
    }
    let doing = format!("read the folder {}", path.display());
    for entry in fs::read_dir(path).context(&doing)? {
        collect_files(root, &entry.context(&doing)?.path(), files)?;
    }
    Ok(())
}

/// Whether the outputs exist and were built from sources with this fingerprint.
pub(crate) fn is_current(fingerprint: &str, outputs: &[PathBuf]) -> bool {
    outputs.iter().all(|file| file.is_file())
        && fs::read_to_string(stamp_path()).is_ok_and(|last| last == fingerprint)
}

/// Removes the stamp before a build, so that an interrupted build does not count as current.
pub(crate) fn remove_stamp() {
    // There is none before the first build.
    let _ = fs::remove_file(stamp_path());
}

/// Writes the stamp after a successful build.
pub(crate) fn write_stamp(fingerprint: &str) -> Outcome {
    fs::write(stamp_path(), fingerprint).context(&format!("write {}", stamp_path().display()))
}

fn stamp_path() -> PathBuf {
    paths::xtask_file("edge.stamp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_changes_with_sources_and_profile() {
        let root = std::env::temp_dir().join(format!("onbill-stamp-{}", std::process::id()));
        // A killed run of the same process id may have left files.
        let _ = fs::remove_dir_all(&root);
        for input in INPUTS {
            let file =
                if input.contains('.') { root.join(input) } else { root.join(input).join("src/lib.rs") };
            fs::create_dir_all(file.parent().expect("is below the root")).expect("is writable");
            fs::write(file, "text").expect("is writable");
        }
        let of = |profile| compute_fingerprint(&root, profile).expect("is readable");
        let first = of("--release");
        fs::create_dir_all(root.join(OUTPUT_DIR)).expect("is writable");
        fs::write(root.join(OUTPUT_DIR).join("index.js"), "output").expect("is writable");
        assert_eq!(of("--release"), first);
        assert_ne!(of("--dev"), first);
        fs::write(root.join("worker/widget.css"), "").expect("is writable");
        assert_ne!(of("--release"), first);
        fs::remove_dir_all(root).expect("is ours");
    }
}
