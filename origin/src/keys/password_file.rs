//! Passwords that stand in files of their own, so that a configuration can be shown around.

use std::path::Path;
use zeroize::Zeroizing;

/// The file's first line: editors end it, passwords do not. The complaint names the configuration's member.
pub(crate) fn read_password(member: &str, file: &Path) -> Result<Zeroizing<String>, String> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| format!("{member} {} cannot be read: {error}", file.display()))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
