//! The key ring of one program, and the forms in which it is written.

use super::jwks::JwkSet;
use super::party::{KeyUse, Party};
use super::signing_key::{Key, KeyFields};
use crate::timestamp::Timestamp;
use crate::wire::read_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An entry of a ring: one key, or a JWKS with the keys of one party and use.
#[derive(Deserialize)]
struct RingEntry {
    id: Option<String>,
    party: Party,
    r#use: KeyUse,
    alg: Option<String>,
    secret: Option<String>,
    public: Option<String>,
    private: Option<String>,
    #[serde(rename = "expiresAt")]
    expires_at: Option<Timestamp>,
    jwks: Option<JwkSet>,
}

impl RingEntry {
    fn into_fields(self) -> Result<Vec<KeyFields>, String> {
        let Self { id, party, r#use, alg, secret, public, private, expires_at, jwks } = self;
        match (id, jwks) {
            (None, Some(set)) => set.into_fields(Some(&party), Some(r#use)),
            (Some(id), None) => {
                let alg = alg.unwrap_or_default();
                Ok(vec![KeyFields { id, party, r#use, alg, secret, public, private, expires_at }])
            }
            (None, None) => Err(format!("an entry of {party} has neither an id nor a JWKS")),
            (Some(id), Some(_)) => Err(format!("key {id}: it is a key or a JWKS, not both")),
        }
    }
}

/// Reads one of the forms. `serde_json` quotes values in its messages, and those are secrets: give the
/// position only.
fn parse_form<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    read_json(json.as_bytes()).map_err(|error| {
        format!("the key ring is not the expected JSON (line {}, column {})", error.line(), error.column())
    })
}

/// All keys of one program.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// Parses a ring, or a JWKS. The error names the key and what is wrong, never its secret.
    pub fn parse(json: &str) -> Result<Self, String> {
        let fields = if json.trim_start().starts_with('{') {
            parse_form::<JwkSet>(json)?.into_fields(None, None)?
        } else {
            let entries = parse_form::<Vec<RingEntry>>(json)?.into_iter();
            entries
                .map(RingEntry::into_fields)
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect()
        };
        let keys = fields.into_iter().map(Key::from_fields).collect::<Result<Vec<_>, _>>()?;
        for (n, key) in keys.iter().enumerate() {
            // A signature names its key by id and use, and no party: two keys could not be distinguished.
            let is_same = |other: &&Key| other.id == key.id && other.key_use == key.key_use;
            if let Some(other) = keys[..n].iter().find(is_same) {
                return Err(format!(
                    "key {}: the id is there twice for {}: of {} and of {}",
                    key.id,
                    key.key_use.as_str(),
                    other.party,
                    key.party
                ));
            }
        }
        Ok(Self { keys })
    }

    pub(crate) fn from_keys(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// All keys, oldest first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// The key with this id and use.
    pub fn find(&self, key_use: KeyUse, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.key_use == key_use && key.id == id)
    }

    /// The key to sign with for `party`: the newest, which is the last one in the ring.
    pub fn signing_key(&self, key_use: KeyUse, party: impl AsRef<str>) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.key_use == key_use && key.party.as_str() == party.as_ref())
    }

    /// All keys of one use, oldest first.
    pub fn keys_for_use(&self, key_use: KeyUse) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.key_use == key_use)
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyUse;
    use super::*;
    use crate::encoding::encode_base64url;
    use ed25519_dalek::SigningKey;

    fn parse_ring(entry: &str) -> Result<Keyring, String> {
        Keyring::parse(&format!("[{entry}]"))
    }

    #[test]
    fn key_ring_never_prints_secrets() {
        let secret = encode_base64url(&[9; 32]);
        let text = format!(
            r#"{{"id":"k1","party":"operator:acme","use":"signup-token","alg":"hmac-sha256","secret":"{secret}"}}"#
        );
        let keys = parse_ring(&text).expect("is well formed");
        assert!(!format!("{keys:?}").contains(&secret));
        assert!(keys.find(KeyUse::SignupToken, "k1").is_some());
        assert!(keys.find(KeyUse::EdgeToOrigin, "k1").is_none(), "a key serves its one use");
        assert!(parse_ring(&format!("{text},{text}")).is_err());
        for bad in [
            text.replace(&secret, &encode_base64url(&[9; 31])),
            text.replace("hmac-sha256", "none"),
            text.replace("hmac-sha256", "ed25519"),
            text.replace("signup-token", "anything"),
            text.replace("signup-token", "partner-call"),
        ] {
            let error_text = parse_ring(&bad).expect_err("is refused");
            assert!(!error_text.contains(&secret), "{error_text}");
        }
    }

    #[test]
    fn id_that_two_parties_have_is_refused_with_both() {
        let entry = |partner: &str, byte: u8| {
            let public = SigningKey::from_bytes(&[byte; 32]).verifying_key();
            format!(
                r#"{{"id":"2027-01","party":"partner:{partner}","use":"partner-call","alg":"ed25519","public":"{}"}}"#,
                encode_base64url(public.as_bytes())
            )
        };
        let complaint = parse_ring(&format!("{},{}", entry("netflix", 3), entry("tunes", 4)));
        let expected =
            "key 2027-01: the id is there twice for partner-call: of partner:netflix and of partner:tunes";
        assert_eq!(complaint.expect_err("is refused"), expected);
    }

    #[test]
    fn expiry_of_a_key_is_optional() {
        let secret = encode_base64url(&[9; 32]);
        let entry = |expiry: &str| {
            format!(
                r#"{{"id":"k1","party":"operator:acme","use":"signup-token","alg":"hmac-sha256","secret":"{secret}"{expiry}}}"#
            )
        };
        let expiry = |text: &str| parse_ring(&entry(text)).map(|ring| ring.keys[0].expires_at);
        assert_eq!(expiry(""), Ok(None));
        let at = Timestamp::parse("2027-06-30T00:00:00Z");
        assert_eq!(expiry(r#","expiresAt":"2027-06-30T00:00:00Z""#), Ok(at));
        assert!(expiry(r#","expiresAt":"next summer""#).is_err());
    }

    #[test]
    fn public_half_verifies_and_cannot_sign() {
        let entry = |half: &str, value: &str| {
            format!(
                r#"{{"id":"n","party":"partner:netflix","use":"partner-call","alg":"ed25519","{half}":"{value}"}}"#
            )
        };
        let signer = parse_ring(&entry("private", &encode_base64url(&[3; 32]))).expect("is well formed");
        let public = encode_base64url(SigningKey::from_bytes(&[3; 32]).verifying_key().as_bytes());
        let verifier = parse_ring(&entry("public", &public)).expect("is well formed");
        let (signer, verifier) = (&signer.keys[0], &verifier.keys[0]);
        let signature = signer.sign(b"charge").expect("has the private half");
        assert!(verifier.verify(b"charge", &signature));
        assert!(!verifier.verify(b"Charge", &signature));
        assert_eq!(verifier.sign(b"charge"), None);
    }
}
