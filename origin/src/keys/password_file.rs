//! Passwords in files of their own, so that a configuration can be shared.

use std::path::Path;
use zeroize::Zeroizing;

/// Reads the first line of the file, because editors add a line break that is not part of the
/// password. The error names the member of the configuration.
pub(crate) fn read_password(member: &str, file: &Path) -> Result<Zeroizing<String>, String> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| format!("{member} {} cannot be read: {error}", file.display()))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
