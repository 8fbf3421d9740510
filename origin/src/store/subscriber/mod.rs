//! Erasures: a person is forgotten by destroying what leads from PAIs, charges and totals back to a number.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use onbill_domain::ids::ExtId;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Erases a number: the PAIs of its present subscriber are closed for ever, and whoever has or had it is without
    /// number and name from then on. Its flows go, and its account events are nobody's. Charges, refunds, PAIs and totals
    /// stay. `name` is the operator's for it, once for ever; a person who asks for it here and now has none.
    ///
    /// A number that stands in a file which is still being written goes with a later [`super::Store::sweep`].
    pub async fn erase(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        name: Option<ExtId>,
        number: NumberIndex,
    ) -> Result<Erasure, StoreError> {
        use_case!(self, steps, erase(nonce, now, name, number))
    }
}

/// How an erasure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Nothing of before it leads to the number.
    Erased,
    /// A file that is being written needs the number; nothing else has it.
    Erasing,
    /// Its name was another erasure's: this number has a subscriber, a flow or an event that was there before that, and was
    /// not erased.
    Conflict,
}

/// A subscriber under a number, as [`judge`] looks at them.
pub(in crate::store) struct Under {
    pub(in crate::store) created_at: Timestamp,
    pub(in crate::store) is_being_erased: bool,
}

/// How an erasure of that time stands, by who is under the number now, and by whether anything else of before then is. What was
/// asked for is not on record: it would lead back to the number. Whoever has signed up since is none of its business.
pub(in crate::store) fn judge(asked_at: Timestamp, under: &[Under], has_traces: bool) -> Erasure {
    if has_traces || under.iter().any(|one| !one.is_being_erased && one.created_at <= asked_at) {
        Erasure::Conflict
    } else if under.iter().any(|one| one.is_being_erased) {
        Erasure::Erasing
    } else {
        Erasure::Erased
    }
}
