//! What a group of answers takes.

use crate::store::queue::outcome::ChargeOutcome;
use onbill_domain::timestamp::Timestamp;

/// The outcome of a first attempt at a charge, which waits for its group.
pub(in crate::store) struct AnsweredCharge {
    pub(in crate::store) now: Timestamp,
    pub(in crate::store) transaction_id: String,
    pub(in crate::store) outcome: ChargeOutcome,
}
