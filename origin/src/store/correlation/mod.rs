//! What the ledger has of each PAI, beside what a partner and the operator's BSS have, and sending it
//! again to those who should know. Also what of charges and subscriptions does not fit together.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::audit::AuditStamp;
use super::database::{Store, use_case};
use super::error::StoreError;
use super::number::NumberIndex;
use super::page::{Cursor, Page};
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;

/// The last PAI of a page, and of each partner how many of its subscriptions were not charged.
pub type UnchargedPage = (Pai, Vec<(PartnerId, u64)>);

impl Store {
    /// A page of a partner's PAIs after `after`, ordered by PAI, with plan and price as they are on
    /// the day `today` of the operator's time zone.
    pub async fn list_links(
        &self,
        partner: PartnerId,
        today: Day,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<LinkRow>, StoreError> {
        use_case!(self, read, list_links(&partner, today, after, limit))
    }

    /// Queues the state of a PAI for its partner and for the edge once more, with an entry in the
    /// audit. Nothing else changes. Returns whether the partner has such a PAI, and it is not dark.
    pub async fn send_pai_state_again(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        partner: PartnerId,
        pai: Pai,
        reason: &'static str,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, send_pai_state_again(now, &stamp, &partner, pai, reason))
    }

    /// A page of live subscriptions after that of the PAI `after`, in the order of their PAIs: the last
    /// PAI of the page, and of each partner how many of them were not charged since a time, though
    /// they should have been. A month and the days in which a partner tries are to lie behind it. `None` at
    /// the end.
    pub async fn count_uncharged(
        &self,
        since: Timestamp,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Option<UnchargedPage>, StoreError> {
        use_case!(self, read, count_uncharged(since, after, limit))
    }

    /// A page of a partner's charges after `after` that were posted before `until`, ordered by time
    /// and id, with what does not fit. Charges of another system are left out.
    pub async fn list_unfitting_charges(
        &self,
        partner: PartnerId,
        until: Timestamp,
        after: Cursor,
        limit: u32,
    ) -> Result<Page<UnfittingCharge>, StoreError> {
        use_case!(self, read, list_unfitting_charges(&partner, until, &after, limit))
    }
}

/// A charge was posted so many seconds after its PAI had closed, or its subscription had ended: by then
/// the partner has both the webhook and the day's other calls behind it.
const ENDED_SECONDS: i64 = 86_400;

/// Charges are of a month as a rule, and are due again after it. One for longer is not due before its last
/// day, and the partner has as long from then on as after a month.
const MONTH_SECONDS: i64 = 31 * 86_400;

/// A charge, and what of it does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfittingCharge {
    pub posted: Cursor,
    /// It was not declined, and its PAI had no subscription.
    pub is_without_subscription: bool,
    /// Its PAI had been closed for a day.
    pub is_after_closing: bool,
}

/// A PAI with its subscriber and its live subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    pub pai: Pai,
    pub state: PaiState,
    /// It was loaded from another system's file, and is not cut over.
    pub is_dark: bool,
    /// Number and operator's id of its subscriber; `None` once they have left, or were erased.
    pub subscriber: Option<(NumberIndex, String)>,
    pub subscription: Option<LinkedSubscription>,
}

impl LinkRow {
    /// Whether charges are expected for it.
    pub fn is_live(&self) -> bool {
        self.state != PaiState::Closed && self.subscription.is_some()
    }
}

/// A subscription that is not cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedSubscription {
    pub ext_subscription_id: ExtId,
    pub plan: ExtId,
    /// `None` if it is not known.
    pub price: Option<Money>,
}
