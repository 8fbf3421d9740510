//! How times, durations and amounts are written for people, and amounts read.

use crate::config::OperatorTimeZone;
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use onbill_domain::money::{Money, format_amount};
use onbill_domain::timestamp::Timestamp;

/// A time to the minute, in the zone in which the operator's people talk to customers. The log, files
/// and the API have UTC, as the element's attribute has: to the second, because HTML takes no nanoseconds.
pub(crate) fn show_time(zone: &OperatorTimeZone, at: Timestamp) -> Markup {
    let second = Timestamp::from_unix_seconds(at.unix_seconds());
    html! { time datetime=(second) { (zone.format_minute(at)) } }
}

/// How long something has waited, in the largest unit that says enough.
pub(crate) fn show_age(seconds: i64) -> String {
    let count = |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        ..60 => count(seconds.max(0), "second"),
        60..3_600 => count(seconds / 60, "minute"),
        3_600..86_400 => count(seconds / 3_600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

/// Minor units as a field of a form shows them.
pub(crate) fn show_minor(amount: Money) -> String {
    format_amount(amount.amount_minor.into(), amount.currency)
}

/// Reads an amount as people type it, such as `15.99` or `15,99`: no sign, no thousands, and no more
/// decimals than the currency has.
pub(crate) fn read_amount(text: &str, currency: Currency) -> Option<Money> {
    let text = text.trim().replace(',', ".");
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let decimals = currency.decimals();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > decimals || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let amount_minor: i64 = format!("{whole}{part:0<decimals$}").parse().ok()?;
    (amount_minor > 0).then_some(Money { amount_minor, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_is_read_as_it_is_typed() {
        let read = |text: &str, code: &str| {
            read_amount(text, Currency::parse(code).expect("is listed")).map(|money| money.amount_minor)
        };
        for (text, code, minor) in [
            ("15.99", "USD", 1599),
            (" 15,9 ", "EUR", 1590),
            ("15", "USD", 1500),
            ("1599", "JPY", 1599),
            ("0.05", "USD", 5),
        ] {
            assert_eq!(read(text, code), Some(minor), "{text}");
        }
        for text in ["", ".", ".5", "0", "0.00", "-1", "+1", "1.999", "1,599.00", "1e3", "15 USD", "٣"] {
            assert_eq!(read(text, "USD"), None, "{text}");
        }
        assert_eq!(read("15.9", "JPY"), None);
        assert_eq!(read("92233720368547758.08", "USD"), None);
    }

    #[test]
    fn age_has_one_unit() {
        let shown = [-5, 1, 59, 60, 7_199, 86_399, 172_800].map(show_age);
        assert_eq!(
            shown,
            ["0 seconds", "1 second", "59 seconds", "1 minute", "1 hour", "23 hours", "2 days"]
        );
    }

    #[test]
    fn time_is_shown_to_the_minute_in_the_operators_zone() {
        let at = Timestamp::from_unix_seconds(1_795_000_000);
        let madrid = OperatorTimeZone::try_from("Europe/Madrid".to_owned()).expect("is a zone");
        for (zone, time) in [(OperatorTimeZone::default(), "11:06 UTC"), (madrid, "12:06 CET")] {
            let shown = show_time(&zone, at).into_string();
            assert_eq!(shown, format!("<time datetime=\"2026-11-18T11:06:40Z\">2026-11-18 {time}</time>"));
        }
    }
}
