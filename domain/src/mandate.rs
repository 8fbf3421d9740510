//! The mandate: what a customer agreed to pay, and which charges that covers.

use crate::day::ServicePeriod;
use crate::money::Money;

crate::wire_enum! {
    /// How the number of a mandate was proved to be the customer's.
    pub enum MandateProof {
        /// By a PIN in an SMS to the number.
        Pin = "pin",
        /// By the session of the operator's dashboard.
        Session = "session",
        /// By the partner's app, which read the number on the device.
        DeviceRead = "device-read",
        /// By nothing that is known here: it comes from another system.
        Imported = "imported",
    }
}

crate::word_enum! {
    /// Why a charge is not covered: the `rawCode` of its decline, under the scope `mandate`.
    pub enum MandateGap {
        /// Nobody has agreed to it.
        None = "none",
        /// The subscription had been cancelled when the period began.
        Ended = "ended",
        /// It costs more than was agreed, or in another currency.
        OverPrice = "over-price",
        /// Some of its days are charged already, under another id.
        PeriodCharged = "period-charged",
    }
}

/// A period of so many days counts as a month: a partner may bill every four weeks.
const DAYS_OF_MONTH_MIN: i64 = 28;

/// The most that these days cost at this price for a month: the price for each whole month, and for
/// the other days their share of it, rounded up. Without the share, a partner could charge the price
/// of a month for each day.
pub fn price_of_days(price_minor: i64, days: ServicePeriod) -> i64 {
    let mut months: u8 = 0;
    let mut next = days.from();
    while let Some(end) = days.from().plus_months(months + 1)
        && end.days_since(days.to()) <= 1
    {
        months += 1;
        next = end;
    }
    let rest = (days.to().days_since(next) + 1).clamp(0, DAYS_OF_MONTH_MIN);
    let share = price_minor.saturating_mul(rest).saturating_add(DAYS_OF_MONTH_MIN - 1) / DAYS_OF_MONTH_MIN;
    price_minor.saturating_mul(months.into()).saturating_add(share)
}

/// Whether a mandate at this price for a month covers the amount for these days.
pub fn covers(price: Money, amount: Money, days: ServicePeriod) -> bool {
    price.currency == amount.currency && amount.amount_minor <= price_of_days(price.amount_minor, days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::day::Day;

    fn days(from: &str, to: &str) -> ServicePeriod {
        let day = |text| Day::parse(text).expect("is a day");
        ServicePeriod::new(day(from), day(to)).expect("is a period")
    }

    #[test]
    fn price_is_per_month_and_shared_by_days() {
        for (from, to, price) in [
            ("2026-12-01", "2026-12-31", 2800),
            ("2027-02-01", "2027-02-28", 2800),
            ("2027-01-31", "2027-02-27", 2800),
            // No days cost more than their whole month.
            ("2026-12-01", "2026-12-30", 2800),
            ("2026-12-01", "2027-01-30", 5600),
            // Four weeks count as a month.
            ("2026-12-01", "2026-12-28", 2800),
            ("2026-12-01", "2026-12-27", 2700),
            ("2026-12-01", "2026-12-01", 100),
            ("2026-12-15", "2027-01-14", 2800),
            ("2026-12-15", "2027-01-15", 2900),
            ("2026-12-01", "2027-01-31", 5600),
            ("2026-12-01", "2027-11-30", 12 * 2800),
        ] {
            assert_eq!(price_of_days(2800, days(from, to)), price, "{from} {to}");
        }
        assert_eq!(price_of_days(1, days("2026-12-01", "2026-12-01")), 1, "rounded up");
        assert_eq!(price_of_days(i64::MAX, days("2026-12-01", "2027-01-31")), i64::MAX);
    }

    #[test]
    fn mandate_covers_its_price_in_its_currency() {
        let money =
            |amount_minor, code| Money { amount_minor, currency: Currency::parse(code).expect("is listed") };
        let december = days("2026-12-01", "2026-12-31");
        let covered = |amount| covers(money(1599, "USD"), amount, december);
        assert!(covered(money(1599, "USD")) && covered(money(1, "USD")));
        assert!(!covered(money(1600, "USD")) && !covered(money(1599, "EUR")));
    }
}
