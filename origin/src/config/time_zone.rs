//! The operator's time zone, in which the days of a subscription begin and end. Limits and reports
//! go by days of UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// A time zone by its IANA name, such as `America/Chicago`. The default is UTC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct OperatorTimeZone(TimeZone);

impl OperatorTimeZone {
    /// The day that a calendar in this zone shows.
    pub fn day_of(&self, at: Timestamp) -> Day {
        let day = jiff::Timestamp::from_second(at.unix_seconds())
            .ok()
            .and_then(|at| Day::parse(&at.to_zoned(self.0.clone()).date().to_string()));
        day.unwrap_or_else(|| Day::of_timestamp(at))
    }

    /// When the day begins in this zone.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let start = day
            .to_string()
            .parse::<Date>()
            .and_then(|date| date.to_zoned(self.0.clone()))
            .map(|start| Timestamp::from_unix_seconds(start.timestamp().as_second()));
        start.unwrap_or_else(|_| day.starts_at())
    }
}

impl Default for OperatorTimeZone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Serialize for OperatorTimeZone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl TryFrom<String> for OperatorTimeZone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let zone =
            TimeZone::get(&name).map_err(|_| "time_zone must be an IANA name such as America/Chicago")?;
        Ok(Self(zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> OperatorTimeZone {
        OperatorTimeZone::try_from(name.to_owned()).expect("is a zone")
    }

    #[test]
    fn day_begins_and_ends_in_the_operators_zone() {
        for (name, day, begins) in [
            ("UTC", "2026-12-01", "2026-12-01T00:00:00Z"),
            ("America/Chicago", "2026-12-01", "2026-12-01T06:00:00Z"),
            ("America/Chicago", "2026-07-01", "2026-07-01T05:00:00Z"),
            ("Asia/Kolkata", "2026-12-01", "2026-11-30T18:30:00Z"),
            // The clocks go forward at midnight: the day begins an hour later.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
        ] {
            let (zone, day) = (zone(name), Day::parse(day).expect("is a day"));
            let start = zone.start_of(day);
            assert_eq!(start.to_string(), begins, "{name}");
            assert_eq!(zone.day_of(start), day, "{name}");
            assert_eq!(zone.day_of(start.plus_seconds(-1)).next(), Some(day), "{name}");
        }
        assert_eq!(OperatorTimeZone::default(), zone("UTC"));
        assert!(OperatorTimeZone::try_from("Mars/Olympus".to_owned()).is_err());
    }
}
