//! Flows, in which a customer proves a number, and their PINs.

mod pin_rules;
pub(super) mod postgres;
pub(super) mod sqlite;

pub use pin_rules::{NewPin, PinAsker, PinCeiling};

use crate::config::NumberCheckLimits;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, NumberIndex, SealedNumber};
use crate::store::session_assertion::PresentedAssertion;
use crate::store::tally::{Exceeded, NumberCheck, Tallied};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Opens a flow, and spends the assertion that it was asked for with. If it has a PIN, the PIN counts against the number's day and the operator's
    /// hour, and its SMS is queued.
    pub async fn start_flow(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: NewFlow,
    ) -> Result<StartFlowResult, StoreError> {
        use_case!(self, write(nonce), start_flow(now, &flow))
    }

    /// Checks a PIN in a flow of the widget. Every attempt counts. The right PIN stays right until
    /// it expires or the attempts are used up, as the response to the first attempt may have been
    /// lost.
    pub async fn try_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: Hash,
        pin: Hash,
    ) -> Result<PinAttempt<Flow>, StoreError> {
        use_case!(self, write(nonce), try_pin(now, &flow, &pin))
    }

    /// Checks a PIN in a flow of a partner's app, as [`Self::try_pin`] does, and counts it among the
    /// partner's checks.
    pub async fn try_device_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        pin: DevicePin,
    ) -> Result<Tallied<PinAttempt<PinRecipient>>, StoreError> {
        use_case!(self, write(nonce), try_device_pin(now, &pin))
    }

    /// The newest flow that this partner's app has opened for the number.
    pub async fn find_newest_device_flow(
        &self,
        partner: PartnerId,
        number: NumberIndex,
    ) -> Result<Option<Hash>, StoreError> {
        use_case!(self, read, find_newest_device_flow(&partner, number))
    }

    /// Records to whom a flow's PIN is about to be sent, and returns who that is: the first one
    /// stays. `None` when the flow is over, or was erased.
    pub async fn bind_pin(
        &self,
        now: Timestamp,
        flow: Hash,
        recipient: Hash,
    ) -> Result<Option<Hash>, StoreError> {
        use_case!(self, write, bind_pin(now, &flow, &recipient))
    }

    /// The flow, if its number is proven and it has not expired.
    pub async fn find_proven_flow(&self, now: Timestamp, flow: Hash) -> Result<Option<Flow>, StoreError> {
        use_case!(self, read, find_proven_flow(now, &flow))
    }
}

#[derive(Clone, Debug)]
pub struct NewFlow {
    /// Hash of the secret that the widget holds, or of the id of a partner's PIN.
    pub flow: Hash,
    pub number: SealedNumber,
    pub journey: Journey,
    pub locale: Locale,
    pub expires_at: Timestamp,
    /// `None` when an assertion of the operator has proved the number.
    pub pin: Option<NewPin>,
    /// The dashboard's assertion that the call presents.
    pub assertion: Option<PresentedAssertion>,
}

/// Where a flow was opened. It can be continued only there.
#[derive(Clone, Debug)]
pub enum Journey {
    /// In the widget, on the operator's page.
    Widget {
        /// `None` when the customer wants to see their own page.
        offer: Option<OfferId>,
        return_url: String,
    },
    /// In an app of this partner, on a device.
    Device { partner: PartnerId },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFlowResult {
    Started,
    /// Another frame has used the assertion.
    AssertionUsed,
    /// The number has had its PINs.
    TooManyPins {
        /// When it can have the next one.
        again_at: Timestamp,
    },
    /// The caller has to solve a challenge first.
    ChallengeNeeded,
    /// The operator's PINs of this hour, or the asker's share of them, are used up.
    CeilingReached(Exceeded),
}

/// An open flow of the widget.
#[derive(Clone, Debug)]
pub struct Flow {
    pub number: SealedNumber,
    /// `None` when the customer wants to see their own page.
    pub offer: Option<OfferId>,
    pub locale: Locale,
    pub return_url: String,
    /// Set when a PIN proves the number, so the SIM, and not the operator's assertion.
    pub pin: Option<PinRecipient>,
}

/// The subscriber to whom a flow's PIN was sent. It proves nothing to any other: the number may
/// have another subscriber by the time it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinRecipient {
    pub flow: Hash,
    /// Keyed hash of the subscriber. `None` when it was not sent.
    pub mac: Option<Hash>,
}

/// A PIN from a partner's app. Partner and number must be the flow's.
#[derive(Clone, Debug)]
pub struct DevicePin {
    pub partner: PartnerId,
    pub number: NumberIndex,
    pub flow: Hash,
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
    pub limits: NumberCheckLimits,
}

impl DevicePin {
    pub(in crate::store) fn to_check(&self) -> NumberCheck {
        NumberCheck { partner: self.partner.clone(), number: self.number, limits: self.limits }
    }
}

#[derive(Clone, Debug)]
pub enum PinAttempt<F> {
    /// The number is proven, now or before.
    Proven(F),
    /// Wrong, and there are attempts left.
    Wrong,
    /// All attempts are used up.
    UsedUp {
        /// When the PIN would have expired.
        expires_at: Timestamp,
    },
    /// It has expired, or there is no such flow.
    Expired,
}

impl PinAttempt<()> {
    /// Puts what was proven into the result.
    pub(in crate::store) fn of<F, E>(self, flow: impl FnOnce() -> Result<F, E>) -> Result<PinAttempt<F>, E> {
        Ok(match self {
            Self::Proven(()) => PinAttempt::Proven(flow()?),
            Self::Wrong => PinAttempt::Wrong,
            Self::UsedUp { expires_at } => PinAttempt::UsedUp { expires_at },
            Self::Expired => PinAttempt::Expired,
        })
    }
}
