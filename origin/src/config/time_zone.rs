//! The operator's time zone, in which the days of a subscription begin and end, and in which the
//! operator's people read times. Limits and reports go by days of UTC.

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

    /// Date and minute that clocks in this zone show, with the zone's abbreviation at that time:
    /// `2026-11-18 12:06 CET`. It distinguishes the two hours of the night in which clocks go back.
    pub fn format_minute(&self, at: Timestamp) -> String {
        let Ok(instant) = jiff::Timestamp::from_second(at.unix_seconds()) else { return at.to_string() };
        let info = self.0.to_offset_info(instant);
        let civil = info.offset().to_datetime(instant).to_string();
        let minute = civil.get(..16).unwrap_or(&civil).replace('T', " ");
        // Many zones have the distance to UTC in place of an abbreviation, such as `-03`.
        let from = if info.abbreviation().starts_with(['+', '-']) { "UTC" } else { "" };
        format!("{minute} {from}{}", info.abbreviation())
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

    #[test]
    fn minute_is_that_of_the_zones_clocks() {
        for (name, at, shown) in [
            ("UTC", "2026-11-18T11:06:40Z", "2026-11-18 11:06 UTC"),
            ("Europe/Madrid", "2026-11-18T11:06:40Z", "2026-11-18 12:06 CET"),
            ("Europe/Madrid", "2026-07-01T22:30:00Z", "2026-07-02 00:30 CEST"),
            ("America/Chicago", "2026-11-18T04:00:00Z", "2026-11-17 22:00 CST"),
            ("America/Sao_Paulo", "2026-11-18T11:06:40Z", "2026-11-18 08:06 UTC-03"),
            // The clocks go back from three to two.
            ("Europe/Madrid", "2026-10-25T00:30:00Z", "2026-10-25 02:30 CEST"),
            ("Europe/Madrid", "2026-10-25T01:30:00Z", "2026-10-25 02:30 CET"),
        ] {
            let at = Timestamp::parse(at).expect("is a time");
            assert_eq!(zone(name).format_minute(at), shown);
        }
        let beyond = Timestamp::from_unix_seconds(i64::MAX);
        assert_eq!(zone("Europe/Madrid").format_minute(beyond), "out of range");
    }
}
