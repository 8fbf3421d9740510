//! Flows, by which a customer proves a number, and their PINs.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, NumberIndex, SealedNumber};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Opens a flow. With a PIN, counts it against the number's day and puts the text message into the outbox.
    pub async fn start_flow(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: NewFlow,
    ) -> Result<FlowStart, StoreError> {
        use_case!(self, write(nonce), start(now, &flow))
    }

    /// Tries a PIN in a flow of the widget's: the try is counted whatever comes of it. The right one is right again until
    /// it is over or all tries are used up: the answer to the first may have been lost.
    pub async fn try_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: Hash,
        pin: Hash,
    ) -> Result<PinTry<Flow>, StoreError> {
        use_case!(self, write(nonce), try_pin(now, &flow, &pin))
    }

    /// The same in a flow of a partner's app.
    pub async fn try_device_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        pin: DevicePin,
    ) -> Result<PinTry<()>, StoreError> {
        use_case!(self, write(nonce), try_device_pin(now, &pin))
    }

    /// The flow that an app of this partner's has last begun for this number.
    pub async fn newest_device_flow(
        &self,
        partner: PartnerId,
        number: NumberIndex,
    ) -> Result<Option<Hash>, StoreError> {
        use_case!(self, read, newest_of_device(&partner, number))
    }

    /// Whether a flow is on record still, proven or not.
    pub async fn has_flow(&self, flow: Hash) -> Result<bool, StoreError> {
        use_case!(self, read, is_there(&flow))
    }

    /// The flow, if its number is proven and it has not expired.
    pub async fn proven_flow(&self, now: Timestamp, flow: Hash) -> Result<Option<Flow>, StoreError> {
        use_case!(self, read, proven(now, &flow))
    }
}

/// A flow to open.
#[derive(Clone, Debug)]
pub struct NewFlow {
    /// Hash of the name by which it is continued: a secret that the widget holds, or the id of a partner's PIN.
    pub flow: Hash,
    /// Whose.
    pub number: SealedNumber,
    /// Where it is begun.
    pub journey: Journey,
    /// The language.
    pub locale: Locale,
    /// When the flow is over.
    pub expires_at: Timestamp,
    /// The PIN that will prove the number; `None` when an assertion has proved it.
    pub pin: Option<NewPin>,
}

/// Where a flow is begun. One that is begun here cannot be continued there.
#[derive(Clone, Debug)]
pub enum Journey {
    /// In the widget, on the operator's page.
    Widget {
        /// What they want to buy; `None` when they came to see their own page.
        offer: Option<OfferId>,
        /// Where they want to end up.
        return_url: String,
    },
    /// In an app of this partner's, on a device.
    Device {
        /// Whose flow it is: nobody else proves anything by it.
        partner: PartnerId,
    },
}

/// A PIN to send.
#[derive(Clone, Debug)]
pub struct NewPin {
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
    /// When it is over.
    pub expires_at: Timestamp,
    /// The sealed text message.
    pub message: Vec<u8>,
}

/// How opening a flow went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowStart {
    /// It is open.
    Started,
    /// The number had its codes for the day; the first of them falls out of the day then.
    TooManyPins {
        /// When another code may be asked for.
        again_at: Timestamp,
    },
}

/// An open flow of the widget's.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Whose.
    pub number: SealedNumber,
    /// What they want to buy; `None` when they came to see their own page.
    pub offer: Option<OfferId>,
    /// The language.
    pub locale: Locale,
    /// Where they want to end up.
    pub return_url: String,
    /// Proven by the SIM that has the number, not by the operator's assertion.
    pub by_pin: bool,
}

/// A PIN as a partner's app has brought it.
#[derive(Clone, Debug)]
pub struct DevicePin {
    /// Whose flow it has to be.
    pub partner: PartnerId,
    /// Which number the flow has to be about.
    pub number: NumberIndex,
    /// The flow.
    pub flow: Hash,
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
}

/// How a PIN fared.
#[derive(Clone, Debug)]
pub enum PinTry<F> {
    /// It matches: the number is proven, now or before.
    Proven(F),
    /// It does not, and there are tries left.
    Wrong,
    /// All tries are used up.
    UsedUp {
        /// When the PIN would have expired.
        expires_at: Timestamp,
    },
    /// It is over, or there is no such flow.
    Expired,
}

impl PinTry<()> {
    /// The same, with what was proven.
    pub(in crate::store) fn of<F, E>(self, flow: impl FnOnce() -> Result<F, E>) -> Result<PinTry<F>, E> {
        Ok(match self {
            Self::Proven(()) => PinTry::Proven(flow()?),
            Self::Wrong => PinTry::Wrong,
            Self::UsedUp { expires_at } => PinTry::UsedUp { expires_at },
            Self::Expired => PinTry::Expired,
        })
    }
}
