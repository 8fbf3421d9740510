//! Which party holds which half of each key.

use ed25519_dalek::SigningKey;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::KeyUse;
use serde_json::{Value, json};

use super::files::{EDGE_FILE, KeyFile, operator_file, origin_file, partner_file};
use super::random::random_secret;
use crate::failure::Outcome;

/// One key, as the files of its parties have it.
pub(super) struct KeyEntry {
    full: Value,
    verifying: Value,
    signers: Vec<String>,
    verifiers: Vec<String>,
}

impl KeyEntry {
    pub(super) fn held_by(full: Value, signers: Vec<String>) -> Self {
        Self { verifying: full.clone(), full, signers, verifiers: Vec::new() }
    }
}

/// The files of all parties of these keys, in the order in which they first have one.
pub(super) fn sort_into_files(entries: Vec<KeyEntry>) -> Vec<KeyFile> {
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
pub(super) fn make_operator_entries(id: &str) -> Outcome<Vec<KeyEntry>> {
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
pub(super) fn make_partner_entries(id: &str, operators: &[&str]) -> Outcome<Vec<KeyEntry>> {
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
pub(super) fn make_webhook_key(operator: &str, partner: &str, partner_file: &str) -> Outcome<KeyEntry> {
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
