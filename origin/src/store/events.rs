//! The part of the books that follows what happens to accounts, and remembers who has yet to hear of it.

use super::{Hash, NumberIndex, SealedNumber, StoreError};
use async_trait::async_trait;
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome;

/// Accounts and their PAIs, as the years go by.
#[async_trait]
pub trait Events: Send + Sync {
    /// Records an event, once for ever, and applies it whole or not at all. `nonce` is that of a signed call; a person
    /// who reads in a file has none.
    async fn record_event(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewEvent,
    ) -> Result<EventRecord, StoreError>;

    /// When the number was last put on another SIM, as far as is known.
    async fn sim_swapped_at(&self, number: NumberIndex) -> Result<Option<Timestamp>, StoreError>;

    /// How a PAI stands now: what its partner and the edge are told.
    async fn standing_of_pai(&self, pai: Pai) -> Result<Option<PaiStanding>, StoreError>;

    /// A page of all PAIs there are, in their own order, after `after`.
    async fn standings(&self, after: Option<Pai>, limit: u32) -> Result<Vec<(Pai, PaiStanding)>, StoreError>;
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

/// How a PAI stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaiStanding {
    /// Whose it is.
    pub partner: PartnerId,
    /// The subscriber's handle.
    pub handle: String,
    /// What it may be used for.
    pub state: PaiState,
    /// Why it is closed.
    pub closed_reason: Option<DeclineReason>,
    /// Grows with every change.
    pub version: u64,
}
