//! Flows, in which a customer proves a number, and their PINs.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::NumberCheckLimits;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, NumberIndex, SealedNumber};
use crate::store::tally::{Ceiling, Exceeded, NumberCheck, Tallied};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::{
    PIN_PAUSE_SECONDS, PINS_PER_DAY_MAX, PINS_WITHOUT_CHALLENGE, SIGNATURE_SKEW_SECONDS,
};
use onbill_domain::locale::Locale;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Opens a flow. If it has a PIN, the PIN counts against the number's day and the operator's
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

#[derive(Clone, Debug)]
pub struct NewPin {
    /// Keyed hash of flow and PIN.
    pub mac: Hash,
    pub expires_at: Timestamp,
    /// The sealed SMS.
    pub message: Vec<u8>,
    pub asked_by: PinAsker,
    pub ceiling: PinCeiling,
    /// The edge can ask the caller for a challenge, and has not yet.
    pub can_challenge: bool,
}

impl NewPin {
    /// Whether a challenge has to be solved first: strangers have had so many PINs of the number, or
    /// half of their share of this hour. What is asked of one number is asked of every other.
    pub(in crate::store) fn needs_challenge(&self, of_number: usize, of_hour: u32) -> bool {
        let is_stranger = self.asked_by == PinAsker::Widget;
        let is_many =
            of_number >= PINS_WITHOUT_CHALLENGE as usize || of_hour >= self.ceiling.share().div_ceil(2);
        self.can_challenge && is_stranger && is_many
    }
}

/// Who has a PIN sent. Each has PINs of its own for a number, and a share of the operator's hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinAsker {
    /// Anybody who is at the widget.
    Widget,
    /// A customer at the widget whom the dashboard's session vouches for, about another number.
    Session,
    /// A partner's app.
    Partner(PartnerId),
}

impl PinAsker {
    /// The stored word.
    pub(in crate::store) fn word(&self) -> String {
        match self {
            Self::Widget => "widget".to_owned(),
            Self::Session => "session".to_owned(),
            Self::Partner(partner) => format!("partner:{partner}"),
        }
    }
}

/// PIN messages that the operator pays for in an hour. The number's account is not looked at: a
/// ceiling that counted only what is sent would tell which numbers exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinCeiling {
    pub per_hour: u32,
}

impl PinCeiling {
    /// How many of them go to one asker: half. Strangers, somebody with a session, or a partner whose
    /// key was stolen leave the others the rest.
    pub(in crate::store) fn share(self) -> u32 {
        self.per_hour.div_ceil(2)
    }

    /// Whether a PIN is over the ceiling, by the counts of this hour, which include it.
    pub(in crate::store) fn judge(self, now: Timestamp, count: u32) -> Option<Exceeded> {
        Ceiling::Pins.judge(now, count, self.per_hour)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFlowResult {
    Started,
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

const DAY_SECONDS: i64 = 86_400;

/// A flow that began later is of a clock that was ahead. It is over: its PIN and its proof would live
/// until that time, and its PIN would count until then. The clocks of two origins may differ so much.
pub(in crate::store) fn latest_start(now: Timestamp) -> i64 {
    now.unix_seconds() + SIGNATURE_SKEW_SECONDS
}

/// When the number can have its next PIN; `None` when that is now. `newest` has the times of its
/// counted PINs, the newest first, as far as the tenth.
pub(in crate::store) fn find_next_pin_time(now: Timestamp, newest: &[i64]) -> Option<Timestamp> {
    let tenth = newest.get(PINS_PER_DAY_MAX as usize - 1)?;
    let again_at = (newest.first()? + PIN_PAUSE_SECONDS).min(tenth + DAY_SECONDS);
    (again_at > now.unix_seconds()).then(|| Timestamp::from_unix_seconds(again_at))
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

/// The subscriber to whom a flow's PIN was sent. It proves nothing to anybody else: the number may
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    /// So many PINs, the newest `ago` seconds ago, a minute apart.
    fn sent(count: i64, ago: i64) -> Vec<i64> {
        (0..count).map(|n| NOW.unix_seconds() - ago - 60 * n).collect()
    }

    #[test]
    fn eleventh_pin_waits_for_an_hour() {
        assert_eq!(find_next_pin_time(NOW, &[]), None);
        assert_eq!(find_next_pin_time(NOW, &sent(9, 0)), None);
        assert_eq!(find_next_pin_time(NOW, &sent(10, 0)), Some(NOW.plus_seconds(3_600)));
        assert_eq!(find_next_pin_time(NOW, &sent(10, 3_599)), Some(NOW.plus_seconds(1)));
        assert_eq!(find_next_pin_time(NOW, &sent(10, 3_600)), None);
    }

    #[test]
    fn tenth_pin_counts_for_a_day() {
        let mut times = sent(9, 0);
        times.push(NOW.unix_seconds() - DAY_SECONDS + 10);
        assert_eq!(find_next_pin_time(NOW, &times), Some(NOW.plus_seconds(10)));
    }
}
