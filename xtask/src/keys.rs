//! `cargo xtask keys`: generates matching key sets, one file for each holder. `make_operator_entries` and
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

/// The key sets of all holders.
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

/// One key, as the files of its holders have it.
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

/// The files of all holders of these keys, in the order in which they first hold one.
fn sort_into_files(entries: Vec<KeyEntry>) -> Vec<KeyFile> {
    let mut files: Vec<KeyFile> = Vec::new();
    for KeyEntry { full, verifying, signers, verifiers } in entries {
        // A holder of the whole key needs no half of it.
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
    /// Makes a secret that all holders have in full.
    fn make_shared_key(&self, key_use: KeyUse, holders: &[&String]) -> Outcome<KeyEntry> {
        let mut full = self.describe_key(key_use, "hmac-sha256");
        full["secret"] = json!(encode_base64url(&random_secret()?));
        Ok(KeyEntry::held_by(full, holders.iter().map(|name| (*name).clone()).collect()))
    }

    /// Makes a key pair: a holder of the public half can verify and not sign.
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
mod tests {
    use super::*;
    use onbill_domain::key::Keyring;
    use std::os::unix::fs::PermissionsExt;

    fn parse_ring(keys: &[Value]) -> Keyring {
        Keyring::parse(&Value::from(keys).to_string()).expect("the programs can read it")
    }

    /// The ring of a file; of the edge, what it derives for acme and nova, and its keys with partners.
    fn parse_keyring(sets: &KeySets, name: &str) -> Keyring {
        if name != EDGE_FILE {
            return parse_ring(&sets.files.iter().find(|file| file.name == name).expect("is there").keys);
        }
        let roots = sets.edge.roots().expect("has a root key");
        let epoch = KeyEpoch::parse(FIRST_EPOCH).expect("is one");
        let derived =
            ["acme", "nova"].map(|id| later::derive_entries(&roots, id, &epoch).expect("is derived"));
        parse_ring(&[derived.concat(), sets.edge.partner_keys().expect("are there")].concat())
    }

    #[test]
    fn signature_of_a_holder_verifies_at_its_peer() {
        let files = make_key_sets(&["acme", "nova"], &["netflix"]).expect("has randomness");
        for (key_use, party, signer, verifier) in [
            (KeyUse::EdgeToOrigin, "operator:acme", "edge.json", "origin-acme.json"),
            (KeyUse::SignupToken, "operator:nova", "origin-nova.json", "edge.json"),
            (KeyUse::OriginToOperator, "operator:acme", "origin-acme.json", "operator-acme.json"),
            (KeyUse::OperatorToOrigin, "operator:acme", "operator-acme.json", "origin-acme.json"),
            (KeyUse::SessionAssertion, "operator:acme", "operator-acme.json", "origin-acme.json"),
            (KeyUse::ReturnResult, "operator:nova", "origin-nova.json", "operator-nova.json"),
            (KeyUse::EdgeToPartner, "partner:netflix", "edge.json", "partner-netflix.json"),
            (KeyUse::PartnerCall, "partner:netflix", "partner-netflix.json", "edge.json"),
            (KeyUse::PartnerCall, "partner:netflix", "partner-netflix.json", "origin-nova.json"),
        ] {
            let (signer, verifier) = (parse_keyring(&files, signer), parse_keyring(&files, verifier));
            let signing = signer.signing_key(key_use, party).expect("the signer has it");
            let verifying = verifier.find(key_use, &signing.id).expect("the verifier has it");
            let signature = signing.sign(b"text").expect("the signer can sign");
            assert!(verifying.verify(b"text", &signature), "{key_use:?}");
        }
    }

    #[test]
    fn webhook_key_is_unique_per_origin_and_partner() {
        let files = make_key_sets(&["acme", "nova"], &["netflix", "tunes"]).expect("has randomness");
        let netflix = parse_keyring(&files, "partner-netflix.json");
        let mut secrets = Vec::new();
        for operator in ["acme", "nova"] {
            let origin = parse_keyring(&files, &origin_file(operator));
            let signing = origin.signing_key(KeyUse::OriginToPartner, "partner:netflix").expect("is there");
            let verifying = netflix.find(KeyUse::OriginToPartner, &signing.id).expect("is there");
            assert_eq!(
                verifying.party.as_str(),
                format!("operator:{operator}"),
                "the partner knows the signer"
            );
            assert!(verifying.verify(b"text", &signing.sign(b"text").expect("can sign")));
            let other = origin.signing_key(KeyUse::OriginToPartner, "partner:tunes").expect("is there");
            secrets.extend([
                signing.secret().expect("is shared").to_vec(),
                other.secret().expect("is").to_vec(),
            ]);
        }
        let pairs = secrets.len();
        secrets.sort();
        secrets.dedup();
        assert_eq!(secrets.len(), pairs, "no operator can sign for another one or to another partner");
    }

    #[test]
    fn key_sets_have_only_the_keys_needed() {
        let files = make_key_sets(&["acme", "nova"], &["netflix"]).expect("has randomness");
        let edge = parse_keyring(&files, "edge.json");
        let call = edge.signing_key(KeyUse::PartnerCall, "partner:netflix").expect("is there");
        assert_eq!(call.id, "netflix-partner-call-1");
        assert_eq!(call.sign(b"charge"), None, "the edge cannot mint charges");
        for unneeded in [
            KeyUse::OriginToOperator,
            KeyUse::OriginToPartner,
            KeyUse::SessionAssertion,
            KeyUse::ReturnResult,
            KeyUse::NumberSealing,
        ] {
            assert_eq!(edge.keys_for_use(unneeded).count(), 0, "{unneeded:?}");
        }
        let acme = parse_keyring(&files, "origin-acme.json");
        assert!(acme.signing_key(KeyUse::EdgeToOrigin, "operator:nova").is_none(), "tenants are apart");
        assert!(acme.keys_for_use(KeyUse::EdgeToPartner).next().is_none());
    }

    fn make_dir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("onbill-keys-{name}-{}", std::process::id()));
        // A killed run of the same process id may have left files.
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn read_ring(file: &Path) -> Keyring {
        Keyring::parse(&fs::read_to_string(file).expect("is written")).expect("the programs can read it")
    }

    #[test]
    fn later_operator_leaves_all_other_files_alone() {
        let dir = make_dir("later");
        write_key_sets(&["acme"], &["netflix", "tunes"], &dir).expect("is writable");
        let before = fs::read(dir.join(EDGE_FILE)).expect("is readable");
        let edge = dir.join(EDGE_FILE);
        let written = write_operator_sets(&edge, &["nova".to_owned()], &dir).expect("is writable");
        let names = [
            "origin-nova.json",
            "operator-nova.json",
            "partner-netflix-nova.json",
            "partner-tunes-nova.json",
        ];
        let expected: BTreeSet<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(fs::read(&edge).expect("is readable"), before);
        let origin = read_ring(&dir.join("origin-nova.json"));
        for key_use in
            [KeyUse::EdgeToOrigin, KeyUse::OriginToEdge, KeyUse::SignupToken, KeyUse::NumberSealing]
        {
            assert!(origin.signing_key(key_use, "operator:nova").is_some(), "{key_use:?}");
        }
        for partner in ["netflix", "tunes"] {
            let call =
                origin.signing_key(KeyUse::PartnerCall, format!("partner:{partner}")).expect("is there");
            assert_eq!(call.sign(b""), None, "the public half only");
            let added = read_ring(&dir.join(format!("partner-{partner}-nova.json")));
            let webhook = added.signing_key(KeyUse::OriginToPartner, "operator:nova").expect("is there");
            let signing = origin.find(KeyUse::OriginToPartner, &webhook.id).expect("is there");
            assert_eq!(signing.secret(), webhook.secret());
        }
        let again = write_operator_sets(&edge, &["nova".to_owned()], &dir).expect_err("is refused");
        assert!(again.to_string().contains("never overwritten"), "{again}");
        fs::remove_dir_all(dir).expect("is ours");
    }

    #[test]
    fn epoch_is_derived_from_the_root_that_it_names() {
        let dir = make_dir("epoch");
        write_key_sets(&["acme"], &["netflix"], &dir).expect("is writable");
        let (edge, acme) = (dir.join(EDGE_FILE), ["acme".to_owned()]);
        let epoch = |text: &str| KeyEpoch::parse(text).expect("is one");
        let written = write_epoch(&edge, &acme, &epoch("r1.2"), &dir).expect("is writable");
        assert_eq!(written, [dir.join("origin-acme-r1.2.json")]);
        let ring = read_ring(&written[0]);
        assert!(ring.find(KeyUse::EdgeToOrigin, "acme-edge-to-origin-r1.2").is_some());
        assert!(ring.find(KeyUse::EdgeToOrigin, "acme-edge-to-origin-r1.1").is_none());
        let next = write_next_root(&edge, &dir).expect("is writable");
        let foreign = write_epoch(&edge, &acme, &epoch("r2.1"), &dir).expect_err("is another root's");
        assert!(foreign.to_string().contains("no such root key"), "{foreign}");
        let written = write_epoch(&next, &acme, &epoch("r2.1"), &dir).expect("is writable");
        assert!(read_ring(&written[0]).find(KeyUse::SignupToken, "acme-signup-token-r2.1").is_some());
        fs::remove_dir_all(dir).expect("is ours");
    }

    #[test]
    fn key_files_are_private_and_never_overwritten() {
        let dir = make_dir("sets");
        let written = write_key_sets(&["acme"], &["netflix"], &dir).expect("is writable");
        assert_eq!(written.len(), 4);
        let complete = |operators: &[&str]| {
            are_key_sets_complete(operators, &["netflix"], &dir).expect("has randomness")
        };
        assert!(complete(&["acme"]) && !complete(&["acme", "nova"]));
        for file in &written {
            assert_eq!(fs::metadata(file).expect("is there").permissions().mode() & 0o777, 0o600);
        }
        let before = fs::read(dir.join(EDGE_FILE)).expect("is readable");
        let again = write_key_sets(&["acme"], &["netflix"], &dir).expect_err("is refused");
        assert!(again.to_string().contains("never overwritten"), "{again}");
        assert_eq!(fs::read(dir.join(EDGE_FILE)).expect("is readable"), before);
        let fewer = fs::read_to_string(dir.join("origin-acme.json")).expect("is readable");
        let fewer: Vec<&str> = fewer.lines().filter(|line| !line.contains("origin-to-partner")).collect();
        fs::write(dir.join("origin-acme.json"), fewer.join("\n").replace("},\n]", "}\n]"))
            .expect("is writable");
        assert!(!complete(&["acme"]));
        fs::remove_dir_all(dir).expect("is ours");
    }
}
