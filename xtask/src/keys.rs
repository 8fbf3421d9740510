//! `cargo xtask keys`: generates matching key sets, one file for each holder. `make_key_entries` lists which party holds
//! which half of each key; the meaning of the uses is in `onbill_domain::key`.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::KeyUse;
use serde_json::{Value, json};

use crate::failure::{Context, Failure, Outcome};

/// Length of every secret and seed: that of an HMAC-SHA-256 key and of an Ed25519 seed.
const SECRET_BYTES: usize = 32;

/// Writes the key sets of these parties into `dir` and returns the files. Fails when one of the files exists: what an
/// overwritten key has sealed or signed would be lost.
pub(crate) fn write_key_sets(operators: &[&str], partners: &[&str], dir: &Path) -> Outcome<Vec<PathBuf>> {
    let files = make_key_sets(operators, partners)?;
    for (name, _) in &files {
        let path = dir.join(name);
        if path.exists() {
            return Err(Failure::new(format!(
                "{} is already there, and keys are never overwritten",
                path.display()
            )));
        }
    }
    fs::create_dir_all(dir).context(&format!("make {}", dir.display()))?;
    files.into_iter().map(|(name, keys)| write_key_file(&dir.join(name), &keys)).collect()
}

/// Whether `dir` has these parties' key sets with a key for every use: those of an earlier version may lack one.
pub(crate) fn are_key_sets_complete(operators: &[&str], partners: &[&str], dir: &Path) -> Outcome<bool> {
    let names = |keys: &[Value]| -> BTreeSet<String> {
        keys.iter().map(|key| format!("{} {}", key["party"], key["use"])).collect()
    };
    let is_complete = |(name, keys): (String, Vec<Value>)| {
        let text = fs::read_to_string(dir.join(name)).ok();
        let there = text.and_then(|text| serde_json::from_str::<Vec<Value>>(&text).ok());
        there.is_some_and(|there| names(&keys).is_subset(&names(&there)))
    };
    Ok(make_key_sets(operators, partners)?.into_iter().all(is_complete))
}

/// Makes the key set of each holder, with the name of its file.
fn make_key_sets(operators: &[&str], partners: &[&str]) -> Outcome<Vec<(String, Vec<Value>)>> {
    let mut files = vec![(EDGE_FILE.to_owned(), Vec::new())];
    files.extend(
        operators.iter().flat_map(|id| [(origin_file(id), Vec::new()), (operator_file(id), Vec::new())]),
    );
    files.extend(partners.iter().map(|id| (partner_file(id), Vec::new())));
    for entry in make_key_entries(operators, partners)? {
        for (name, keys) in &mut files {
            if entry.signers.contains(name) {
                keys.push(entry.full.clone());
            } else if entry.verifiers.contains(name) {
                keys.push(entry.verifying.clone());
            }
        }
    }
    Ok(files)
}

/// One key, as the files of its holders have it.
struct KeyEntry {
    full: Value,
    verifying: Value,
    signers: Vec<String>,
    verifiers: Vec<String>,
}

fn make_key_entries(operators: &[&str], partners: &[&str]) -> Outcome<Vec<KeyEntry>> {
    let mut entries = Vec::new();
    for &id in operators {
        let party = Party { kind: "operator", id };
        let (origin, operator, edge) = (origin_file(id), operator_file(id), EDGE_FILE.to_owned());
        entries.extend([
            party.make_shared_key(KeyUse::EdgeToOrigin, [&edge, &origin])?,
            party.make_shared_key(KeyUse::OriginToEdge, [&origin, &edge])?,
            party.make_shared_key(KeyUse::SignupToken, [&origin, &edge])?,
            party.make_shared_key(KeyUse::OriginToOperator, [&origin, &operator])?,
            party.make_shared_key(KeyUse::OperatorToOrigin, [&operator, &origin])?,
            party.make_shared_key(KeyUse::SessionAssertion, [&operator, &origin])?,
            party.make_shared_key(KeyUse::ReturnResult, [&origin, &operator])?,
            party.make_shared_key(KeyUse::NumberSealing, [&origin, &origin])?,
        ]);
    }
    for &id in partners {
        let party = Party { kind: "partner", id };
        let (edge, partner) = (EDGE_FILE.to_owned(), partner_file(id));
        entries.push(party.make_shared_key(KeyUse::EdgeToPartner, [&edge, &partner])?);
        let origins = operators.iter().map(|id| origin_file(id));
        entries.push(party.make_key_pair(KeyUse::PartnerCall, partner, origins.chain([edge]).collect())?);
        for &operator in operators {
            entries.push(make_webhook_key(operator, id)?);
        }
    }
    Ok(entries)
}

/// Makes the secret that signs an origin's webhooks to a partner: one for each pair of operator and partner. Each side's
/// copy names the other side.
fn make_webhook_key(operator: &str, partner: &str) -> Outcome<KeyEntry> {
    let key_use = KeyUse::OriginToPartner.as_str();
    let (name, secret) = (format!("{operator}-{partner}-{key_use}-1"), encode_base64url(&random_secret()?));
    let of = |party: String| json!({ "id": name, "party": party, "use": key_use, "alg": "hmac-sha256", "secret": secret });
    Ok(KeyEntry {
        full: of(format!("partner:{partner}")),
        verifying: of(format!("operator:{operator}")),
        signers: vec![origin_file(operator)],
        verifiers: vec![partner_file(partner)],
    })
}

struct Party<'a> {
    kind: &'a str,
    id: &'a str,
}

impl Party<'_> {
    /// Makes a secret that both holders have in full.
    fn make_shared_key(&self, key_use: KeyUse, holders: [&String; 2]) -> Outcome<KeyEntry> {
        let mut full = self.describe_key(key_use, "hmac-sha256");
        full["secret"] = json!(encode_base64url(&random_secret()?));
        let signers = holders.map(Clone::clone).to_vec();
        Ok(KeyEntry { verifying: full.clone(), full, signers, verifiers: Vec::new() })
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

    fn parse_keyring(files: &[(String, Vec<Value>)], name: &str) -> Keyring {
        let (_, keys) = files.iter().find(|(file, _)| file == name).expect("is among the sets");
        Keyring::parse(&Value::from(keys.clone()).to_string()).expect("the programs can read it")
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

    #[test]
    fn key_files_are_private_and_never_overwritten() {
        let dir = std::env::temp_dir().join(format!("onbill-keys-{}", std::process::id()));
        // A killed run of the same process id may have left files.
        let _ = fs::remove_dir_all(&dir);
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
