//! `cargo xtask keys`: generates matching key sets, one file for each party. `entries.rs` lists which party holds which
//! half of each key; the meaning of the uses is in `onbill_domain::key`. What the edge shares with an origin is derived
//! from the edge's root key.

mod edge_secrets;
mod entries;
mod files;
mod later;
mod random;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use onbill_domain::root_key::{KeyEpoch, RootKey};
use serde_json::Value;

use crate::failure::{Failure, Outcome};
pub(crate) use edge_secrets::{EdgeSecrets, PARTNER_KEYS, ROOT};
use entries::{KeyEntry, make_operator_entries, make_partner_entries, sort_into_files};
pub(crate) use files::{EDGE_FILE, operator_file, origin_file, partner_file, write_private_copy};
use files::{KeyFile, refuse_existing, write_edge_secrets, write_new_files};
pub(crate) use later::{write_epoch, write_next_root, write_operator_sets};
pub(crate) use random::{random_long_password, random_secret, random_short_password};

/// The id of the first root key of an edge.
const FIRST_ROOT_ID: &str = "r1";

/// The first epoch of an operator's keys, which its entry at the edge names.
pub(crate) const FIRST_EPOCH: &str = "r1.1";

/// Writes the key sets of these parties into `dir` and returns the files. Fails when one of the files exists: what an
/// overwritten key has sealed or signed would be lost.
pub(crate) fn write_key_sets(operators: &[&str], partners: &[&str], dir: &Path) -> Outcome<Vec<PathBuf>> {
    let KeySets { edge, files } = make_key_sets(operators, partners)?;
    let edge_file = dir.join(EDGE_FILE);
    refuse_existing(&edge_file)?;
    let mut written = write_new_files(files, dir)?;
    written.insert(0, write_edge_secrets(&edge_file, &edge)?);
    Ok(written)
}

/// Whether `dir` has these parties' key sets with a key for every use: those of an earlier version may lack one.
pub(crate) fn are_key_sets_complete(operators: &[&str], partners: &[&str], dir: &Path) -> Outcome<bool> {
    let names = |keys: &[Value]| -> BTreeSet<String> {
        keys.iter().map(|key| format!("{} {}", key["party"], key["use"])).collect()
    };
    let has_all = |wanted: &[Value], there: Option<Vec<Value>>| {
        there.is_some_and(|there| names(wanted).is_subset(&names(&there)))
    };
    let KeySets { edge, files } = make_key_sets(operators, partners)?;
    let there = EdgeSecrets::read(&dir.join(EDGE_FILE)).ok();
    let there = there.filter(|secrets| secrets.roots().is_ok());
    let is_edge_complete =
        has_all(&edge.partner_keys()?, there.and_then(|secrets| secrets.partner_keys().ok()));
    let is_complete = |file: &KeyFile| {
        let text = fs::read_to_string(dir.join(&file.name)).ok();
        has_all(&file.keys, text.and_then(|text| serde_json::from_str(&text).ok()))
    };
    Ok(is_edge_complete && files.iter().all(is_complete))
}

/// The key sets of all parties.
struct KeySets {
    edge: EdgeSecrets,
    files: Vec<KeyFile>,
}

fn make_key_sets(operators: &[&str], partners: &[&str]) -> Outcome<KeySets> {
    let root_text = edge_secrets::make_root_key(FIRST_ROOT_ID)?;
    let root = RootKey::parse(&root_text).ok_or_else(|| Failure::new("cannot make a root key"))?;
    let epoch = KeyEpoch::first(&root);
    let roots = [root];
    let mut entries = Vec::new();
    for &id in operators {
        for entry in later::derive_entries(&roots, id, &epoch)? {
            entries.push(KeyEntry::held_by(entry, vec![origin_file(id)]));
        }
        entries.extend(make_operator_entries(id)?);
    }
    for &id in partners {
        entries.extend(make_partner_entries(id, operators)?);
    }
    let (edge, files): (Vec<_>, Vec<_>) =
        sort_into_files(entries).into_iter().partition(|file| file.name == EDGE_FILE);
    let partner_keys: Vec<Value> = edge.into_iter().flat_map(|file| file.keys).collect();
    Ok(KeySets { edge: EdgeSecrets::new(root_text, &partner_keys), files })
}

#[cfg(test)]
mod tests;
