//! Subscriptions at a partner that are paid on the bill.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::mandate::{NotAgreed, SubscriptionTerms};
use crate::store::number::NumberIndex;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::SubscriptionChange;

impl Store {
    /// Whether the number's subscriber with this `subscriber_ref` has a live subscription of the
    /// partner. One of an earlier subscriber of the number does not count.
    pub async fn pays_on_bill(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        subscriber_ref: String,
    ) -> Result<bool, StoreError> {
        use_case!(self, read, pays_on_bill(&partner, number, &subscriber_ref))
    }

    /// Records that the customer has subscribed at the partner, and its mandate. `new_id` is used if
    /// the subscription is new.
    pub async fn record_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        new_id: String,
        request: PartnerSubscriptionRequest,
        terms: SubscriptionTerms,
    ) -> Result<RecordSubscriptionResult, StoreError> {
        use_case!(self, write(nonce), record_subscription(now, &partner, &new_id, &request, &terms))
    }

    pub async fn has_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError> {
        use_case!(self, read, has_subscription(&partner, &id))
    }

    /// Records the status of a subscription at the partner. A cancelled one stays cancelled.
    pub async fn change_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        id: ExtId,
        change: SubscriptionChange,
    ) -> Result<ChangeSubscriptionResult, StoreError> {
        use_case!(self, write(nonce), change_subscription(now, &partner, &id, &change))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordSubscriptionResult {
    Created(PartnerSubscriptionResponse),
    Replayed(PartnerSubscriptionResponse),
    /// The partner used this id for another subscription.
    Conflict,
    /// The partner has no such PAI, or it is closed.
    PaiNotFound,
    /// The PAI has another live subscription.
    AlreadyOnBill,
    /// Nobody has said what it costs.
    PriceUnknown,
    /// It costs more than the widget has shown, and the customer has not agreed to that elsewhere.
    AbovePrice,
}

impl From<NotAgreed> for RecordSubscriptionResult {
    fn from(why: NotAgreed) -> Self {
        match why {
            NotAgreed::PriceUnknown => Self::PriceUnknown,
            NotAgreed::AbovePrice => Self::AbovePrice,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSubscriptionResult {
    /// The status is what the partner says, now or before.
    Current,
    /// The subscription is cancelled, and the partner says otherwise.
    Cancelled,
    NotFound,
}
