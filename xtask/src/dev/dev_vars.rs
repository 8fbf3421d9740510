//! `.dev.vars`: where a bare `npx wrangler dev` finds the local key ring. The user's own lines stay unchanged.

use std::fs;

use crate::failure::Outcome;
use crate::system::{Plan, read_edge_keyring};
use crate::{keys, paths};

const FILE: &str = ".dev.vars";
const KEY: &str = "KEYRING=";
const HEADER: &str = "# KEYRING is kept by `cargo xtask dev`: the edge's keys of the local system.\n";

pub(crate) fn has_keyring() -> bool {
    let text = fs::read_to_string(paths::repository_root().join(FILE)).unwrap_or_default();
    text.lines().any(|line| line.starts_with(KEY))
}

/// Writes the file when it is missing or has another key ring.
pub(crate) fn update_keyring(plan: &Plan) -> Outcome {
    let path = paths::repository_root().join(FILE);
    let before = fs::read_to_string(&path).ok();
    let after = replace_keyring(before.as_deref(), &read_edge_keyring(plan)?);
    if before.as_deref() == Some(after.as_str()) {
        return Ok(());
    }
    keys::write_private_copy(&path, &after)
}

fn replace_keyring(before: Option<&str>, keyring: &str) -> String {
    let line = format!("{KEY}'{keyring}'\n");
    let before = before.unwrap_or(HEADER);
    let kept = before.split_inclusive('\n').filter(|line| !line.starts_with(KEY));
    let mut text: String = kept.collect();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyring_line_alone_is_replaced() {
        let first = replace_keyring(None, "[1]");
        assert_eq!(first, format!("{HEADER}KEYRING='[1]'\n"));
        assert_eq!(replace_keyring(Some(&first), "[1]"), first);
        let own = "MINE=1\nKEYRING='[1]'\nALSO=2";
        assert_eq!(replace_keyring(Some(own), "[2]"), "MINE=1\nALSO=2\nKEYRING='[2]'\n");
    }
}
