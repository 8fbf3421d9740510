//! Which build of the origin this is: for `--version`, `/version`, the logs and the metrics.
//!
//! The commit comes from the environment of the compiler and not from a build script, which would
//! compile the origin again after every commit. `cargo xtask release` sets it.

use std::sync::LazyLock;

/// The semantic version, as `Cargo.toml` has it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that was built, in hexadecimal; none in a build that is no release.
pub const COMMIT: Option<&str> = match option_env!("ONBILL_COMMIT") {
    Some(commit) if !commit.is_empty() => Some(commit),
    _ => None,
};

/// Version and commit in one line for people, such as `0.1.0 (3d67818)`.
pub fn version_line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| describe_version(VERSION, COMMIT));
    &LINE
}

fn describe_version(version: &str, commit: Option<&str>) -> String {
    match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{VERSION, describe_version, version_line};

    #[test]
    fn version_line_names_commit_of_release() {
        assert_eq!(describe_version("1.2.3", Some("3d67818")), "1.2.3 (3d67818)");
        assert_eq!(describe_version("1.2.3", None), "1.2.3");
        assert!(version_line().starts_with(VERSION));
    }
}
