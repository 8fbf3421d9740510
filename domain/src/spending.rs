//! Spending limits: how much one account may be charged at once, in a day and in a month. Days and months are those of
//! UTC, so that all origins of an operator agree when one ends.
//!
//! A charge counts from its acceptance on; one that is declined later gives its room back, and so does a refund, on the
//! day and in the month of the charge.

use crate::day::Day;
use crate::decline_reason::DeclineReason;

/// The limits of one currency, in its minor units. One that is absent does not limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpendingLimits {
    /// The smallest charge that billing takes.
    pub smallest_minor: Option<i64>,
    /// The largest single charge.
    pub transaction_minor: Option<i64>,
    /// The most that one account may be charged in a day.
    pub day_minor: Option<i64>,
    /// The most that one account may be charged in a calendar month.
    pub month_minor: Option<i64>,
}

impl SpendingLimits {
    /// Whether they make sense together. The complaint says what to change.
    pub fn check(&self) -> Result<(), &'static str> {
        let all = [self.smallest_minor, self.transaction_minor, self.day_minor, self.month_minor];
        if all.into_iter().flatten().any(|limit| limit <= 0) {
            return Err("each must be positive minor units; leave out what is not to be limited");
        }
        if all.into_iter().flatten().is_sorted() {
            Ok(())
        } else {
            Err("smallest, transaction, day and month must not become smaller in this order")
        }
    }

    /// Whether an account that was charged nothing yet may be charged this.
    pub fn allows(&self, amount_minor: i64) -> bool {
        let most = [self.transaction_minor, self.day_minor, self.month_minor];
        most.into_iter().flatten().all(|most| amount_minor <= most)
            && self.smallest_minor.is_none_or(|smallest| amount_minor >= smallest)
    }
}

/// What one account has been charged in one currency, up to and on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The latest day with a charge.
    pub day: Day,
    /// On that day, in minor units.
    pub day_minor: i64,
    /// In that day's month, in minor units.
    pub month_minor: i64,
}

impl Spending {
    /// Nothing yet.
    pub fn zero(today: Day) -> Self {
        Self { day: today, day_minor: 0, month_minor: 0 }
    }

    /// Adds a charge of today, or says which limit it is over; checked in the order of the contract's reasons.
    ///
    /// A clock that was set back does not open a day again: what is charged then counts for the latest day known.
    pub fn add_charge(
        self,
        today: Day,
        amount_minor: i64,
        limits: &SpendingLimits,
    ) -> Result<Self, DeclineReason> {
        let over = |limit: Option<i64>, total: i64| limit.is_some_and(|limit| total > limit);
        let spent = self.until(today);
        let next = Self {
            day: spent.day,
            day_minor: spent.day_minor.saturating_add(amount_minor),
            month_minor: spent.month_minor.saturating_add(amount_minor),
        };
        if over(limits.transaction_minor, amount_minor) {
            Err(DeclineReason::ChargeExceedsTransactionLimit)
        } else if over(limits.day_minor, next.day_minor) {
            Err(DeclineReason::ChargeExceedsDailyLimit)
        } else if over(limits.month_minor, next.month_minor) {
            Err(DeclineReason::ChargeExceedsMonthlyLimit)
        } else if limits.smallest_minor.is_some_and(|smallest| amount_minor < smallest) {
            Err(DeclineReason::ChargeUnderLimit)
        } else {
            Ok(next)
        }
    }

    /// Gives back what a charge of `day` took, as far as that day and its month still count.
    #[must_use]
    pub fn release(self, day: Day, amount_minor: i64) -> Self {
        let less = |total: i64, counts: bool| if counts { (total - amount_minor).max(0) } else { total };
        Self {
            day: self.day,
            day_minor: less(self.day_minor, day == self.day),
            month_minor: less(self.month_minor, day.is_same_month(self.day)),
        }
    }

    fn until(self, today: Day) -> Self {
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
        smallest_minor: Some(50),
        transaction_minor: Some(1000),
        day_minor: Some(1500),
        month_minor: Some(2000),
    };

    #[test]
    fn each_limit_declines_what_is_over_it_and_takes_what_just_fits() {
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
    fn limits_are_positive_and_in_order() {
        let limits = |smallest_minor, transaction_minor, day_minor, month_minor| {
            SpendingLimits { smallest_minor, transaction_minor, day_minor, month_minor }.check().is_ok()
        };
        assert!(limits(None, None, None, None) && limits(Some(1), None, None, Some(1)));
        assert!(!limits(None, Some(0), None, None) && !limits(None, None, Some(-1), None));
        assert!(!limits(Some(2), Some(1), None, None) && !limits(Some(2), None, None, Some(1)));
    }

    #[test]
    fn what_one_charge_may_be_lies_within_all_limits() {
        let month = SpendingLimits { month_minor: Some(2000), ..SpendingLimits::default() };
        let day = SpendingLimits { day_minor: Some(1500), ..month };
        for (limits, least, most) in [(LIMITS, 50, 1000), (day, 1, 1500), (month, 1, 2000)] {
            assert!(limits.allows(least) && limits.allows(most) && !limits.allows(most + 1));
        }
        assert!(!LIMITS.allows(49));
    }

    #[test]
    fn a_clock_set_back_opens_no_day_again() {
        let spent = Spending { day: day("2026-12-01"), day_minor: 1400, month_minor: 1400 };
        assert_eq!(
            spent.add_charge(day("2026-11-30"), 101, &LIMITS),
            Err(DeclineReason::ChargeExceedsDailyLimit)
        );
        let next = spent.add_charge(day("2026-11-30"), 100, &LIMITS).expect("fits");
        assert_eq!(next, Spending { day: day("2026-12-01"), day_minor: 1500, month_minor: 1500 });
    }

    #[test]
    fn room_is_given_back_where_it_was_taken() {
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
