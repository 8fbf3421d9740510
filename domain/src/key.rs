//! Keys and the key ring. A key belongs to one party and has one use; its secret cannot be printed.
//!
//! A ring is a JSON array of `{"id", "party", "use", "alg", ...}`. An `hmac-sha256` key has
//! `secret`; an `ed25519` key has `public`, `private` (its seed) or both; all are unpadded
//! base64url. One party and use can have several keys, which is how they rotate: every key
//! verifies, the last one signs. `expiresAt` (RFC 3339) is when the parties have agreed to have
//! replaced a key. It is there for a warning before: a key works until it is taken out of the ring,
//! because a forgotten date must not stop payments at midnight.
//!
//! A JWKS (`key/jwks.rs`) may stand for a whole ring. Within a ring it may stand for the keys of one party
//! and use: `{"party", "use", "jwks": {"keys": [...]}}`.

mod jwks;

use crate::encoding::decode_base64url;
use crate::ids::{OperatorId, PartnerId};
use crate::timestamp::Timestamp;
use crate::wire::read_json;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jwks::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

crate::wire_enum! {
    /// The one use of a key. It is also the `tag` of HTTP signatures, so that a signature made for
    /// one interface is refused by every other.
    pub enum KeyUse {
        /// Calls of the partner, verified at the edge and again at the origin.
        PartnerCall = "partner-call",
        /// Calls of the edge to the partner.
        EdgeToPartner = "edge-to-partner",
        /// Calls of the edge to an operator's origin.
        EdgeToOrigin = "edge-to-origin",
        /// Calls of the origin to the operator's CSP API.
        OriginToOperator = "origin-to-bss",
        /// Calls and signed responses of the origin to the partner. Each pair of operator and
        /// partner has its own key, so that no operator can speak for another.
        OriginToPartner = "origin-to-partner",
        /// Calls of the origin to the edge.
        OriginToEdge = "origin-to-edge",
        /// Calls of the operator's systems to the origin.
        OperatorToOrigin = "bss-to-origin",
        /// The sign-up token.
        SignupToken = "signup-token",
        /// The dashboard's session assertion.
        SessionAssertion = "session-assertion",
        /// The result on the operator's return URL.
        ReturnResult = "return-result",
        /// Encryption and keyed hashes of stored numbers.
        NumberSealing = "numbers",
    }
}

/// The secret half of a key.
#[derive(Clone)]
enum Material {
    HmacSha256(Zeroizing<Vec<u8>>),
    Ed25519 { public: Box<VerifyingKey>, private: Option<Box<SigningKey>> },
}

/// The party that a key is shared with, such as `operator:acme` or `partner:netflix`. A ring may name
/// parties of other forms, whose keys are never used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Party(String);

impl Party {
    /// The party of an operator.
    pub fn operator(operator: &OperatorId) -> Self {
        Self(format!("{OPERATOR}{operator}"))
    }

    /// The party of a partner.
    pub fn partner(partner: &PartnerId) -> Self {
        Self(format!("{PARTNER}{partner}"))
    }

    /// The party as it is written in a key ring.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The operator, if the party is one.
    pub fn operator_id(&self) -> Option<OperatorId> {
        OperatorId::parse(self.0.strip_prefix(OPERATOR)?)
    }

    /// The partner, if the party is one.
    pub fn partner_id(&self) -> Option<PartnerId> {
        PartnerId::parse(self.0.strip_prefix(PARTNER)?)
    }
}

impl AsRef<str> for Party {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const OPERATOR: &str = "operator:";
const PARTNER: &str = "partner:";

/// A key of one party, for one use.
#[derive(Clone)]
pub struct Key {
    /// The `keyid` of signatures (RFC 9421 §2.3) and `kid` of tokens (RFC 7515 §4.1.4).
    pub id: String,
    /// The party that the key is shared with, such as `operator:acme` or `partner:netflix`.
    pub party: Party,
    /// The one use of the key.
    pub key_use: KeyUse,
    /// When the parties have agreed to have replaced it, if they have.
    pub expires_at: Option<Timestamp>,
    material: Material,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {} {})", self.id, self.party, self.key_use.as_str())
    }
}

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

/// One key, as a ring or a JWKS has it.
struct KeyFields {
    id: String,
    party: Party,
    r#use: KeyUse,
    alg: String,
    secret: Option<String>,
    public: Option<String>,
    private: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Key {
    /// Signs `message`; `None` when the ring has only the public half.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.material {
            Material::HmacSha256(secret) => Some(hmac_sha256(secret, message).to_vec()),
            Material::Ed25519 { private, .. } => Some(private.as_ref()?.sign(message).to_bytes().to_vec()),
        }
    }

    /// Verifies a signature, in constant time.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::HmacSha256(secret) => {
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return false };
                mac.update(message);
                mac.verify_slice(signature).is_ok()
            }
            Material::Ed25519 { public, .. } => Signature::from_slice(signature)
                .is_ok_and(|signature| public.verify_strict(message, &signature).is_ok()),
        }
    }

    /// The raw secret of a symmetric key, from which other keys are derived.
    pub fn secret(&self) -> Option<&[u8]> {
        match &self.material {
            Material::HmacSha256(secret) => Some(secret),
            Material::Ed25519 { .. } => None,
        }
    }

    /// Whether the key is a shared secret, which HS256 tokens need.
    pub fn is_symmetric(&self) -> bool {
        matches!(self.material, Material::HmacSha256(_))
    }

    /// A key that is a shared secret of 32 bytes or more, without an agreed end.
    pub(crate) fn symmetric(id: String, party: Party, key_use: KeyUse, secret: Zeroizing<Vec<u8>>) -> Self {
        Self { id, party, key_use, expires_at: None, material: Material::HmacSha256(secret) }
    }

    fn from_fields(fields: KeyFields) -> Result<Self, String> {
        let describe = |what: &str| format!("key {}: {what}", fields.id);
        let bytes32 = |text: &str| -> Option<[u8; 32]> { decode_base64url(text)?.try_into().ok() };
        let material = match (fields.alg.as_str(), fields.r#use) {
            // The edge would hold a shared secret too, and could sign calls in the partner's name.
            ("hmac-sha256", KeyUse::PartnerCall) => {
                return Err(describe("alg must be ed25519 for the use partner-call"));
            }
            ("hmac-sha256", _) => {
                let secret =
                    fields.secret.as_ref().and_then(|text| decode_base64url(text)).map(Zeroizing::new);
                // A secret shorter than the hash weakens the MAC (RFC 2104 §3).
                let secret = secret.filter(|secret| secret.len() >= 32);
                Material::HmacSha256(
                    secret.ok_or_else(|| describe("secret must be 32 bytes or more in base64url"))?,
                )
            }
            ("ed25519", KeyUse::PartnerCall) => {
                let private = match &fields.private {
                    Some(seed) => Some(Zeroizing::new(
                        bytes32(seed).ok_or_else(|| describe("private must be 32 bytes in base64url"))?,
                    )),
                    None => None,
                };
                let private = private.map(|seed| Box::new(SigningKey::from_bytes(&seed)));
                let public = match (&fields.public, &private) {
                    (Some(text), _) => bytes32(text).and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok()),
                    (None, Some(private)) => Some(private.verifying_key()),
                    (None, None) => None,
                };
                let public = public.ok_or_else(|| describe("public must be an Ed25519 key in base64url"))?;
                Material::Ed25519 { public: Box::new(public), private }
            }
            _ => return Err(describe("alg must be hmac-sha256, or ed25519 for the use partner-call")),
        };
        let KeyFields { id, party, r#use: key_use, expires_at, .. } = fields;
        Ok(Self { id, party, key_use, expires_at, material })
    }
}

/// HMAC-SHA-256 (RFC 2104).
///
/// # Panics
/// Never: HMAC takes keys of any length.
pub fn hmac_sha256(secret: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so `new_from_slice` has no failing case.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes any key length");
    mac.update(message);
    mac.finalize().into_bytes().into()
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
            // A signature names its key by id and use, and no party: two keys could not be told apart.
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
    use super::*;
    use crate::encoding::encode_base64url;

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
