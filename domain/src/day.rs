//! Calendar days, `YYYY-MM-DD`, and the service period from one to another.

use crate::limits::SERVICE_PERIOD_DAYS_MAX;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use time::{Date, Month, OffsetDateTime};

/// The Unix time of 2000-01-01T00:00:00Z.
const FIRST_SECOND: i64 = 946_684_800;

/// A day of the Gregorian calendar in the years 2000 to 9999, without a time zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// Parses exactly `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number =
            |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u16>().ok())?;
        let (year, month, day) =
            (number(text.get(0..4)?)?, number(text.get(5..7)?)?, number(text.get(8..10)?)?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
        (year >= 2000).then_some(Self(date))
    }

    /// The day of a time, in UTC. A time out of range becomes the nearest day in range.
    pub fn of_timestamp(moment: Timestamp) -> Self {
        let date = OffsetDateTime::from_unix_timestamp(moment.unix_seconds().max(FIRST_SECOND));
        Self(date.map_or(Date::MAX, OffsetDateTime::date))
    }

    /// The first second of the day, in UTC.
    pub fn starts_at(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.midnight().assume_utc().unix_timestamp())
    }

    /// Whether both days are in the same calendar month.
    pub fn is_same_month(self, other: Self) -> bool {
        (self.0.year(), self.0.month()) == (other.0.year(), other.0.month())
    }

    /// Year, month and day of the month, counted from 1.
    pub fn parts(self) -> (i32, u8, u8) {
        (self.0.year(), self.0.month().into(), self.0.day())
    }

    /// The first day of its calendar month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        Self(self.0.replace_day(1).unwrap_or(self.0))
    }

    /// The next day; `None` after 9999-12-31.
    pub fn next(self) -> Option<Self> {
        self.0.next_day().map(Self)
    }

    /// The day this many days earlier, but not before the year 2000.
    #[must_use]
    pub fn minus_days(self, days: u16) -> Self {
        let first = Self::of_timestamp(Timestamp::from_unix_seconds(FIRST_SECOND));
        Self(self.0.saturating_sub(time::Duration::days(days.into()))).max(first)
    }

    /// The same day of the month, this many months later, or the last day of a shorter month.
    pub fn plus_months(self, months: u8) -> Option<Self> {
        let counted = i32::from(u8::from(self.0.month())) - 1 + i32::from(months);
        let year = self.0.year() + counted / 12;
        let month = Month::try_from(u8::try_from(counted % 12 + 1).ok()?).ok()?;
        let day = self.0.day().min(month.length(year));
        Date::from_calendar_date(year, month, day).ok().map(Self)
    }

    /// Days from `earlier` to `self`; negative when `self` is before `earlier`.
    pub fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).whole_days()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), u8::from(self.0.month()), self.0.day())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a date of the form YYYY-MM-DD"))
    }
}

/// The days that a charge pays for, both included: in order, and at most
/// [`SERVICE_PERIOD_DAYS_MAX`] days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ServicePeriodFields")]
pub struct ServicePeriod {
    from: Day,
    to: Day,
}

#[derive(Deserialize)]
struct ServicePeriodFields {
    from: Day,
    to: Day,
}

impl TryFrom<ServicePeriodFields> for ServicePeriod {
    type Error = &'static str;

    fn try_from(fields: ServicePeriodFields) -> Result<Self, Self::Error> {
        Self::new(fields.from, fields.to)
    }
}

impl ServicePeriod {
    /// The period of these days. The error says whether their order or their length is wrong.
    pub fn new(from: Day, to: Day) -> Result<Self, &'static str> {
        match to.days_since(from) {
            ..0 => Err("servicePeriod ends before it begins"),
            days if days >= SERVICE_PERIOD_DAYS_MAX => Err("servicePeriod is longer than 400 days"),
            _ => Ok(Self { from, to }),
        }
    }

    /// This many calendar months from `from`, until the day before the same day of the month.
    /// `None` for no month, or for more than [`SERVICE_PERIOD_DAYS_MAX`] days.
    pub fn from_months(from: Day, months: u8) -> Option<Self> {
        let end = from.plus_months(months)?;
        Self::new(from, Day(end.0.previous_day()?)).ok()
    }

    /// Whether the periods have a day in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// The first day that is paid for.
    pub fn from(self) -> Day {
        self.from
    }

    /// The last day that is paid for.
    pub fn to(self) -> Day {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn day_has_one_spelling() {
        assert_eq!(Day::parse("2026-12-01").map(|d| d.to_string()).as_deref(), Some("2026-12-01"));
        for bad in [
            "2026-13-01",
            "2026-02-29",
            "2026-2-1",
            "+026-02-01",
            "26-02-01",
            "2026-02-01Z",
            "1999-01-01",
            "２026-01-1",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn day_of_a_timestamp_is_in_utc() {
        let day = |text: &str| Timestamp::parse(text).map(|at| Day::of_timestamp(at).to_string());
        assert_eq!(day("2026-11-30T23:59:59Z").as_deref(), Some("2026-11-30"));
        assert_eq!(day("2026-12-01T00:00:00Z").as_deref(), Some("2026-12-01"));
        assert_eq!(day("2026-12-01T00:30:00+01:00").as_deref(), Some("2026-11-30"));
        assert_eq!(Day::of_timestamp(Timestamp::from_unix_seconds(-1)).to_string(), "2000-01-01");
        assert_eq!(Day::of_timestamp(Timestamp::from_unix_seconds(i64::MAX)).to_string(), "9999-12-31");
        let first = Day::parse("2026-12-01").expect("is a day");
        assert_eq!(first.starts_at().to_string(), "2026-12-01T00:00:00Z");
        assert!(first.is_same_month(Day::parse("2026-12-31").expect("is a day")));
        assert!(!first.is_same_month(Day::parse("2025-12-01").expect("is a day")));
    }

    #[test]
    fn service_period_is_in_order_and_bounded() {
        let period = |from: &str, to: &str| {
            serde_json::from_value::<ServicePeriod>(serde_json::json!({"from": from, "to": to})).is_ok()
        };
        assert!(period("2026-12-01", "2026-12-31"));
        assert!(period("2026-12-01", "2026-12-01"));
        assert!(!period("2026-12-02", "2026-12-01"));
        assert!(!period("2026-12-01", "2029-12-01"));
    }

    #[test]
    fn service_period_of_months_ends_the_day_before() {
        let period = |from: &str, months| {
            let period = ServicePeriod::from_months(Day::parse(from).expect("is a day"), months)?;
            Some(period.to().to_string())
        };
        for (from, months, to) in [
            ("2026-12-01", 6, "2027-05-31"),
            ("2026-12-01", 12, "2027-11-30"),
            ("2026-12-15", 1, "2027-01-14"),
            ("2026-08-31", 6, "2027-02-27"),
            ("2027-08-31", 6, "2028-02-28"),
            ("2028-02-29", 12, "2029-02-27"),
            ("2026-12-31", 12, "2027-12-30"),
        ] {
            assert_eq!(period(from, months).as_deref(), Some(to), "{from} {months}");
        }
        assert_eq!(period("2026-12-01", 0), None);
        assert_eq!(period("2026-12-01", 24), None, "is longer than a charge may be for");
        assert_eq!(period("9999-12-01", 6), None);
        assert_eq!(Day::parse("9999-12-31").and_then(Day::next), None);
        assert_eq!(
            Day::parse("2000-01-05").map(|day| day.minus_days(14).to_string()).as_deref(),
            Some("2000-01-01")
        );
    }

    proptest! {
        #[test]
        fn service_periods_of_months_have_no_gap(days in 0_i64..36_525, months in 1_u8..=12) {
            let from = Day::of_timestamp(Timestamp::from_unix_seconds(FIRST_SECOND + days * 86_400));
            let period = ServicePeriod::from_months(from, months).expect("is short");
            let next = period.to().next().expect("has a next");
            let length = next.days_since(from);
            prop_assert!((28 * i64::from(months)..=31 * i64::from(months)).contains(&length), "{length}");
            prop_assert_eq!(from.plus_months(months), Some(next));
            prop_assert_eq!(next.minus_days(u16::try_from(length).expect("is short")), from);
            // The same day of the month, or the last day of a shorter month.
            prop_assert!(next.0.day() == from.0.day() || next.0.day() == next.0.month().length(next.0.year()));
            let following = ServicePeriod::from_months(next, months).expect("is short");
            prop_assert!(!period.overlaps(following) && period.overlaps(period));
        }
    }
}
