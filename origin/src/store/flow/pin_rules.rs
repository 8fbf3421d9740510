//! The rules of PINs that both databases follow: who has asked, what their share of the hour is, when a
//! number can have the next one, and when a challenge comes first.

use crate::store::clock_skew::latest_now;
use crate::store::number::Hash;
use crate::store::tally::{Ceiling, Exceeded};
use onbill_domain::ids::PartnerId;
use onbill_domain::limits::{PIN_PAUSE_SECONDS, PINS_PER_DAY_MAX, PINS_WITHOUT_CHALLENGE};
use onbill_domain::timestamp::Timestamp;

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
/// ceiling that counted only what is sent would reveal which numbers exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinCeiling {
    pub per_hour: u32,
}

impl PinCeiling {
    /// How many of them go to one asker: half. Strangers, a customer with a session, or a partner whose
    /// key was stolen leave the others the rest.
    pub(in crate::store) fn share(self) -> u32 {
        self.per_hour.div_ceil(2)
    }

    /// Whether a PIN is over the ceiling, by the counts of this hour, which include it.
    pub(in crate::store) fn judge(self, now: Timestamp, count: u32) -> Option<Exceeded> {
        Ceiling::Pins.judge(now, count, self.per_hour)
    }
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

pub(in crate::store) const DAY_SECONDS: i64 = 86_400;

/// A flow that began later is of a clock that was ahead. It is over: its PIN and its proof would live
/// until that time, and its PIN would count until then. The clocks of two origins may differ so much.
pub(in crate::store) fn latest_start(now: Timestamp) -> i64 {
    latest_now(now).unix_seconds()
}

/// When the number can have its next PIN; `None` when that is now. `newest` has the times of its
/// counted PINs, the newest first, as far as the tenth.
pub(in crate::store) fn find_next_pin_time(now: Timestamp, newest: &[i64]) -> Option<Timestamp> {
    let tenth = newest.get(PINS_PER_DAY_MAX as usize - 1)?;
    let again_at = (newest.first()? + PIN_PAUSE_SECONDS).min(tenth + DAY_SECONDS);
    (again_at > now.unix_seconds()).then(|| Timestamp::from_unix_seconds(again_at))
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
