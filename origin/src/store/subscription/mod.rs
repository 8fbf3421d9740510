//! Subscriptions at a partner that are paid on the bill.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::mandate::{MandateRow, NotAgreed, SubscriptionTerms};
use crate::store::notification::NewNotification;
use crate::store::number::NumberIndex;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};

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

    /// What a change of plan or price is compared with; `None` when the partner has no such
    /// subscription.
    pub async fn find_subscription_mandate(
        &self,
        partner: PartnerId,
        id: ExtId,
        change_id: ExtId,
    ) -> Result<Option<SubscriptionMandate>, StoreError> {
        use_case!(self, read, find_subscription_mandate(&partner, &id, &change_id))
    }

    /// Adds the mandate of a change of plan or price, and queues its SMS in place of one that it
    /// replaces.
    pub async fn change_terms(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewTerms,
    ) -> Result<ChangeTermsResult, StoreError> {
        use_case!(self, write(nonce), change_terms(now, &new))
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
    /// What it costs is not known.
    PriceUnknown,
    /// It costs more than the widget has shown, and the customer has not agreed to that elsewhere.
    AbovePrice,
    /// It costs more than a consent is believed for, and the operator has set no ceiling.
    AboveConsent,
    /// The PAI is dark: another system answers for it.
    NotCutOver,
}

impl From<NotAgreed> for RecordSubscriptionResult {
    fn from(why: NotAgreed) -> Self {
        match why {
            NotAgreed::PriceUnknown => Self::PriceUnknown,
            NotAgreed::AbovePrice => Self::AbovePrice,
            NotAgreed::AboveConsent => Self::AboveConsent,
        }
    }
}

/// A subscription, what its customer has agreed to last, and what was charged for it.
#[derive(Clone, Debug)]
pub struct SubscriptionMandate {
    pub status: SubscriptionStatus,
    pub latest: MandateRow,
    /// The last day that charges have paid for.
    pub charged_until: Option<Day>,
    /// What the partner has used the change's id for.
    pub of_change: Option<MandateRow>,
    /// What holds until the latest comes into force, if that is a change.
    pub before: Option<MandateRow>,
}

/// A change of plan or price that is fine by everything that was read.
#[derive(Clone)]
pub struct NewTerms {
    /// It supersedes the latest one that was read.
    pub mandate: MandateRow,
    pub message: NewNotification,
    /// The message of the change that it takes the place of. It is not sent if it is still queued.
    pub replaced: Option<String>,
    /// It leaves things as they are: a subscriber who was not notified of any change for its day gets
    /// no message.
    pub withdraws: bool,
}

impl NewTerms {
    /// The ids of subscription and change.
    fn keys(&self) -> Option<(ExtId, &ExtId)> {
        let (id, _) = self.mandate.in_force.as_ref()?;
        Some((ExtId::parse(id)?, self.mandate.change_id.as_ref()?))
    }

    /// Whether the subscription is still as it was when the change was checked.
    fn still_fits(&self, found: &SubscriptionMandate) -> bool {
        let is_same = self.mandate.supersedes.as_deref() == Some(&*found.latest.mandate_id);
        let is_after = |day: Day| self.mandate.in_force.as_ref().is_some_and(|(_, from)| *from > day);
        is_same
            && found.of_change.is_none()
            && found.status != SubscriptionStatus::Cancelled
            && found.charged_until.is_none_or(is_after)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeTermsResult {
    Recorded,
    /// Something has changed since it was read.
    Stale,
    /// Its PAI is dark: another system answers for it.
    NotCutOver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSubscriptionResult {
    /// The status is what the partner says, now or before.
    Current,
    /// The subscription is cancelled, and the partner says otherwise.
    Cancelled,
    NotFound,
    /// Its PAI is dark: another system answers for it.
    NotCutOver,
}
