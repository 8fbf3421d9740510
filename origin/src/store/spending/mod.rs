//! What each account was charged in a day and a month, for its limits. Charges and refunds count
//! here; nothing else asks.
//!
//! The row of an account has the sums of the latest day with a charge. If that day has not begun by
//! any right clock, a clock that was ahead has written it, and the sums of today are taken from the
//! ledger again. What was charged by that clock then counts for the day that it showed.

pub(super) mod postgres;
pub(super) mod postgres_group;
pub(super) mod sqlite;

use crate::store::clock_skew::latest_now;
use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;

/// Whether no right clock shows this day yet.
fn is_ahead(now: Timestamp, day: Day) -> bool {
    day > Day::of_timestamp(latest_now(now))
}

/// In Unix seconds: when the day begins and ends, and when its month begins and ends.
fn bounds_of(day: Day) -> [i64; 4] {
    let month = day.first_of_month();
    let start = |day: Option<Day>| day.map_or(i64::MAX, |day| day.starts_at().unix_seconds());
    [start(Some(day)), start(day.next()), start(Some(month)), start(month.plus_months(1))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_day_and_month() {
        let day = |text| Day::parse(text).expect("is a day").starts_at().unix_seconds();
        let expected = [day("2026-12-31"), day("2027-01-01"), day("2026-12-01"), day("2027-01-01")];
        assert_eq!(bounds_of(Day::parse("2026-12-31").expect("is a day")), expected);
    }
}
