//! The edge's key-value stores. `PAI_MAPPINGS` has what the edge has learnt: `pai/{pai}` → the
//! operator that has the subscriber, and `transaction/{partner}/{hash}` → the operator that has the
//! charge. It holds no number and no money. `OPERATORS_KV` has what a deployment says of its operators
//! (`operator/{id}`), with the logos and fonts of the widget (`logo/{id}`, `font/{id}`), and the edge only reads it.

use crate::digest::sha256;
use crate::encoding::encode_base64url;
use crate::ids::{ExtId, FontId, LogoId, OperatorId, PartnerId};
use crate::pai::{Pai, PaiState};
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

/// The key of a PAI's mapping.
pub fn pai_key(pai: Pai) -> String {
    format!("pai/{pai}")
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
