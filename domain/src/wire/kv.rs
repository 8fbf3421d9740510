//! The edge's key-value store: `pai/{pai}` → the operator that has the subscriber. It holds no
//! number and no money.

use crate::ids::OperatorId;
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
