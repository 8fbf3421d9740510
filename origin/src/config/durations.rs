//! Durations and rates that an operator may choose, within limits.

use onbill_domain::limits::SIM_SWAP_HOLD_HOURS_MAX;
use serde::{Deserialize, Serialize};

/// How long a post waits for billing: from one to six seconds, because the edge stops waiting for an
/// origin after eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct BillingDeadline(u64);

impl BillingDeadline {
    pub fn seconds(self) -> u64 {
        self.0
    }
}

impl Default for BillingDeadline {
    fn default() -> Self {
        Self(5)
    }
}

impl TryFrom<u64> for BillingDeadline {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        (1..=6).contains(&seconds).then_some(Self(seconds)).ok_or("hand_off_seconds must be 1 to 6")
    }
}

/// Hours after a SIM swap in which a number signs up with the operator's assertion only: up to a
/// year; 0 turns the rule off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct SimSwapHours(i64);

impl SimSwapHours {
    pub fn seconds(self) -> i64 {
        self.0 * 3_600
    }
}

impl Default for SimSwapHours {
    /// Three days: by then a subscriber whose number was stolen has noticed.
    fn default() -> Self {
        Self(72)
    }
}

impl TryFrom<i64> for SimSwapHours {
    type Error = &'static str;

    fn try_from(hours: i64) -> Result<Self, Self::Error> {
        (0..=SIM_SWAP_HOLD_HOURS_MAX)
            .contains(&hours)
            .then_some(Self(hours))
            .ok_or("sim_swap_hours must be 0 to 8760")
    }
}

/// PIN messages in an hour, of all who ask for one. Half of them at most go to strangers at the
/// widget, to customers with a session, and to each partner's app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct PinsPerHour(u32);

impl PinsPerHour {
    pub fn count(self) -> u32 {
        self.0
    }
}

impl Default for PinsPerHour {
    /// A campaign that brings ten thousand sign-ups in a day needs two thousand in its busiest hour.
    /// An attacker who makes an operator send as many, at a few cents each, costs it a hundred an
    /// hour until a person has read the alarm.
    fn default() -> Self {
        Self(2_000)
    }
}

impl TryFrom<u32> for PinsPerHour {
    type Error = &'static str;

    fn try_from(count: u32) -> Result<Self, Self::Error> {
        if count > 0 { Ok(Self(count)) } else { Err("pins_per_hour must be at least 1") }
    }
}

/// Numbers that a person may look up at the console in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32")]
pub struct LookUpsPerHour(u32);

impl LookUpsPerHour {
    pub fn count(self) -> u32 {
        self.0
    }
}

impl Default for LookUpsPerHour {
    /// One every thirty seconds: an agent has fifteen customers on the line in an hour, and comes back to
    /// each up to eight times. To walk through the customers of a small operator, a hundred thousand,
    /// takes more than a hundred shifts of eight hours.
    fn default() -> Self {
        Self(120)
    }
}

impl TryFrom<u32> for LookUpsPerHour {
    type Error = &'static str;

    fn try_from(count: u32) -> Result<Self, Self::Error> {
        if count > 0 { Ok(Self(count)) } else { Err("look_ups_per_hour must be at least 1") }
    }
}

/// Days before a higher price holds on which the partner has to announce it: up to a year; with 0 a
/// price may rise at the end of the running period without any notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct PriceNoticeDays(u16);

impl PriceNoticeDays {
    pub fn days(self) -> u16 {
        self.0
    }
}

impl Default for PriceNoticeDays {
    /// A month: the customer has a whole period in which to cancel.
    fn default() -> Self {
        Self(30)
    }
}

impl TryFrom<u16> for PriceNoticeDays {
    type Error = &'static str;

    fn try_from(days: u16) -> Result<Self, Self::Error> {
        if days <= 365 { Ok(Self(days)) } else { Err("price_notice_days must be 0 to 365") }
    }
}
