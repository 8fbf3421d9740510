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

/// The same for a secret that cannot be empty.
pub(crate) fn read_secret(member: &str, file: &Path) -> Result<Zeroizing<String>, String> {
    let secret = read_password(member, file)?;
    if secret.trim().is_empty() {
        return Err(format!("{member} {} has no secret in its first line", file.display()));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_in_the_first_line() {
        let file = std::env::temp_dir().join(format!("onbill-secret-{}", std::process::id()));
        let read = |text: &str| {
            std::fs::write(&file, text).expect("writes");
            read_secret("client_secret_file", &file).map(|secret| secret.to_string())
        };
        assert_eq!(read("of the console\nmore"), Ok("of the console".to_owned()));
        for empty in ["", "\n", "  \nof the console\n"] {
            assert!(
                read(empty).is_err_and(|error| error.contains("no secret in its first line")),
                "{empty:?}"
            );
        }
        std::fs::remove_file(&file).expect("removes");
    }
}
