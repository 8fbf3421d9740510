//! A calendar month.

use onbill_domain::day::Day;
use std::fmt;

/// A month, by its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month(Day);

impl Month {
    /// Parses exactly `YYYY-MM`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        (text.len() == 7).then(|| Day::parse(&format!("{text}-01"))).flatten().map(Self)
    }

    pub(super) fn of(day: Day) -> Self {
        Self(day.first_of_month())
    }

    pub(super) fn first(self) -> Day {
        self.0
    }

    pub(super) fn last(self) -> Day {
        self.0.plus_months(1).map_or(self.0, |next| next.minus_days(1))
    }

    /// The days until `today` at most.
    pub(super) fn days_until(self, today: Day) -> Vec<Day> {
        let last = self.last().min(today);
        std::iter::successors(Some(self.0), |day| day.next()).take_while(|day| *day <= last).collect()
    }

    /// The month before; `None` before the year 2000.
    pub(super) fn before(self) -> Option<Self> {
        Some(Self::of(self.0.minus_days(1))).filter(|before| *before != self)
    }

    pub(super) fn after(self) -> Option<Self> {
        self.0.plus_months(1).map(Self)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.0.to_string();
        f.write_str(day.get(..7).unwrap_or(&day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn month_has_its_days_and_its_neighbours() {
        let month = Month::parse("2028-02").expect("is a month");
        assert_eq!(
            (month.to_string().as_str(), month.last().to_string().as_str()),
            ("2028-02", "2028-02-29")
        );
        assert_eq!(month.before().map(|month| month.to_string()).as_deref(), Some("2028-01"));
        assert_eq!(month.after().map(|month| month.to_string()).as_deref(), Some("2028-03"));
        let today = Day::parse("2028-02-03").expect("is a day");
        assert_eq!(month.days_until(today).len(), 3);
        assert!(month.days_until(today.minus_days(30)).is_empty(), "a month to come");
        assert_eq!(Month::parse("2000-01").and_then(Month::before), None);
        for bad in ["", "2028", "2028-2", "2028-13", "2028-02-01", "2028-0x"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }
}
