//! The customer's own page: what they read of themselves, and what they may end. Everything here is
//! of one subscriber of a number, never of an earlier or later one.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::page::{Cursor, Page};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;

impl Store {
    /// The PAIs of the number's present subscriber that a partner has used, by a subscription or a
    /// charge: open ones first, then the newest. Empty when the present subscriber is another than
    /// `subscriber_ref`.
    pub async fn list_partner_links(
        &self,
        number: NumberIndex,
        subscriber_ref: String,
    ) -> Result<Vec<PartnerLink>, StoreError> {
        use_case!(self, read, list_partner_links(number, &subscriber_ref))
    }

    /// A page of the charges on these PAIs before `before`, newest first.
    pub async fn list_own_charges(
        &self,
        pais: Vec<Pai>,
        before: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<CustomerCharge>, StoreError> {
        use_case!(self, read, list_own_charges(&pais, before.as_ref(), limit))
    }

    /// Closes a PAI permanently, as its subscriber wishes, and returns it as it is then. `None`
    /// when it is not a PAI of the number's present subscriber, or that is another than
    /// `subscriber_ref`.
    pub async fn unlink_partner(
        &self,
        nonce: Nonce,
        now: Timestamp,
        number: NumberIndex,
        subscriber_ref: String,
        pai: Pai,
    ) -> Result<Option<PartnerLink>, StoreError> {
        use_case!(self, write(nonce), unlink_partner(now, number, &subscriber_ref, pai))
    }
}

/// A partner that the customer is linked with, by a PAI that they never see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerLink {
    pub pai: Pai,
    pub partner: PartnerId,
    /// Plan and status of the newest subscription.
    pub subscription: Option<(ExtId, SubscriptionStatus)>,
    /// It has no subscription, and only coupons have ever been charged on it.
    pub is_coupons_only: bool,
    /// When the first subscription began, or else when the PAI was created.
    pub since: Timestamp,
    pub state: PaiState,
    /// `None` for PAIs that were closed before this was recorded.
    pub closed_at: Option<Timestamp>,
    pub closed_reason: Option<DeclineReason>,
}

/// A charge as the customer who pays it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerCharge {
    pub transaction_id: String,
    pub ext_transaction_id: ExtId,
    pub partner: PartnerId,
    pub created_at: Timestamp,
    pub description: String,
    pub service_period: ServicePeriod,
    pub amount: Money,
    /// The tax in the amount, if the partner has stated it.
    pub tax_minor: Option<i64>,
    pub status: TransactionStatus,
    pub decline_reason: Option<DeclineReason>,
    /// The date of the bill that it is on, if billing has reported it.
    pub billed_on: Option<Day>,
    /// Amount of the approved refunds, in minor units, and of what another system has given back.
    pub refunded_minor: i64,
    /// Amount of the pending refunds, in minor units.
    pub refunding_minor: i64,
}

impl CustomerCharge {
    /// A page of up to `limit` charges of `charges`, which are in order. One more than that means
    /// that there is a next page.
    pub(in crate::store) fn page(mut charges: Vec<Self>, limit: u32) -> Page<Self> {
        let limit = limit as usize;
        let is_left_over = charges.len() > limit;
        charges.truncate(limit);
        let cursor = |last: &Self| Cursor { at: last.created_at, id: last.transaction_id.clone() };
        let next = charges.last().filter(|_| is_left_over).map(cursor);
        Page { lines: charges, next }
    }
}
