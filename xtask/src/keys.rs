//! `cargo xtask keys`: generates matching key sets, one file for each party. `make_operator_entries` and
//! `make_partner_entries` list which party holds which half of each key; the meaning of the uses is in
//! `onbill_domain::key`. What the edge shares with an origin is derived from the edge's root key.

mod edge_secrets;
mod later;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::KeyUse;
use onbill_domain::root_key::{KeyEpoch, RootKey};
use serde_json::{Value, json};

use crate::failure::{Context, Failure, Outcome};
pub(crate) use edge_secrets::{EdgeSecrets, PARTNER_KEYS, ROOT};
pub(crate) use later::{write_epoch, write_next_root, write_operator_sets};

/// Length of every secret and seed: that of an HMAC-SHA-256 key and of an Ed25519 seed.
const SECRET_BYTES: usize = 32;

/// The id of the first root key of an edge.
const FIRST_ROOT_ID: &str = "r1";

/// The first epoch of an operator's keys, which its entry at the edge names.
pub(crate) const FIRST_EPOCH: &str = "r1.1";

/// A file with a key ring.
struct KeyFile {
    name: String,
    keys: Vec<Value>,
}

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

/// One key, as the files of its parties have it.
struct KeyEntry {
    full: Value,
    verifying: Value,
    signers: Vec<String>,
    verifiers: Vec<String>,
}

impl KeyEntry {
    fn held_by(full: Value, signers: Vec<String>) -> Self {
        Self { verifying: full.clone(), full, signers, verifiers: Vec::new() }
    }
}

/// The files of all parties of these keys, in the order in which they first have one.
fn sort_into_files(entries: Vec<KeyEntry>) -> Vec<KeyFile> {
    let mut files: Vec<KeyFile> = Vec::new();
    for KeyEntry { full, verifying, signers, verifiers } in entries {
        // A party that has the whole key needs no half of it.
        let halves = verifiers.iter().filter(|name| !signers.contains(name)).map(|name| (name, &verifying));
        for (name, key) in signers.iter().map(|name| (name, &full)).chain(halves) {
            match files.iter_mut().find(|file| file.name == *name) {
                Some(file) => file.keys.push(key.clone()),
                None => files.push(KeyFile { name: name.clone(), keys: vec![key.clone()] }),
            }
        }
    }
    files
}

/// The keys of an operator that the edge has no part in.
fn make_operator_entries(id: &str) -> Outcome<Vec<KeyEntry>> {
    let party = Party { kind: "operator", id };
    let (origin, operator) = (origin_file(id), operator_file(id));
    Ok(vec![
        party.make_shared_key(KeyUse::OriginToOperator, &[&origin, &operator])?,
        party.make_shared_key(KeyUse::OperatorToOrigin, &[&operator, &origin])?,
        party.make_shared_key(KeyUse::SessionAssertion, &[&operator, &origin])?,
        party.make_shared_key(KeyUse::ReturnResult, &[&origin, &operator])?,
        party.make_shared_key(KeyUse::NumberSealing, &[&origin])?,
    ])
}

/// The keys of a partner with the edge and with these operators.
fn make_partner_entries(id: &str, operators: &[&str]) -> Outcome<Vec<KeyEntry>> {
    let party = Party { kind: "partner", id };
    let (edge, partner) = (EDGE_FILE.to_owned(), partner_file(id));
    let mut entries = vec![party.make_shared_key(KeyUse::EdgeToPartner, &[&edge, &partner])?];
    let origins = operators.iter().map(|id| origin_file(id));
    let verifiers = origins.chain([edge]).collect();
    entries.push(party.make_key_pair(KeyUse::PartnerCall, partner.clone(), verifiers)?);
    for &operator in operators {
        entries.push(make_webhook_key(operator, id, &partner)?);
    }
    Ok(entries)
}

/// Makes the secret that signs an origin's webhooks to a partner: one for each pair of operator and partner. Each side's
/// copy names the other side.
fn make_webhook_key(operator: &str, partner: &str, partner_file: &str) -> Outcome<KeyEntry> {
    let key_use = KeyUse::OriginToPartner.as_str();
    let (name, secret) = (format!("{operator}-{partner}-{key_use}-1"), encode_base64url(&random_secret()?));
    let of = |party: String| json!({ "id": name, "party": party, "use": key_use, "alg": "hmac-sha256", "secret": secret });
    Ok(KeyEntry {
        full: of(format!("partner:{partner}")),
        verifying: of(format!("operator:{operator}")),
        signers: vec![origin_file(operator)],
        verifiers: vec![partner_file.to_owned()],
    })
}

struct Party<'a> {
    kind: &'a str,
    id: &'a str,
}

impl Party<'_> {
    /// Makes a secret that all parties have in full.
    fn make_shared_key(&self, key_use: KeyUse, parties: &[&String]) -> Outcome<KeyEntry> {
        let mut full = self.describe_key(key_use, "hmac-sha256");
        full["secret"] = json!(encode_base64url(&random_secret()?));
        Ok(KeyEntry::held_by(full, parties.iter().map(|name| (*name).clone()).collect()))
    }

    /// Makes a key pair: a party with the public half can verify and not sign.
    fn make_key_pair(&self, key_use: KeyUse, signer: String, verifiers: Vec<String>) -> Outcome<KeyEntry> {
        let seed = random_secret()?;
        let mut verifying = self.describe_key(key_use, "ed25519");
        verifying["public"] =
            json!(encode_base64url(SigningKey::from_bytes(&seed).verifying_key().as_bytes()));
        let mut full = verifying.clone();
        full["private"] = json!(encode_base64url(&seed));
        Ok(KeyEntry { full, verifying, signers: vec![signer], verifiers })
    }

    /// Describes the first key of a use: the number at the end of the id grows with each rotation.
    fn describe_key(&self, key_use: KeyUse, alg: &str) -> Value {
        let (Self { kind, id }, key_use) = (self, key_use.as_str());
        json!({ "id": format!("{id}-{key_use}-1"), "party": format!("{kind}:{id}"), "use": key_use, "alg": alg })
    }
}

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

#[expect(clippy::disallowed_methods, reason = "keys need the randomness of the operating system")]
pub(crate) fn random_secret() -> Outcome<[u8; SECRET_BYTES]> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("get random bytes from the operating system")?;
    Ok(bytes)
}

/// Makes a password of eight characters, the limit of SMPP: 48 random bits, for this machine only.
pub(crate) fn random_short_password() -> Outcome<String> {
    Ok(encode_base64url(&random_secret()?[..6]))
}

/// A password for programs, which no person types.
pub(crate) fn random_long_password() -> Outcome<String> {
    Ok(encode_base64url(&random_secret()?))
}

/// Writes files into `dir`, all or none of them: a file that is there already stays.
fn write_new_files(files: Vec<KeyFile>, dir: &Path) -> Outcome<Vec<PathBuf>> {
    files.iter().try_for_each(|file| refuse_existing(&dir.join(&file.name)))?;
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    files.into_iter().map(|file| write_key_file(&dir.join(&file.name), &file.keys)).collect()
}

fn refuse_existing(path: &Path) -> Outcome {
    if path.exists() {
        return Err(Failure::new(format!(
            "{} is already there, and keys are never overwritten",
            path.display()
        )));
    }
    Ok(())
}

fn write_edge_secrets(path: &Path, secrets: &EdgeSecrets) -> Outcome<PathBuf> {
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

#[cfg(test)]
mod tests;
