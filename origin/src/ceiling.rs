//! What happens when a ceiling is exceeded: the refusal for the caller, and the operator's alarm.

use crate::instruments::{Alarm, Instruments};
use crate::store::{Ceiling, Exceeded, Tallied};
use onbill_domain::ids::PartnerId;
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;

/// 429 until the next hour or day begins, with an alarm for the first call beyond the ceiling. `who`
/// is the partner, or `widget` or `session` for who has asked there, or the role of a person who has looked
/// up numbers. The response is the same for every number.
pub(crate) fn reject_exceeded(
    instruments: &Instruments,
    now: Timestamp,
    exceeded: Exceeded,
    who: &str,
) -> Reject {
    let Exceeded { ceiling, again_at, is_first } = exceeded;
    instruments.metrics.refusals.note_limited(ceiling.into());
    if is_first {
        raise_ceiling_alarm(instruments, exceeded, who);
    }
    let message = match ceiling {
        Ceiling::Pins | Ceiling::PinsOfOneWay => "Too many codes were asked for in this hour.",
        Ceiling::NumberChecks | Ceiling::UnknownNumbers => "Too many numbers were asked about in this hour.",
        Ceiling::ChecksOfNumber => "This number was asked about too often today.",
        Ceiling::LookUps => "Too many numbers were looked up in this hour.",
    };
    Reject::too_many_requests(message, seconds_until(again_at, now))
}

/// The result of a use case that is counted first, or 429.
pub(crate) fn check_tallied<T>(
    instruments: &Instruments,
    now: Timestamp,
    tallied: Tallied<T>,
    partner: &PartnerId,
) -> Result<T, Reject> {
    match tallied {
        Tallied::Within(result) => Ok(result),
        Tallied::Exceeded(exceeded) => Err(reject_exceeded(instruments, now, exceeded, partner.as_str())),
    }
}

/// Whole seconds until a time, as in `Retry-After`; at least one.
pub(crate) fn seconds_until(then: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(then.seconds_since(now)).unwrap_or(1)
}

/// A number that is asked about too often raises none: one app in a loop is its partner's to find.
/// The others are over when the next hour begins.
fn raise_ceiling_alarm(instruments: &Instruments, exceeded: Exceeded, who: &str) {
    let (alarm, who, message) = match exceeded.ceiling {
        Ceiling::Pins => (Alarm::PinCeilingReached, "all", "the PINs of this hour are used up"),
        Ceiling::PinsOfOneWay => (
            Alarm::PinCeilingReached,
            who,
            "the half of this hour's PINs that one channel may use is used up",
        ),
        Ceiling::NumberChecks => (Alarm::NumberChecks, who, "a partner has asked about too many numbers"),
        Ceiling::UnknownNumbers => {
            (Alarm::UnknownNumbers, who, "a partner asks about numbers without an account")
        }
        Ceiling::LookUps => {
            (Alarm::LookUpCeilingReached, who, "a person at the console has looked up too many numbers")
        }
        Ceiling::ChecksOfNumber => return,
    };
    if instruments.alarms.raise_until(alarm, who, Some(exceeded.again_at)) {
        tracing::error!(alarm = alarm.as_str(), subject = who, "{message}");
    }
}
