//! PAIs, and the subscribers that they stand for.

pub(super) mod postgres;
pub(super) mod postgres_lock;
pub(super) mod sqlite;

use crate::ambient::Random;
use crate::config::NumberCheckLimits;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, NumberIndex, SealedNumber};
use crate::store::tally::{NumberCheck, Tallied};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Finds or creates the PAI of a number's present subscriber, and has the edge informed of a
    /// new one. When the number's `subscriber_ref` has changed, it has a new subscriber, and the
    /// PAIs of the earlier one are closed permanently. The caller has checked the account at `now`,
    /// and it is active: PAIs that were suspended before then are active again. There is
    /// no nonce when the call has spent it on a PIN. `None` when the flow that has proved the number
    /// is over.
    pub async fn issue_pai(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewPai,
    ) -> Result<Option<PaiRow>, StoreError> {
        use_case!(self, write(nonce), issue_pai(now, &new))
    }

    /// Does the same for a partner's check of a number, which is counted first.
    pub async fn issue_checked_pai(
        &self,
        nonce: Nonce,
        now: Timestamp,
        limits: NumberCheckLimits,
        new: NewPai,
    ) -> Result<Tallied<PaiRow>, StoreError> {
        use_case!(self, write(nonce), issue_checked_pai(now, limits, &new))
    }

    pub async fn find_pai(&self, partner: PartnerId, pai: Pai) -> Result<Option<PaiRow>, StoreError> {
        use_case!(self, read, find_pai(&partner, pai))
    }

    /// The open PAI of the number's present subscriber at a partner, if they have one. `None` when the
    /// present subscriber is another than `subscriber_ref`.
    pub async fn find_pai_of_number(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        subscriber_ref: String,
    ) -> Result<Option<Pai>, StoreError> {
        use_case!(self, read, find_pai_of_number(&partner, number, &subscriber_ref))
    }

    /// The status that the partner and the edge are to know.
    pub async fn find_pai_status(&self, pai: Pai) -> Result<Option<PaiStatus>, StoreError> {
        use_case!(self, read, find_pai_status(pai))
    }

    /// Whether a partner's subscription is of a PAI that is dark.
    pub async fn is_dark_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError> {
        use_case!(self, read, is_dark_subscription(&partner, &id))
    }

    /// A page of all PAIs after `after`, ordered by PAI, without those that are dark: no other party
    /// learns of them.
    pub async fn list_pai_statuses(
        &self,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<(Pai, PaiStatus)>, StoreError> {
        use_case!(self, read, list_pai_statuses(after, limit))
    }

    /// Closes a PAI permanently. The reason must be one that closes PAIs.
    pub async fn close_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<ClosePaiResult, StoreError> {
        use_case!(self, write, close_pai(now, &partner, pai, reason))
    }
}

/// A subscriber's PAI, to be found or created.
#[derive(Clone, Debug)]
pub struct NewPai {
    pub partner: PartnerId,
    pub number: SealedNumber,
    pub subscriber_ref: String,
    /// The flow in which the number was proved, which must still be open: an account event may have
    /// ended it since. `None` when nothing but the caller's word proves the number.
    pub proved_in: Option<Hash>,
    /// Used where subscriber or PAI must be created.
    pub fresh: NewPaiIds,
}

impl NewPai {
    pub(in crate::store) fn to_check(&self, limits: NumberCheckLimits) -> NumberCheck {
        NumberCheck { partner: self.partner.clone(), number: self.number.index, limits }
    }
}

/// Random ids for the rows that do not exist yet.
#[derive(Clone, Debug)]
pub struct NewPaiIds {
    pub subscriber_id: String,
    /// The subscriber's id towards the edge.
    pub handle: String,
    pub pai: Pai,
}

impl NewPaiIds {
    pub fn draw(random: &dyn Random) -> Self {
        Self { subscriber_id: random.uuid(), handle: random.uuid(), pai: Pai::from_random(random.bytes()) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaiRow {
    pub pai: Pai,
    pub handle: String,
    pub state: PaiState,
    /// Grows with every change.
    pub version: u64,
    /// It was loaded from another system's file, and is not cut over: that system charges it.
    pub is_dark: bool,
}

/// The status of a PAI as it is reported to partner and edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaiStatus {
    pub partner: PartnerId,
    pub handle: String,
    pub state: PaiState,
    pub closed_reason: Option<DeclineReason>,
    /// Grows with every change, so that a listener can drop an older status.
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosePaiResult {
    Closed,
    /// It was closed before, for this reason, which stays.
    AlreadyClosed(DeclineReason),
    NotFound,
    /// The reason is not one that closes a PAI.
    NotAClosingReason,
    /// It is dark: another system charges it, and would continue.
    NotCutOver,
}
