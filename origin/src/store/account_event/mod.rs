//! Account events of the operator: recorded once, applied as a whole or not at all.

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
    /// Records an event, once, and applies it. There is no nonce when the event comes from a file.
    pub async fn record_account_event(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewAccountEvent,
    ) -> Result<RecordEventResult, StoreError> {
        use_case!(self, write(nonce), record_account_event(now, &new))
    }

    /// When the number was last put on another SIM, as far as is known.
    pub async fn find_sim_swap_time(&self, number: NumberIndex) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, read, find_sim_swap_time(number))
    }
}

#[derive(Clone, Debug)]
pub struct NewAccountEvent {
    pub event_id: ExtId,
    /// Keyed hash of the whole event: a replay must have the same.
    pub fingerprint: Hash,
    pub event: AccountEvent,
    pub number: NumberIndex,
    /// Set when the event is that the number has changed.
    pub new_number: Option<SealedNumber>,
    pub occurred_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordEventResult {
    /// Recorded now, with this outcome.
    Recorded(AccountEventOutcome),
    /// Recorded before, with this outcome.
    Replayed(AccountEventOutcome),
    /// Recorded before, with other contents.
    Conflict,
}
