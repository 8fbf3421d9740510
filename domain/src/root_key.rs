//! The edge's root key, from which its keys with each operator's origin are derived. The edge keeps
//! one secret for all operators; an origin keeps the derived keys in its ring, as any others, and
//! cannot know that they are derived.
//!
//! Deliberately not here: keys that the edge has no part in, or has the public half of. Those are in
//! rings ([`crate::key`]).

use crate::encoding::decode_base64url;
use crate::ids::OperatorId;
use crate::key::{Key, KeyUse, Keyring, Party, hmac_sha256};
use crate::pai::Pai;
use hkdf::Hkdf;
use serde::{Deserialize, Deserializer, de};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// What edge and origin share. A key of one use reveals nothing about another's.
pub const DERIVED_USES: [KeyUse; 3] = [KeyUse::EdgeToOrigin, KeyUse::OriginToEdge, KeyUse::SignupToken];

/// Keeps these keys apart from whatever else the same secret could be used for.
const SALT: &[u8] = b"onbill edge root v1";
const SECRET_BYTES: usize = 32;
/// Has no line feed, as the input of every key with an operator has.
const PAI_MAC_INFO: &str = "pai of the edge's store";
/// A year, or a name such as `r1`.
const ROOT_ID_BYTES_MAX: usize = 8;
/// An operator that rotates its keys every day needs ten years for them.
const EPOCH_NUMBER_MAX: u32 = 9999;

/// Which keys of an operator are meant: those of a root key by its id, and a number that grows with
/// each rotation. It is written `r1.2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEpoch {
    root: String,
    number: u32,
}

impl KeyEpoch {
    /// Parses the one spelling of an epoch.
    pub fn parse(text: &str) -> Option<Self> {
        let (root, digits) = text.split_once('.')?;
        let number = digits.parse().ok().filter(|number| (1..=EPOCH_NUMBER_MAX).contains(number))?;
        let epoch = Self { root: root.to_owned(), number };
        (is_root_id(root) && epoch.to_string() == text).then_some(epoch)
    }

    /// The first epoch of a root key.
    pub fn first(root: &RootKey) -> Self {
        Self { root: root.id.clone(), number: 1 }
    }

    /// Whether its keys are derived from this root key.
    pub fn is_of(&self, root: &RootKey) -> bool {
        self.root == root.id
    }
}

impl fmt::Display for KeyEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.root, self.number)
    }
}

impl<'de> Deserialize<'de> for KeyEpoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a key epoch such as r1.2"))
    }
}

/// A root key. It is written with its id, as `r1.` and 32 bytes in unpadded base64url.
#[derive(Clone)]
pub struct RootKey {
    id: String,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.id)
    }
}

impl RootKey {
    /// Parses the text of a root key.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.trim().split_once('.')?;
        let secret = Zeroizing::new(decode_base64url(secret)?);
        let secret = Zeroizing::new(<[u8; SECRET_BYTES]>::try_from(&secret[..]).ok()?);
        is_root_id(id).then(|| Self { id: id.to_owned(), secret })
    }

    /// The id, which epochs name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Derives a key. Use, operator and number are each of another alphabet than the line feed between
    /// them: two different keys never have one input.
    fn derive(&self, key_use: KeyUse, operator: &OperatorId, epoch: &KeyEpoch) -> Key {
        let party = Party::operator(operator);
        let secret = self.expand(&format!("{}\n{party}\n{}", key_use.as_str(), epoch.number));
        Key::symmetric(format!("{operator}-{}-{epoch}", key_use.as_str()), party, key_use, secret)
    }

    /// A keyed hash of a PAI, for the edge's own store: who can list the store and lacks this key can
    /// test no guess. It changes with the root key.
    pub fn pai_mac(&self, pai: Pai) -> [u8; 32] {
        hmac_sha256(&self.expand(PAI_MAC_INFO), pai.as_str().as_bytes())
    }

    /// HKDF (RFC 5869).
    fn expand(&self, info: &str) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(vec![0; SECRET_BYTES]);
        Hkdf::<Sha256>::new(Some(SALT), &self.secret[..])
            .expand(info.as_bytes(), &mut secret)
            .expect("HKDF gives up to 255 times 32 bytes");
        secret
    }
}

/// Derives what the edge shares with an operator's origin in these epochs, in their order: as in any
/// ring, every key verifies and the last one signs. The error names what is wrong, never a secret.
///
/// # Panics
/// Never: HKDF gives more bytes than a key has.
pub fn derive_operator_keys(
    roots: &[RootKey],
    operator: &OperatorId,
    epochs: &[KeyEpoch],
) -> Result<Keyring, String> {
    let mut keys = Vec::new();
    for epoch in epochs {
        let root = roots.iter().find(|root| epoch.is_of(root));
        let root = root.ok_or_else(|| format!("key_epochs names {epoch}, and there is no such root key"))?;
        keys.extend(DERIVED_USES.map(|key_use| root.derive(key_use, operator, epoch)));
    }
    Ok(Keyring::from_keys(keys))
}

/// The operator that the id of a derived key names. Only a verified signature proves that it is true.
pub fn operator_of_key(key_use: KeyUse, key_id: &str) -> Option<OperatorId> {
    let (name, epoch) = key_id.rsplit_once('-')?;
    KeyEpoch::parse(epoch)?;
    OperatorId::parse(name.strip_suffix(key_use.as_str())?.strip_suffix('-')?)
}

fn is_root_id(text: &str) -> bool {
    (1..=ROOT_ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::encode_base64url;
    use std::collections::BTreeSet;

    fn root(id: &str, byte: u8) -> RootKey {
        RootKey::parse(&format!("{id}.{}", encode_base64url(&[byte; 32]))).expect("is well formed")
    }

    fn operator(id: &str) -> OperatorId {
        OperatorId::parse(id).expect("is a slug")
    }

    fn epochs(texts: &[&str]) -> Vec<KeyEpoch> {
        texts.iter().map(|text| KeyEpoch::parse(text).expect("is an epoch")).collect()
    }

    fn secrets(roots: &[RootKey], id: &str, of: &[&str]) -> Vec<Vec<u8>> {
        let ring = derive_operator_keys(roots, &operator(id), &epochs(of)).expect("are known roots");
        let keys = DERIVED_USES.iter().flat_map(|key_use| ring.keys_for_use(*key_use));
        keys.map(|key| key.secret().expect("is shared").to_vec()).collect()
    }

    #[test]
    fn derived_key_differs_by_operator_use_epoch_and_root() {
        let roots = [root("r1", 1), root("r2", 2)];
        let mut all = Vec::new();
        for id in ["acme", "nova", "acme-2"] {
            all.extend(secrets(&roots, id, &["r1.1", "r1.2", "r2.1", "r2.2"]));
        }
        assert_eq!(all.len(), 36);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(secrets(&roots, "acme", &["r1.1"]), secrets(&[root("r1", 1)], "acme", &["r1.1"]));
    }

    /// Origins have these keys in files: another derivation would lock them all out.
    #[test]
    fn derived_key_is_pinned() {
        let ring = derive_operator_keys(&[root("r1", 7)], &operator("acme"), &epochs(&["r1.1"]));
        let ring = ring.expect("is a known root");
        let key = ring.find(KeyUse::EdgeToOrigin, "acme-edge-to-origin-r1.1").expect("is there");
        // RFC 5869 with HMAC: extract, then the one block of the expansion.
        let extracted = crate::key::hmac_sha256(b"onbill edge root v1", &[7; 32]);
        let block = crate::key::hmac_sha256(&extracted, b"edge-to-origin\noperator:acme\n1\x01");
        assert_eq!(key.secret(), Some(&block[..]));
        assert_eq!(key.party, Party::operator(&operator("acme")));
    }

    #[test]
    fn last_epoch_signs_and_all_verify() {
        let roots = [root("r1", 1), root("r2", 2)];
        let ring = derive_operator_keys(&roots, &operator("acme"), &epochs(&["r2.1", "r1.9"]));
        let ring = ring.expect("are known roots");
        let signing = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
        assert_eq!(signing.id, "acme-edge-to-origin-r1.9");
        assert!(ring.find(KeyUse::OriginToEdge, "acme-origin-to-edge-r2.1").is_some());
        assert!(ring.find(KeyUse::EdgeToOrigin, "acme-origin-to-edge-r2.1").is_none());
        let unknown = derive_operator_keys(&roots, &operator("acme"), &epochs(&["r3.1"]));
        assert_eq!(unknown.expect_err("is unknown"), "key_epochs names r3.1, and there is no such root key");
    }

    #[test]
    fn key_id_names_its_operator() {
        for id in ["acme", "acme-signup-token-1", "a1-2"] {
            let ring = derive_operator_keys(&[root("r1", 1)], &operator(id), &epochs(&["r1.12"]));
            for key_use in DERIVED_USES {
                let ring = ring.as_ref().expect("is a known root");
                let key = ring.keys_for_use(key_use).next().expect("is there");
                assert_eq!(operator_of_key(key_use, &key.id), Some(operator(id)));
                assert_eq!(operator_of_key(KeyUse::PartnerCall, &key.id), None);
            }
        }
        for other in [
            "",
            "acme",
            "acme-signup-token",
            "acme-signup-token-1",
            "-signup-token-r1.1",
            "signup-token-r1.1",
        ] {
            assert_eq!(operator_of_key(KeyUse::SignupToken, other), None, "{other}");
        }
    }

    #[test]
    fn epoch_and_root_have_one_spelling() {
        for bad in [
            "",
            "r1",
            "r1.",
            ".1",
            "r1.0",
            "r1.01",
            "r1.+1",
            "R1.1",
            "r-1.1",
            "r1.10000",
            "r12345678.1",
            "r1.1.1",
        ] {
            assert_eq!(KeyEpoch::parse(bad), None, "{bad}");
        }
        let secret = encode_base64url(&[9; 32]);
        for bad in
            [secret.clone(), format!("r1.{}", &secret[1..]), format!("R1.{secret}"), format!("r1.{secret}=")]
        {
            assert!(RootKey::parse(&bad).is_none(), "{bad}");
        }
        let root = RootKey::parse(&format!("r1.{secret}\n")).expect("a file ends with a line feed");
        assert_eq!(format!("{root:?} {}", KeyEpoch::first(&root)), "RootKey(r1) r1.1");
    }
}
