//! Spending limits: how much an account may be charged at once, in a day and in a month. Days and
//! months are in UTC, so that all origins of an operator agree when one ends.
//!
//! A charge counts from its acceptance. If it is declined later, or refunded, its amount is
//! released on the day and in the month of the charge.

use crate::day::Day;
use crate::decline_reason::DeclineReason;

/// The limits of one currency, in its minor units. An absent one does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendingLimits {
    /// The smallest charge that billing takes.
    pub charge_minor_min: Option<i64>,
    /// The largest charge.
    pub charge_minor_max: Option<i64>,
    /// The most that an account may be charged in a day.
    pub day_minor: Option<i64>,
    /// The most that an account may be charged in a calendar month.
    pub month_minor: Option<i64>,
}

impl SpendingLimits {
    /// Checks that the limits fit together. The error says what to change.
    pub fn check(&self) -> Result<(), &'static str> {
        let all = [self.charge_minor_min, self.charge_minor_max, self.day_minor, self.month_minor];
        if all.into_iter().flatten().any(|limit| limit <= 0) {
            return Err("each must be positive minor units; leave out what is not to be limited");
        }
        if all.into_iter().flatten().is_sorted() {
            Ok(())
        } else {
            Err("smallest, transaction, day and month must not become smaller in this order")
        }
    }

    /// Whether an account without charges may be charged this amount.
    pub fn allows(&self, amount_minor: i64) -> bool {
        let most = [self.charge_minor_max, self.day_minor, self.month_minor];
        most.into_iter().flatten().all(|most| amount_minor <= most)
            && self.charge_minor_min.is_none_or(|smallest| amount_minor >= smallest)
    }
}

/// The total of an account's charges in one currency, in the latest day and month with a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The latest day with a charge, in UTC.
    pub day: Day,
    /// The total of that day, in minor units.
    pub day_minor: i64,
    /// The total of that day's month, in minor units.
    pub month_minor: i64,
}

impl Spending {
    /// The total of an account without charges.
    pub fn zero(today: Day) -> Self {
        Self { day: today, day_minor: 0, month_minor: 0 }
    }

    /// Adds a charge of today. The error is the first limit that it exceeds, in the order of the
    /// contract's reasons.
    ///
    /// When another origin's clock shows tomorrow already, charges count for that day. A day that no
    /// right clock shows yet is not given here: the caller counts the charges of today again.
    pub fn add_charge(
        self,
        today: Day,
        amount_minor: i64,
        limits: &SpendingLimits,
    ) -> Result<Self, DeclineReason> {
        let exceeds = |limit: Option<i64>, total: i64| limit.is_some_and(|limit| total > limit);
        let spent = self.roll_over_to(today);
        let next = Self {
            day: spent.day,
            day_minor: spent.day_minor.saturating_add(amount_minor),
            month_minor: spent.month_minor.saturating_add(amount_minor),
        };
        if exceeds(limits.charge_minor_max, amount_minor) {
            Err(DeclineReason::ChargeExceedsTransactionLimit)
        } else if exceeds(limits.day_minor, next.day_minor) {
            Err(DeclineReason::ChargeExceedsDailyLimit)
        } else if exceeds(limits.month_minor, next.month_minor) {
            Err(DeclineReason::ChargeExceedsMonthlyLimit)
        } else if limits.charge_minor_min.is_some_and(|smallest| amount_minor < smallest) {
            Err(DeclineReason::ChargeUnderLimit)
        } else {
            Ok(next)
        }
    }

    /// Releases an amount of a charge of `day`, if that day or its month is still the latest.
    #[must_use]
    pub fn release(self, day: Day, amount_minor: i64) -> Self {
        let reduce = |total: i64, counts: bool| if counts { (total - amount_minor).max(0) } else { total };
        Self {
            day: self.day,
            day_minor: reduce(self.day_minor, day == self.day),
            month_minor: reduce(self.month_minor, day.is_same_month(self.day)),
        }
    }

    /// The totals as of `today`: a new day or month begins at zero.
    fn roll_over_to(self, today: Day) -> Self {
        if today <= self.day {
            self
        } else if today.is_same_month(self.day) {
            Self { day: today, day_minor: 0, ..self }
        } else {
            Self::zero(today)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("is a day")
    }

    const LIMITS: SpendingLimits = SpendingLimits {
        charge_minor_min: Some(50),
        charge_minor_max: Some(1000),
        day_minor: Some(1500),
        month_minor: Some(2000),
    };

    #[test]
    fn charge_is_declined_above_each_limit() {
        let today = day("2026-11-22");
        let none = Spending::zero(today);
        let take = |spent: Spending, amount| spent.add_charge(today, amount, &LIMITS);
        assert_eq!(take(none, 49), Err(DeclineReason::ChargeUnderLimit));
        assert_eq!(take(none, 1001), Err(DeclineReason::ChargeExceedsTransactionLimit));
        let spent = take(take(none, 50).expect("fits"), 1000).expect("fits");
        assert_eq!(spent, Spending { day: today, day_minor: 1050, month_minor: 1050 });
        assert_eq!(take(spent, 451), Err(DeclineReason::ChargeExceedsDailyLimit));
        let full = take(spent, 450).expect("fits");
        let tomorrow = |amount| full.add_charge(day("2026-11-23"), amount, &LIMITS);
        assert_eq!(tomorrow(501), Err(DeclineReason::ChargeExceedsMonthlyLimit));
        assert_eq!(tomorrow(500), Ok(Spending { day: day("2026-11-23"), day_minor: 500, month_minor: 2000 }));
        let next_month = full.add_charge(day("2026-12-01"), 1000, &LIMITS).expect("fits");
        assert_eq!(next_month, Spending { day: day("2026-12-01"), day_minor: 1000, month_minor: 1000 });
        assert!(none.add_charge(today, i64::MAX, &SpendingLimits::default()).is_ok(), "no limit is no limit");
    }

    #[test]
    fn spending_limits_are_positive_and_in_order() {
        let limits = |charge_minor_min, charge_minor_max, day_minor, month_minor| {
            SpendingLimits { charge_minor_min, charge_minor_max, day_minor, month_minor }.check().is_ok()
        };
        assert!(limits(None, None, None, None) && limits(Some(1), None, None, Some(1)));
        assert!(!limits(None, Some(0), None, None) && !limits(None, None, Some(-1), None));
        assert!(!limits(Some(2), Some(1), None, None) && !limits(Some(2), None, None, Some(1)));
    }

    #[test]
    fn charge_is_allowed_within_all_limits() {
        let month = SpendingLimits { month_minor: Some(2000), ..SpendingLimits::default() };
        let day = SpendingLimits { day_minor: Some(1500), ..month };
        for (limits, least, most) in [(LIMITS, 50, 1000), (day, 1, 1500), (month, 1, 2000)] {
            assert!(limits.allows(least) && limits.allows(most) && !limits.allows(most + 1));
        }
        assert!(!LIMITS.allows(49));
    }

    #[test]
    fn clock_that_is_behind_starts_no_new_day() {
        let spent = Spending { day: day("2026-12-01"), day_minor: 1400, month_minor: 1400 };
        assert_eq!(
            spent.add_charge(day("2026-11-30"), 101, &LIMITS),
            Err(DeclineReason::ChargeExceedsDailyLimit)
        );
        let next = spent.add_charge(day("2026-11-30"), 100, &LIMITS).expect("fits");
        assert_eq!(next, Spending { day: day("2026-12-01"), day_minor: 1500, month_minor: 1500 });
    }

    #[test]
    fn amount_is_released_in_its_day_and_month() {
        let spent = Spending { day: day("2026-11-22"), day_minor: 300, month_minor: 900 };
        assert_eq!(
            spent.release(day("2026-11-22"), 200),
            Spending { day_minor: 100, month_minor: 700, ..spent }
        );
        assert_eq!(spent.release(day("2026-11-02"), 200), Spending { month_minor: 700, ..spent });
        assert_eq!(spent.release(day("2026-10-22"), 200), spent);
        assert_eq!(spent.release(day("2025-11-22"), 200), spent);
        assert_eq!(
            spent.release(day("2026-11-22"), 5000),
            Spending { day_minor: 0, month_minor: 0, ..spent }
        );
    }
}
