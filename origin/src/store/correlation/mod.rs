//! What the ledger has of each PAI, beside what a partner and the operator's BSS have, and sending it
//! again to those who should know.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::audit::AuditStamp;
use super::database::{Store, use_case};
use super::error::StoreError;
use super::number::NumberIndex;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;

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
    /// audit. Nothing else changes. Returns whether the partner has such a PAI.
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
}

/// A PAI with its subscriber and its live subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    pub pai: Pai,
    pub state: PaiState,
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
