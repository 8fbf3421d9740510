//! One key: what it signs and verifies, and how its fields are read.

use super::party::{KeyUse, Party};
use crate::encoding::decode_base64url;
use crate::timestamp::Timestamp;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The secret half of a key.
#[derive(Clone)]
pub(super) enum Material {
    HmacSha256(Zeroizing<Vec<u8>>),
    Ed25519 { public: Box<VerifyingKey>, private: Option<Box<SigningKey>> },
}

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
    pub(super) material: Material,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {} {})", self.id, self.party, self.key_use.as_str())
    }
}

/// One key, as a ring or a JWKS has it.
pub(super) struct KeyFields {
    pub(super) id: String,
    pub(super) party: Party,
    pub(super) r#use: KeyUse,
    pub(super) alg: String,
    pub(super) secret: Option<String>,
    pub(super) public: Option<String>,
    pub(super) private: Option<String>,
    pub(super) expires_at: Option<Timestamp>,
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

    pub(super) fn from_fields(fields: KeyFields) -> Result<Self, String> {
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
