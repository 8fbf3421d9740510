//! Numbers as people read them on the console's pages.

use onbill_domain::currency::Currency;
use onbill_domain::money::format_amount;

/// `1,234,567`.
pub(super) fn format_count(count: i64) -> String {
    group_digits(&count.to_string())
}

/// `1 charge`, `2,000 charges`: a count of what is named in the singular.
pub(super) fn format_counted(count: i64, thing: &str) -> String {
    format!("{} {thing}{}", format_count(count), if count == 1 { "" } else { "s" })
}

/// An amount with the decimals of its currency: `1,234.50`.
pub(super) fn format_money(amount_minor: i64, currency: Currency) -> String {
    let text = format_amount(amount_minor.into(), currency);
    match text.split_once('.') {
        Some((whole, decimals)) => format!("{}.{decimals}", group_digits(whole)),
        None => group_digits(&text),
    }
}

fn group_digits(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share of a whole in percent with one decimal, `–` of nothing.
pub(super) fn format_share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".to_owned();
    }
    let tenths = i128::from(part) * 1000 / i128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// How long something takes or has lasted, in its two largest units: `3 d 4 h`.
pub(super) fn format_duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(format_count(count), text);
        }
        let shown = [0, 1, 1_000].map(|count| format_counted(count, "charge"));
        assert_eq!(shown, ["0 charges", "1 charge", "1,000 charges"]);
        let usd = Currency::parse("USD").expect("is listed");
        assert_eq!(format_money(123_456_789, usd), "1,234,567.89");
        assert_eq!(format_money(-5, usd), "-0.05");
    }

    #[test]
    fn durations_and_shares_are_short() {
        for (seconds, text) in
            [(-1, "0 s"), (59, "59 s"), (3_599, "59 min"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(format_duration(seconds), text);
        }
        assert_eq!((format_share(1, 3), format_share(0, 0)), ("33.3 %".to_owned(), "–".to_owned()));
    }
}
