//! `.dev.vars`: where a bare `npx wrangler dev` finds the local secrets. The user's own lines stay unchanged.

use std::fs;

use crate::failure::Outcome;
use crate::keys::{self, EdgeSecrets, PARTNER_KEYS, ROOT};
use crate::paths;
use crate::system::{Plan, read_edge_secrets};

const FILE: &str = ".dev.vars";
const HEADER: &str = "# `cargo xtask dev` keeps the secrets of the local system's edge here.\n";

pub(crate) fn has_secrets() -> bool {
    let text = fs::read_to_string(paths::repository_root().join(FILE)).unwrap_or_default();
    [ROOT, PARTNER_KEYS].iter().all(|name| text.lines().any(|line| is_of(line, name)))
}

/// Writes the file when it is missing or has other secrets.
pub(crate) fn update_secrets(plan: &Plan) -> Outcome {
    let path = paths::repository_root().join(FILE);
    let before = fs::read_to_string(&path).ok();
    let after = replace_secrets(before.as_deref(), &read_edge_secrets(plan)?);
    if before.as_deref() == Some(after.as_str()) {
        return Ok(());
    }
    keys::write_private_copy(&path, &after)
}

fn replace_secrets(before: Option<&str>, secrets: &EdgeSecrets) -> String {
    let before = before.unwrap_or(HEADER);
    let is_ours = |line: &&str| secrets.iter().any(|(name, _)| is_of(line, name));
    let mut text: String = before.split_inclusive('\n').filter(|line| !is_ours(line)).collect();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    secrets.iter().fold(text, |text, (name, value)| text + &format!("{name}='{value}'\n"))
}

fn is_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(root: &str) -> EdgeSecrets {
        EdgeSecrets::parse(&format!(r#"{{"EDGE_ROOT_KEY":"{root}","PARTNER_KEYS":"[]"}}"#))
            .expect("is well formed")
    }

    #[test]
    fn lines_of_secrets_alone_are_replaced() {
        let first = replace_secrets(None, &secrets("r1.A"));
        assert_eq!(first, format!("{HEADER}EDGE_ROOT_KEY='r1.A'\nPARTNER_KEYS='[]'\n"));
        assert_eq!(replace_secrets(Some(&first), &secrets("r1.A")), first);
        let own = "MINE=1\nEDGE_ROOT_KEY='r1.A'\nEDGE_ROOT_KEY_NEXT='r2.A'\nALSO=2";
        assert_eq!(
            replace_secrets(Some(own), &secrets("r1.B")),
            "MINE=1\nEDGE_ROOT_KEY_NEXT='r2.A'\nALSO=2\nEDGE_ROOT_KEY='r1.B'\nPARTNER_KEYS='[]'\n"
        );
    }
}
