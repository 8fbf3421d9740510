//! What a customer reads of themselves on their own page, and what they may end there. Everything here is of one
//! subscriber of a number: no earlier one, and none who comes later.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::page::{Cursor, Page};
use onbill_domain::day::ServicePeriod;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;

impl Store {
    /// The PAIs of a number's present holder that a partner has used, by a subscription or a charge: those that are open
    /// before the closed ones, each with the newest first. None when the holder on record is another than `subscriber_ref`.
    pub async fn links(&self, number: NumberIndex, subscriber_ref: String) -> Result<Vec<Link>, StoreError> {
        use_case!(self, read, links(number, &subscriber_ref))
    }

    /// A page of the charges on these PAIs, newest first, before `before`.
    pub async fn charges_on(
        &self,
        pais: Vec<Pai>,
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<OwnCharge>, StoreError> {
        use_case!(self, read, charges_on(&pais, before.as_ref(), limit))
    }

    /// Ends a PAI for ever, as its holder wishes, and gives it as it stands then; one that is closed stays as it is. `None`
    /// when it is not a PAI of the number's present holder, or that is another than `subscriber_ref`.
    pub async fn unlink(
        &self,
        nonce: Nonce,
        now: Timestamp,
        number: NumberIndex,
        subscriber_ref: String,
        pai: Pai,
    ) -> Result<Option<Link>, StoreError> {
        use_case!(self, write(nonce), unlink(now, number, &subscriber_ref, pai))
    }
}

/// A PAI, as its holder reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The PAI, which they never see.
    pub pai: Pai,
    /// Who knows them by it.
    pub partner: PartnerId,
    /// The latest subscription's plan, and how it stands at the partner.
    pub subscription: Option<(ExtId, SubscriptionStatus)>,
    /// When the first subscription began, or else the PAI.
    pub since: Timestamp,
    /// What it may be used for.
    pub state: PaiState,
    /// When it was closed, if that is known.
    pub closed_at: Option<Timestamp>,
    /// Why it is closed.
    pub closed_reason: Option<DeclineReason>,
}

/// A charge, as whoever pays it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCharge {
    /// Our name for it.
    pub transaction_id: String,
    /// Whose.
    pub partner: PartnerId,
    /// When it was posted to us.
    pub created_at: Timestamp,
    /// The line.
    pub description: String,
    /// The days it pays for.
    pub service_period: ServicePeriod,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Why it was declined.
    pub decline_reason: Option<DeclineReason>,
    /// What was given back, in minor units.
    pub refunded_minor: i64,
    /// What is on its way back, in minor units.
    pub refunding_minor: i64,
}

impl OwnCharge {
    /// A page of up to `limit` of these, which are in order; whatever is left over makes a next one.
    pub(in crate::store) fn page(mut charges: Vec<Self>, limit: u32) -> Page<Self> {
        let limit = limit as usize;
        let is_left_over = charges.len() > limit;
        charges.truncate(limit);
        let cursor = |last: &Self| Cursor { at: last.created_at, id: last.transaction_id.clone() };
        let next = charges.last().filter(|_| is_left_over).map(cursor);
        Page { lines: charges, next }
    }
}
