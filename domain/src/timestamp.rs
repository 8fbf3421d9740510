//! A time. It is always an argument: nothing in this crate reads a clock.
//!
//! Our own clock counts whole seconds. A time that another party reports keeps its fraction, because
//! two account events of one second have an order.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const NANOSECONDS: i64 = 1_000_000_000;
const NANOSECONDS_OF_MILLISECOND: i64 = 1_000_000;

/// A time since the Unix epoch. Its JSON is an RFC 3339 string in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    /// The fraction, from 0 to 999,999,999.
    nanoseconds: i64,
}

impl Timestamp {
    /// The time of these seconds since the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }

    /// The time of these nanoseconds since the Unix epoch.
    pub const fn from_unix_nanoseconds(nanoseconds: i64) -> Self {
        let seconds = nanoseconds.div_euclid(NANOSECONDS);
        Self { seconds, nanoseconds: nanoseconds.rem_euclid(NANOSECONDS) }
    }

    /// The time of these milliseconds since the Unix epoch.
    pub const fn from_unix_milliseconds(milliseconds: i64) -> Self {
        Self::from_unix_nanoseconds(milliseconds.saturating_mul(NANOSECONDS_OF_MILLISECOND))
    }

    /// RFC 3339 in UTC with exactly three digits of the second's fraction, as log lines have it: such
    /// texts sort by time.
    pub fn to_log_text(self) -> String {
        let seconds = Self::from_unix_seconds(self.seconds).to_string();
        let milliseconds = self.nanoseconds / NANOSECONDS_OF_MILLISECOND;
        format!("{}.{milliseconds:03}Z", seconds.trim_end_matches('Z'))
    }

    /// Whole seconds since the Unix epoch, without the fraction.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the Unix epoch, saturating at the years 1677 and 2262.
    pub const fn unix_nanoseconds(self) -> i64 {
        self.seconds.saturating_mul(NANOSECONDS).saturating_add(self.nanoseconds)
    }

    /// The time `seconds` later (earlier when negative), saturating at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.saturating_add(seconds), nanoseconds: self.nanoseconds }
    }

    /// Seconds from `earlier` to `self`, each without its fraction; negative when `self` is before
    /// `earlier`.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.seconds.saturating_sub(earlier.seconds)
    }

    /// Parses RFC 3339 with any offset, up to nanoseconds.
    pub fn parse(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self { seconds: at.unix_timestamp(), nanoseconds: at.nanosecond().into() })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp(self.seconds).ok();
        let at = at.map(|at| at + time::Duration::nanoseconds(self.nanoseconds));
        let text = at.and_then(|at| at.format(&Rfc3339).ok());
        f.write_str(text.as_deref().unwrap_or("out of range"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_rfc3339_in_utc() {
        let at = Timestamp::from_unix_seconds(1_795_000_000);
        assert_eq!(at.to_string(), "2026-11-18T11:06:40Z");
        assert_eq!(Timestamp::parse("2026-11-18T12:06:40+01:00"), Some(at));
        assert_eq!(Timestamp::parse("2026-11-18 12:06"), None);
    }

    #[test]
    fn log_time_has_three_digits_of_the_fraction() {
        for (milliseconds, text) in [
            (1_795_000_000_000, "2026-11-18T11:06:40.000Z"),
            (1_795_000_000_007, "2026-11-18T11:06:40.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_milliseconds(milliseconds).to_log_text(), text);
        }
    }

    #[test]
    fn fraction_of_reported_time_is_kept() {
        let parse = |text: &str| Timestamp::parse(text).expect("is a time");
        let texts = [
            "2026-11-18T11:06:40Z",
            "2026-11-18T11:06:40.2Z",
            "2026-11-18T11:06:40.200000001Z",
            "2026-11-18T11:06:40.8Z",
            "2026-11-18T11:06:41Z",
        ];
        assert!(texts.map(parse).is_sorted());
        for text in texts {
            assert_eq!(parse(text).to_string(), text);
            assert_eq!(Timestamp::from_unix_nanoseconds(parse(text).unix_nanoseconds()), parse(text));
        }
        let early = parse("1969-12-31T23:59:59.25Z");
        assert_eq!((early.unix_seconds(), early.unix_nanoseconds()), (-1, -750_000_000));
        assert_eq!(Timestamp::from_unix_nanoseconds(-750_000_000), early);
        assert_eq!(parse("9999-01-01T00:00:00Z").unix_nanoseconds(), i64::MAX);
    }
}
