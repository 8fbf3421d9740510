//! PAIs, and the subscribers that they stand for.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::ambient::Random;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::SealedNumber;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// The PAI of a number's holder, who is put on record, and gets one, where that has not been done. A number whose
    /// subscriber_ref has changed has a new holder: the old one's PAIs are closed, for ever. `now` is from before the
    /// account's standing was asked, which was good: what was held by then is released. The edge is told of a PAI that
    /// is new. A call that has spent its nonce on a PIN has none left.
    pub async fn issue_pai(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewPai,
    ) -> Result<PaiRow, StoreError> {
        use_case!(self, write(nonce), issue_and_tell(now, &new))
    }

    /// Who a PAI of this partner stands for.
    pub async fn pai(&self, partner: PartnerId, pai: Pai) -> Result<Option<PaiRow>, StoreError> {
        use_case!(self, read, find(&partner, pai))
    }

    /// How a PAI stands now: what its partner and the edge are told.
    pub async fn standing_of_pai(&self, pai: Pai) -> Result<Option<PaiStanding>, StoreError> {
        use_case!(self, read, standing_of_pai(pai))
    }

    /// A page of all PAIs there are, in their own order, after `after`.
    pub async fn standings(
        &self,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<(Pai, PaiStanding)>, StoreError> {
        use_case!(self, read, standings(after, limit))
    }

    /// Ends a PAI for ever, for a reason that does.
    pub async fn close_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<PaiEnd, StoreError> {
        use_case!(self, write, close_pai(now, &partner, pai, reason))
    }
}

/// A subscriber's PAI, to be found or created.
#[derive(Clone, Debug)]
pub struct NewPai {
    /// Whom it is for.
    pub partner: PartnerId,
    /// Whose number it is.
    pub number: SealedNumber,
    /// Which holder of it.
    pub subscriber_ref: String,
    /// Names for what has to be created: subscriber id, handle and PAI.
    pub fresh: FreshNames,
}

/// Fresh random names, used for those rows that do not exist yet.
#[derive(Clone, Debug)]
pub struct FreshNames {
    /// For the subscriber.
    pub subscriber_id: String,
    /// For the subscriber, towards the edge.
    pub handle: String,
    /// For the subscriber, towards the partner.
    pub pai: Pai,
}

impl FreshNames {
    /// New ones.
    pub fn draw(random: &dyn Random) -> Self {
        Self { subscriber_id: random.uuid(), handle: random.uuid(), pai: Pai::from_random(random.bytes()) }
    }
}

/// A PAI and who it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaiRow {
    /// The PAI.
    pub pai: Pai,
    /// The subscriber's handle.
    pub handle: String,
    /// What it may be used for.
    pub state: PaiState,
    /// Grows with every change.
    pub version: u64,
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

/// How the ending of a PAI went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaiEnd {
    /// It is closed now.
    Closed,
    /// It was closed before, for this reason, which stays.
    WasClosed(DeclineReason),
    /// The partner has no such PAI.
    NotFound,
    /// The reason is not one that ends a PAI.
    NotAnEnd,
}
