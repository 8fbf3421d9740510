//! What a group of look-ups takes.

use crate::store::number::NumberIndex;

/// The account of this number is looked up.
pub(in crate::store) struct AccountLookup {
    pub(in crate::store) number: NumberIndex,
}
