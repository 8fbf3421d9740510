//! Tax in a charge: what the partner states of it, and how much of it a refund gives back.

use crate::currency::Currency;
use crate::money::Money;
use crate::reject::Reject;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// The tax in an amount, as the partner states it. Its JSON is `{"value": 120, "currency": "USD",
/// "rate": "8.25", "included": true}`, of which the last two may be absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// The tax in minor units.
    #[serde(rename = "value")]
    pub amount_minor: i64,
    /// The currency, which must be that of the amount.
    pub currency: Currency,
    /// The rate, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<TaxRate>,
    /// Whether the amount contains the tax. It always does, so this can only be true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<bool>,
}

impl Tax {
    /// Checks the tax against the amount that it is in.
    pub fn check(&self, amount: Money) -> Result<(), Reject> {
        let complaint = if self.currency != amount.currency {
            "tax must be in the currency of the amount."
        } else if !(0..=amount.amount_minor).contains(&self.amount_minor) {
            "tax must lie between nothing and the amount."
        } else if self.included == Some(false) {
            "tax.included must be true: the amount is what the subscriber pays, tax included."
        } else {
            return Ok(());
        };
        Err(Reject::invalid_request(complaint))
    }
}

/// A tax rate in percent, as text: `8.25`, with at most three digits before the point and four
/// after it. It is passed on and never calculated with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TaxRate(String);

impl TaxRate {
    /// Parses a rate from 0 to 100.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str, most: usize| {
            (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        };
        if !is_number(whole, 3) || !is_number(fraction, 4) {
            return None;
        }
        let is_in_range = match whole.parse::<u16>() {
            Ok(100) => fraction.bytes().all(|b| b == b'0'),
            Ok(percent) => percent < 100,
            Err(_) => false,
        };
        is_in_range.then(|| Self(text.to_owned()))
    }

    /// The rate as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaxRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TaxRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a percentage as text, such as 8.25"))
    }
}

/// How much of a charge's tax a refund returns: in proportion, rounded down, and counted from the
/// charge's beginning, so that the refunds of a fully refunded charge have returned all of its tax.
pub fn tax_given_back(charged_minor: i64, tax_minor: i64, before_minor: i64, refund_minor: i64) -> i64 {
    let until = |given_back_minor: i64| {
        let tax = i128::from(tax_minor) * i128::from(given_back_minor) / i128::from(charged_minor.max(1));
        i64::try_from(tax).unwrap_or(tax_minor)
    };
    until(before_minor + refund_minor) - until(before_minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_percent_with_few_digits() {
        for good in ["0", "8.25", "19", "19.0", "100", "100.0000", "7.0001"] {
            assert_eq!(TaxRate::parse(good).map(|rate| rate.to_string()).as_deref(), Some(good));
        }
        for bad in ["", "8,25", "8.", ".5", "-1", "+1", "1e1", "101", "100.01", "8.12345", "0100", " 8", "8%"]
        {
            assert_eq!(TaxRate::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn tax_is_part_of_its_amount() {
        let usd = Currency::parse("USD").expect("is listed");
        let amount = Money { amount_minor: 1599, currency: usd };
        let tax = Tax { amount_minor: 120, currency: usd, rate: None, included: None };
        for good in [
            tax.clone(),
            Tax { amount_minor: 0, ..tax.clone() },
            Tax { amount_minor: 1599, included: Some(true), ..tax.clone() },
        ] {
            assert_eq!(good.check(amount), Ok(()), "{good:?}");
        }
        for bad in [
            Tax { amount_minor: 1600, ..tax.clone() },
            Tax { amount_minor: -1, ..tax.clone() },
            Tax { currency: Currency::parse("EUR").expect("is listed"), ..tax.clone() },
            Tax { included: Some(false), ..tax },
        ] {
            let reject = bad.check(amount).expect_err("is not part of it");
            assert_eq!(reject.code.as_str(), "invalid-request", "{bad:?}");
        }
    }

    #[test]
    fn parts_of_a_charge_give_its_tax_back_to_the_cent() {
        for (charged, tax, parts) in
            [(1599, 120, vec![500, 500, 599]), (10, 4, vec![1; 10]), (3, 3, vec![1, 2]), (7, 0, vec![7])]
        {
            let (mut before, mut returned) = (0, 0);
            for part in parts {
                let share = tax_given_back(charged, tax, before, part);
                assert!((0..=part).contains(&share), "{share} of {part}");
                (before, returned) = (before + part, returned + share);
            }
            assert_eq!((before, returned), (charged, tax));
        }
    }
}
