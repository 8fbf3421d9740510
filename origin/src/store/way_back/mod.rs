//! The ledger as another system's files have it: for the way back, and for a comparison with the
//! operator's accounts.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::database::{Store, use_case};
use super::error::StoreError;
use super::number::BilledSubscriber;
use super::page::{Cursor, Page};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{SubscriptionSource, TransactionStatus};

impl Store {
    /// A page of a partner's PAIs after `after`, ordered by PAI, with plan and price as they are on the
    /// day `today` of the operator's time zone.
    pub async fn list_handed_back_pais(
        &self,
        partner: PartnerId,
        today: Day,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<HandedBackPai>, StoreError> {
        use_case!(self, read, list_handed_back_pais(&partner, today, after, limit))
    }

    /// A page of a partner's charges after `after`, ordered by time and id, without those of coupons, of
    /// which the partner knows nothing.
    pub async fn list_handed_back_charges(
        &self,
        partner: PartnerId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<HandedBackCharge>, StoreError> {
        use_case!(self, read, list_handed_back_charges(&partner, after.as_ref(), limit))
    }
}

/// A PAI as another system is to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedBackPai {
    pub pai: Pai,
    pub state: PaiState,
    /// When it was issued.
    pub since: Timestamp,
    /// `None` once they were erased. That of a closed PAI may have left the number long ago.
    pub subscriber: Option<BilledSubscriber>,
    pub subscription: Option<HandedBackSubscription>,
    /// The last day that is paid for.
    pub paid_until: Option<Day>,
    /// When the customer agreed, and how that is known.
    pub consent: Option<(Timestamp, String)>,
    /// It was loaded from another system's file, and is not cut over.
    pub is_dark: bool,
    /// It is otherwise than it was loaded, or was not loaded at all.
    pub is_changed: bool,
}

/// A subscription that is not cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedBackSubscription {
    pub ext_subscription_id: ExtId,
    pub origin: SubscriptionSource,
    pub plan: ExtId,
    pub price: Option<Money>,
}

/// A charge as another system is to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedBackCharge {
    pub posted: Cursor,
    pub ext_transaction_id: ExtId,
    pub pai: Pai,
    pub amount: Money,
    /// What billing has given back, and what it may yet give back.
    pub refunded_minor: i64,
    pub status: TransactionStatus,
    /// Billing's own id of the line if another system has posted it, and otherwise the origin's id, by
    /// which billing knows it.
    pub billing_ref: String,
    pub service_period: ServicePeriod,
    /// It is otherwise than it was loaded, or was not loaded at all.
    pub is_changed: bool,
    /// Billing has not decided yet about the charge, or about one of its refunds. What the other system has
    /// left PENDING is its own to find out.
    pub is_pending: bool,
}
