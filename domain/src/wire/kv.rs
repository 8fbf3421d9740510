//! The edge's key-value stores. `PAI_MAPPINGS` has what the edge has learnt: `pai/{pai}` or
//! `pai-mac/{hash}` → the operator that has the subscriber, and `transaction/{partner}/{hash}` → the operator that has the
//! charge. It holds no number and no money. `OPERATORS_KV` has what a deployment says of its operators
//! (`operator/{id}`), with the logos and fonts of the widget (`logo/{id}`, `font/{id}`), and the edge only reads it.

use crate::digest::sha256;
use crate::encoding::encode_base64url;
use crate::ids::{ExtId, FontId, LogoId, OperatorId, PartnerId};
use crate::pai::{Pai, PaiState};
use crate::root_key::RootKey;
use serde::{Deserialize, Serialize};

/// The value at [`pai_key`]. A `CLOSED` one stays as a tombstone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaiMapping {
    /// The operator whose origin has the subscriber.
    pub operator: OperatorId,
    /// The origin's opaque handle of the subscriber, which the origin compares with its own.
    pub subscriber: String,
    /// What the PAI may be used for.
    pub state: PaiState,
    /// Grows with every change; an older version never overwrites a newer one.
    pub version: u64,
}

/// The key of a PAI's mapping. A keyed hash stands for a PAI that onbill did not issue: the other
/// system may have made it of the number, and no key of a store may reveal that. Half of an HMAC is as
/// unlikely to meet another one as a random UUID is.
pub fn pai_key(root: &RootKey, pai: Pai) -> String {
    if pai.random_bytes().is_some() {
        return format!("pai/{pai}");
    }
    format!("pai-mac/{}", encode_base64url(&root.pai_mac(pai)[..16]))
}

/// The value at [`transaction_key`]: who answered a charge of that name. It is a hint, as everything
/// in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionMapping {
    /// The operator; `None` when a second one answered a charge of the same name.
    pub operator: Option<OperatorId>,
    /// When it was written, in Unix seconds.
    pub since: i64,
}

/// The key of a charge's mapping. Half a SHA-256 hash stands for the partner's id, which can be
/// anything and of any length.
pub fn transaction_key(partner: &PartnerId, id: &ExtId) -> String {
    let hash = sha256(id.as_str().as_bytes());
    format!("transaction/{partner}/{}", encode_base64url(&hash[..16]))
}

/// What the keys of all operators' entries begin with.
pub const OPERATOR_KEY_PREFIX: &str = "operator/";

/// The key of an operator's entry.
pub fn operator_key(operator: &OperatorId) -> String {
    format!("{OPERATOR_KEY_PREFIX}{operator}")
}

/// The key of a logo: its SVG.
pub fn logo_key(logo: &LogoId) -> String {
    format!("logo/{logo}")
}

/// The key of a font: its WOFF2 in base64.
pub fn font_key(font: &FontId) -> String {
    format!("font/{font}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(byte: u8) -> RootKey {
        RootKey::parse(&format!("r1.{}", encode_base64url(&[byte; 32]))).expect("is well formed")
    }

    #[test]
    fn key_shows_no_pai_that_onbill_did_not_issue() {
        let issued = Pai::from_random([7; 16]);
        assert_eq!(pai_key(&root(1), issued), format!("pai/{issued}"));
        let pai = |text| Pai::parse(text).expect("is a PAI");
        let key = pai_key(&root(1), pai("12025550101"));
        let hash = key.strip_prefix("pai-mac/").expect("is a hash");
        assert_eq!(hash.len(), 22, "16 bytes");
        assert_eq!(pai_key(&root(1), pai("12025550101")), key);
        for (byte, text) in [(2, "12025550101"), (1, "12025550102"), (1, "012025550101")] {
            assert_ne!(pai_key(&root(byte), pai(text)), key);
        }
    }
}
