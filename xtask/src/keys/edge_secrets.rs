//! The edge's secrets as its file has them: an object of names and values, the form that `wrangler secret bulk` takes.

use std::fs;
use std::path::Path;

use onbill_domain::encoding::encode_base64url;
use onbill_domain::root_key::RootKey;
use serde_json::{Map, Value};

use super::random::random_secret;
use crate::failure::{Context, Failure, Outcome};

pub(crate) const ROOT: &str = "EDGE_ROOT_KEY";
pub(crate) const NEXT_ROOT: &str = "EDGE_ROOT_KEY_NEXT";
pub(crate) const PARTNER_KEYS: &str = "PARTNER_KEYS";

/// The secrets of one file, in its order. They cannot be printed.
#[derive(Clone)]
pub(crate) struct EdgeSecrets(Vec<(String, String)>);

impl EdgeSecrets {
    pub(crate) fn new(root: String, partner_keys: &[Value]) -> Self {
        let ring = Value::from(partner_keys).to_string();
        Self(vec![(ROOT.to_owned(), root), (PARTNER_KEYS.to_owned(), ring)])
    }

    pub(super) fn next_root(root: String) -> Self {
        Self(vec![(NEXT_ROOT.to_owned(), root)])
    }

    pub(crate) fn read(file: &Path) -> Outcome<Self> {
        let doing = format!("read {}", file.display());
        let text = fs::read_to_string(file).context(&doing)?;
        Self::parse(&text).ok_or_else(|| {
            Failure::new(format!("{} is not an object of the edge's secrets and their texts", file.display()))
        })
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let secret = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
        members.into_iter().map(secret).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The root keys: the one in use, the next one, or both.
    pub(super) fn roots(&self) -> Outcome<Vec<RootKey>> {
        let texts = self.iter().filter(|(name, _)| [ROOT, NEXT_ROOT].contains(name));
        let roots = texts.map(|(name, text)| RootKey::parse(text).ok_or(name)).collect::<Result<Vec<_>, _>>();
        let roots = roots.map_err(|name| Failure::new(format!("{name} is not a root key")))?;
        if roots.is_empty() {
            return Err(Failure::new(format!("the file has neither {ROOT} nor {NEXT_ROOT}")));
        }
        Ok(roots)
    }

    /// The ring of keys with partners.
    pub(super) fn partner_keys(&self) -> Outcome<Vec<Value>> {
        let ring = self.iter().find(|(name, _)| *name == PARTNER_KEYS);
        let (_, text) = ring.ok_or_else(|| Failure::new(format!("the file has no {PARTNER_KEYS}")))?;
        serde_json::from_str(text).context("read PARTNER_KEYS")
    }

    /// The text of the file: one secret on each line.
    pub(super) fn to_file_text(&self) -> String {
        let lines: Vec<String> = self
            .iter()
            .map(|(name, value)| format!("  {}: {}", Value::from(name), Value::from(value)))
            .collect();
        format!("{{\n{}\n}}\n", lines.join(",\n"))
    }
}

/// Makes a root key with this id.
pub(super) fn make_root_key(id: &str) -> Outcome<String> {
    Ok(format!("{id}.{}", encode_base64url(&random_secret()?)))
}

/// The id of the root key after `root`: `r1` is followed by `r2`.
pub(super) fn next_root_id(root: &RootKey) -> Outcome<String> {
    let next = root.id().strip_prefix('r').and_then(|digits| digits.parse::<u32>().ok()?.checked_add(1));
    next.map(|number| format!("r{number}"))
        .ok_or_else(|| Failure::new(format!("{} is not followed by another id", root.id())))
}
