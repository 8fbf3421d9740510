//! The files of the parties: their names, and writing them so that nothing is overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::edge_secrets::EdgeSecrets;
use crate::failure::{Context, Failure, Outcome};

pub(crate) const EDGE_FILE: &str = "edge.json";

pub(crate) fn origin_file(operator: &str) -> String {
    format!("origin-{operator}.json")
}

/// The file of an operator's own systems, which implement the CSP API.
pub(crate) fn operator_file(operator: &str) -> String {
    format!("operator-{operator}.json")
}

pub(crate) fn partner_file(partner: &str) -> String {
    format!("partner-{partner}.json")
}

/// A file with a key ring.
pub(super) struct KeyFile {
    pub(super) name: String,
    pub(super) keys: Vec<Value>,
}

/// Writes files into `dir`, all or none of them: a file that is there already stays.
pub(super) fn write_new_files(files: Vec<KeyFile>, dir: &Path) -> Outcome<Vec<PathBuf>> {
    files.iter().try_for_each(|file| refuse_existing(&dir.join(&file.name)))?;
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    files.into_iter().map(|file| write_key_file(&dir.join(&file.name), &file.keys)).collect()
}

pub(super) fn refuse_existing(path: &Path) -> Outcome {
    if path.exists() {
        return Err(Failure::new(format!(
            "{} is already there, and keys are never overwritten",
            path.display()
        )));
    }
    Ok(())
}

pub(super) fn write_edge_secrets(path: &Path, secrets: &EdgeSecrets) -> Outcome<PathBuf> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    }
    write_private_text(File::options().create_new(true), path, &secrets.to_file_text())?;
    Ok(path.to_owned())
}

/// Writes one key per line, readable by the file's owner only.
fn write_key_file(path: &Path, keys: &[Value]) -> Outcome<PathBuf> {
    let lines: Vec<String> = keys.iter().map(|key| format!("  {key}")).collect();
    write_private_text(File::options().create_new(true), path, &format!("[\n{}\n]\n", lines.join(",\n")))?;
    Ok(path.to_owned())
}

/// Writes keys in another form. The copy follows the original, so it is overwritten.
pub(crate) fn write_private_copy(path: &Path, text: &str) -> Outcome {
    write_private_text(File::options().create(true).truncate(true), path, text)
}

fn write_private_text(how: &mut OpenOptions, path: &Path, text: &str) -> Outcome {
    let doing = format!("write {}", path.display());
    let mut file = how.write(true).mode(0o600).open(path).context(&doing)?;
    file.write_all(text.as_bytes()).context(&doing)
}
