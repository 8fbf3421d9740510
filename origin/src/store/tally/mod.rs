//! Counts against the ceilings that protect numbers and the operator's money: by the hour, and of a
//! number by the day.
//!
//! A count belongs to the hour or the day of its call and to no other. What a clock that was ahead
//! has counted is in an hour that is not read once the clock is right.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::NumberCheckLimits;
use crate::store::audit::{AuditFact, AuditStamp};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::NUMBER_CHECKS_PER_DAY_MAX;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};

impl Store {
    /// Whether the ceilings of a partner's checks are exceeded, without counting. It saves a look-up
    /// whose result the partner could not be given; the count itself decides.
    pub async fn find_exceeded_check(
        &self,
        now: Timestamp,
        check: NumberCheck,
    ) -> Result<Option<Exceeded>, StoreError> {
        use_case!(self, read, find_exceeded_check(now, &check))
    }

    /// Counts a check that ends with a refusal.
    pub async fn count_refused_check(
        &self,
        nonce: Nonce,
        now: Timestamp,
        check: NumberCheck,
        is_unknown: bool,
    ) -> Result<Tallied<()>, StoreError> {
        use_case!(self, write(nonce), count_refused_check(now, &check, is_unknown))
    }

    /// Counts that a person looks up a number. A look-up beyond the ceiling is in the audit, which says
    /// that it was refused.
    pub async fn count_look_up(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        per_hour: u32,
    ) -> Result<Option<Exceeded>, StoreError> {
        use_case!(self, write, count_look_up(now, &stamp, per_hour))
    }
}

/// A partner's question about the account of a number, as it is counted.
#[derive(Clone, Debug)]
pub struct NumberCheck {
    pub partner: PartnerId,
    pub number: NumberIndex,
    pub limits: NumberCheckLimits,
}

/// The result of a use case that is counted first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tallied<T> {
    Within(T),
    /// Nothing was done but counting.
    Exceeded(Exceeded),
}

/// A ceiling was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    pub ceiling: Ceiling,
    /// When its next hour or day begins.
    pub again_at: Timestamp,
    /// Whether this call is the first beyond it, so that an alarm is raised once.
    pub is_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// All PIN messages of the operator in an hour.
    Pins,
    /// The part of them that those who ask in one way may take.
    PinsOfOneWay,
    /// A partner's checks in an hour.
    NumberChecks,
    /// Those of numbers without an account.
    UnknownNumbers,
    /// A partner's checks of one number in a day.
    ChecksOfNumber,
    /// A person's look-ups of numbers in an hour.
    LookUps,
}

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;

/// What is counted by the hour.
#[derive(Clone, Copy)]
pub(in crate::store) enum Counted<'a> {
    Pins,
    /// By who has asked: see [`crate::store::PinAsker`].
    PinsAskedBy(&'a str),
    NumberChecks(&'a PartnerId),
    UnknownNumbers(&'a PartnerId),
    WrongCouponCodes(&'a PartnerId),
    /// By the operator's id of the person.
    LookUps(&'a ExtId),
}

impl Counted<'_> {
    /// The stored word.
    pub(super) fn subject(self) -> String {
        match self {
            Self::Pins => "pins".to_owned(),
            Self::PinsAskedBy(asker) => format!("pins {asker}"),
            Self::NumberChecks(partner) => format!("number-checks {partner}"),
            Self::UnknownNumbers(partner) => format!("unknown-numbers {partner}"),
            Self::WrongCouponCodes(partner) => format!("wrong-coupon-codes {partner}"),
            Self::LookUps(actor) => format!("look-ups {actor}"),
        }
    }
}

pub(super) fn hour_of(now: Timestamp) -> i64 {
    now.unix_seconds().div_euclid(HOUR_SECONDS)
}

pub(super) fn day_of(now: Timestamp) -> i64 {
    now.unix_seconds().div_euclid(DAY_SECONDS)
}

impl Ceiling {
    /// What follows from a count that includes the present call; `None` when that is within `limit`.
    pub(in crate::store) fn judge(self, now: Timestamp, count: u32, limit: u32) -> Option<Exceeded> {
        let again_at = match self {
            Self::ChecksOfNumber => (day_of(now) + 1) * DAY_SECONDS,
            Self::Pins | Self::PinsOfOneWay | Self::NumberChecks | Self::UnknownNumbers | Self::LookUps => {
                (hour_of(now) + 1) * HOUR_SECONDS
            }
        };
        (count > limit).then(|| Exceeded {
            ceiling: self,
            again_at: Timestamp::from_unix_seconds(again_at),
            is_first: count == limit.saturating_add(1),
        })
    }
}

/// What the audit says of a look-up beyond the ceiling. No subscriber was looked for, so it names none.
const LOOK_UP_REFUSED: AuditFact<'static> = AuditFact {
    act: AuditAct::SubscriberLookedUp,
    outcome: AuditOutcome::Refused,
    subscriber: None,
    subject: None,
    reason: Some("ceiling"),
};

/// The counts of a check, in the order in which they are judged.
pub(super) struct CheckCounts {
    of_number: u32,
    checks: u32,
    unknown: u32,
    counted: CountedNow,
}

/// What of them the present call has counted: only that can be the first beyond its ceiling.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CountedNow {
    Nothing,
    Check,
    UnknownNumber,
}

impl CheckCounts {
    pub(super) fn judge(&self, now: Timestamp, limits: NumberCheckLimits) -> Option<Exceeded> {
        let exceeded = Ceiling::ChecksOfNumber
            .judge(now, self.of_number, NUMBER_CHECKS_PER_DAY_MAX)
            .or_else(|| Ceiling::NumberChecks.judge(now, self.checks, limits.checks_per_hour))
            .or_else(|| Ceiling::UnknownNumbers.judge(now, self.unknown, limits.unknown_per_hour))?;
        let is_counted = match exceeded.ceiling {
            Ceiling::UnknownNumbers => self.counted == CountedNow::UnknownNumber,
            Ceiling::Pins
            | Ceiling::PinsOfOneWay
            | Ceiling::NumberChecks
            | Ceiling::ChecksOfNumber
            | Ceiling::LookUps => self.counted != CountedNow::Nothing,
        };
        Some(Exceeded { is_first: exceeded.is_first && is_counted, ..exceeded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hour_and_day_end_when_the_next_begins() {
        let now = Timestamp::from_unix_seconds(1_795_000_000);
        let again = |ceiling: Ceiling| ceiling.judge(now, 4, 3).map(|exceeded| exceeded.again_at.to_string());
        assert_eq!(again(Ceiling::Pins).as_deref(), Some("2026-11-18T12:00:00Z"));
        assert_eq!(again(Ceiling::ChecksOfNumber).as_deref(), Some("2026-11-19T00:00:00Z"));
    }

    #[test]
    fn first_call_beyond_a_ceiling_is_distinguished() {
        let now = Timestamp::from_unix_seconds(1_795_000_000);
        let firsts = [3, 4, 5].map(|count| Ceiling::Pins.judge(now, count, 3).map(|over| over.is_first));
        assert_eq!(firsts, [None, Some(true), Some(false)]);
    }
}
