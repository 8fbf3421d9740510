//! Checksums, in the form that `sha256sum --check` and browsers read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64;

use crate::failure::{Context, Outcome};

/// The SHA-256 of a file in hexadecimal.
pub(super) fn hash_file(path: &Path) -> Outcome<String> {
    Ok(sha256(&read_artefact(path)?).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
}

/// The same as the attribute `integrity` of a script has it (Subresource Integrity §3.5).
pub(super) fn hash_for_integrity(path: &Path) -> Outcome<String> {
    Ok(format!("sha256-{}", encode_base64(&sha256(&read_artefact(path)?))))
}

/// Writes SHA256SUMS of all files in a folder.
pub(super) fn write_checksums(folder: &Path) -> Outcome {
    let mut lines = String::new();
    for path in list_files(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(lines, "{}  {name}", hash_file(&path)?).context("format a line")?;
    }
    let sums = folder.join("SHA256SUMS");
    fs::write(&sums, lines).context(&format!("write {}", sums.display()))
}

/// The files of a folder, sorted by name.
pub(super) fn list_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let doing = format!("read the folder {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).context(&doing)? {
        let path = entry.context(&doing)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_artefact(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).context(&format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn checksums_are_those_of_sha256sum() {
        let folder = std::env::temp_dir().join(format!("onbill-sums-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("is writable");
        for name in ["b", "a"] {
            fs::write(folder.join(name), name).expect("is writable");
        }
        write_checksums(&folder).expect("writes");
        let text = fs::read_to_string(folder.join("SHA256SUMS")).expect("is there");
        assert_eq!(text.lines().filter_map(|line| line.split("  ").nth(1)).collect::<Vec<_>>(), ["a", "b"]);
        let check = Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&folder).output();
        assert!(check.expect("coreutils has sha256sum").status.success());
        fs::remove_dir_all(folder).expect("is ours");
    }
}
