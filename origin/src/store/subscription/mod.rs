//! Subscriptions at a partner that are paid on the bill.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::SubscriptionChange;

impl Store {
    /// Whether this holder of a number has a live subscription of this partner. An earlier holder's does not count,
    /// even when nobody has ended it yet.
    pub async fn pays_on_bill(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        subscriber_ref: String,
    ) -> Result<bool, StoreError> {
        use_case!(self, read, pays_on_bill(&partner, number, &subscriber_ref))
    }

    /// Records that the customer finished at the partner. `new_id` names the subscription if it is new.
    pub async fn record_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        new_id: String,
        request: PartnerSubscriptionRequest,
    ) -> Result<SubscriptionRecord, StoreError> {
        use_case!(self, write(nonce), record(now, &partner, &new_id, &request))
    }

    /// Whether a subscription of that name is this partner's.
    pub async fn has_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError> {
        use_case!(self, read, is_there(&partner, &id))
    }

    /// Records how a subscription stands with its partner from now on. One that is over stays so.
    pub async fn change_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        id: ExtId,
        change: SubscriptionChange,
    ) -> Result<SubscriptionUpdate, StoreError> {
        use_case!(self, write(nonce), change(now, &partner, &id, &change))
    }
}

/// How the recording of a subscription went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionRecord {
    /// Recorded now.
    Created(PartnerSubscriptionResponse),
    /// The same as before.
    Replayed(PartnerSubscriptionResponse),
    /// The partner used this name for something else.
    Conflict,
    /// No such PAI of this partner, or it is closed.
    PaiNotFound,
    /// This PAI has another live subscription.
    AlreadyOnBill,
}

/// How the change of a subscription went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionUpdate {
    /// It stands as the partner says, since now or before.
    Stands,
    /// It is over, and the partner says that it is not.
    Over,
    /// No such subscription of this partner.
    NotFound,
}
