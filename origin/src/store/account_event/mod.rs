//! What happens to accounts: recorded once, applied whole or not at all.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, NumberIndex, SealedNumber};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::ids::ExtId;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome;

impl Store {
    /// Records an event, once for ever, and applies it whole or not at all. `nonce` is that of a signed call; a person
    /// who reads in a file has none.
    pub async fn record_event(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewEvent,
    ) -> Result<EventRecord, StoreError> {
        use_case!(self, write(nonce), record(now, &new))
    }

    /// When the number was last put on another SIM, as far as is known.
    pub async fn sim_swapped_at(&self, number: NumberIndex) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, read, sim_swapped_at(number))
    }
}

/// An event to record.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The operator's name for it.
    pub event_id: ExtId,
    /// Keyed hash of everything in it: what it is compared by when it comes again.
    pub fingerprint: Hash,
    /// What happened.
    pub event: AccountEvent,
    /// To whose number.
    pub number: NumberIndex,
    /// Which number they have now, when it has changed.
    pub new_number: Option<SealedNumber>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// How recording an event went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventRecord {
    /// Recorded now, with what became of it.
    Recorded(AccountEventOutcome),
    /// Recorded before: the same answer.
    Replayed(AccountEventOutcome),
    /// Recorded before, with other contents.
    Conflict,
}
