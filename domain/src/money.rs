//! Money: an integer of minor units with its currency. There are no floats, and no arithmetic
//! across currencies.

use crate::currency::Currency;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of money. Its JSON is `{"value": 1599, "currency": "USD"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The amount in minor units, such as cents.
    #[serde(rename = "value")]
    pub amount_minor: i64,
    /// The currency, which also says how many decimals the minor unit has.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// `15.99 USD`, for logs and the command line. Pages format by the locale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format_amount(self.amount_minor.into(), self.currency), self.currency)
    }
}

/// An amount or a sum of amounts, in minor units, with the currency's decimals, such as `15.99`.
pub fn format_amount(amount_minor: i128, currency: Currency) -> String {
    let decimals = currency.decimals();
    let unit = 10_u128.pow(u32::try_from(decimals).unwrap_or(0));
    let (sign, minor) = (if amount_minor < 0 { "-" } else { "" }, amount_minor.unsigned_abs());
    match decimals {
        0 => format!("{sign}{minor}"),
        _ => format!("{sign}{}.{:0decimals$}", minor / unit, minor % unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_json_is_integer_minor_units() {
        let parse = |text: &str| serde_json::from_str::<Money>(text).ok().map(|m| m.to_string());
        assert_eq!(parse(r#"{"value":1599,"currency":"USD"}"#).as_deref(), Some("15.99 USD"));
        assert_eq!(parse(r#"{"value":-5,"currency":"USD"}"#).as_deref(), Some("-0.05 USD"));
        assert_eq!(parse(r#"{"value":1599,"currency":"JPY"}"#).as_deref(), Some("1599 JPY"));
        assert_eq!(parse(r#"{"value":1599,"currency":"KWD"}"#).as_deref(), Some("1.599 KWD"));
        for bad in [
            r#"{"value":15.99,"currency":"USD"}"#,
            r#"{"value":"1599","currency":"USD"}"#,
            r#"{"value":1e3,"currency":"USD"}"#,
            r#"{"value":9223372036854775808,"currency":"USD"}"#,
            r#"{"value":1599,"currency":"usd"}"#,
            r#"{"value":1599}"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
