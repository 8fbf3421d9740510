//! Money: an integer of minor units with its currency. There is no float and no arithmetic across currencies.

use crate::currency::Currency;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount, in JSON `{"value": 1599, "currency": "USD"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units (cents), as many as the currency's own decimals say.
    #[serde(rename = "value")]
    pub amount_minor: i64,
    /// The ISO 4217 currency.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// `15.99 USD`: for logs and the command line. Pages format by the reader's locale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        if decimals == 0 {
            return write!(f, "{} {}", self.amount_minor, self.currency);
        }
        let unit = if decimals == 3 { 1000 } else { 100 };
        let (sign, minor) = (if self.amount_minor < 0 { "-" } else { "" }, self.amount_minor.unsigned_abs());
        write!(f, "{sign}{}.{:0decimals$} {}", minor / unit, minor % unit, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_integer_minor_units_only() {
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
